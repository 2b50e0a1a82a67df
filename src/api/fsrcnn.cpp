#include "fsrcnn/fsrcnn.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include "api/check.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/engine.hpp"
#include "network/builtin.hpp"
#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {
namespace {

// Far more than any FSRCNN has.
constexpr int64_t kLargestFile = int64_t{1} << 28;

Network load(Bytes bytes, const std::string& source, int64_t scale) {
  // After the header's size, which every such file begins with.
  if (bytes.size() > 8 && bytes[8] != std::byte{'{'}) {
    fail(ErrorCode::model,
         "{}: not a safetensors file; the library reads only those: convert ONNX, PyTorch and other files with "
         "fsrcnn convert FILE NAME.safetensors",
         source);
  }
  const std::optional<int64_t> wanted = scale == 0 ? std::nullopt : std::optional(scale);
  Network network = network_from_state_dict(parse_safetensors(bytes, source), source, wanted);
  require_scale(network, source);
  return network;
}

Network load(const std::string& name, int64_t scale) {
  if (std::optional<Network> builtin = builtin_network(name)) {
    if (scale != 0 && scale != builtin->scale) {
      fail(ErrorCode::model, "the built-in model {} is for scale {}, not {}", name, builtin->scale, scale);
    }
    return *std::move(builtin);
  }
  const std::filesystem::path path = path_of_utf8(name);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fail(ErrorCode::io, "there is no file or built-in model '{}'; built-in models: {}", name, builtin_names());
  }
  return load(read_file(path, kLargestFile), name, scale);
}

const UpscalerOptions& checked(const UpscalerOptions& options) {
  check_options(options);
  return options;
}

Tensor<float> tensor_of(const ConstTensorView& view) {
  return Tensor<float>(view.shape, std::vector<float>(view.data, view.data + view.shape.count()));
}

std::vector<float> bias_of(const float* bias, int64_t channels) {
  return bias == nullptr ? std::vector<float>() : std::vector<float>(bias, bias + channels);
}

/// What an operator is given, beyond what it checks itself.
void check_tensors(const ConstTensorView& input, const ConstTensorView& weight, const float* bias, const Shape& shape,
                   const TensorView& output) {
  if (shape != output.shape) {
    fail(ErrorCode::input, "the result has shape {}, but the output tensor has {}", to_string(shape),
         to_string(output.shape));
  }
  const int64_t inputs = checked_count(input.shape, sizeof(float)), outputs = checked_count(shape, sizeof(float));
  const int64_t weights = checked_count(weight.shape, sizeof(float));
  check_floats(input.data, inputs, "input");
  check_floats(weight.data, weights, "weight");
  check_floats(bias, 0, "bias");
  check_floats(output.data, outputs, "output");
  check_apart(input.data, inputs, "input", output.data, outputs, "output");
  check_apart(weight.data, weights, "weight", output.data, outputs, "output");
}

/// What is read, from the planes that are written.
void check_all_apart(std::span<const ConstPlane> read, std::string_view name, std::span<const ConstPlane> written) {
  for (size_t i = 0; i < written.size(); ++i) {
    for (size_t k = 0; k < read.size(); ++k) {
      check_apart(read[k], plane_name(name, k, read.size()), written[i], plane_name("output", i, written.size()));
    }
  }
}

void check_apart_from_each_other(std::span<const ConstPlane> written) {
  for (size_t i = 0; i < written.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      check_apart(written[k], plane_name("output", k, written.size()), written[i],
                  plane_name("output", i, written.size()));
    }
  }
}

/// The planes of a frame, each by itself, and that what is written lies apart from what is read.
void check_frame(std::span<const ConstPlane> input, std::span<const Plane> output, const FrameOptions& options,
                 int64_t channels) {
  std::vector<ConstPlane> written;
  for (const Plane& plane : output) written.push_back(const_view(plane));
  check_planes(input, channels, "input");
  check_planes(written, channels, "output");
  const auto previous = [&](const std::optional<ConstPlane>& one, std::span<const ConstPlane> all, const char* name) {
    if (one && !all.empty()) {
      fail(ErrorCode::usage, "both '{}' and '{}s' are set; set only one", name, name);
    }
    const std::span<const ConstPlane> planes = one ? std::span(&*one, 1) : all;
    if (!planes.empty()) check_planes(planes, channels, name);
    return planes;
  };
  const auto previous_input = previous(options.previous_input, options.previous_inputs, "previous_input");
  const auto previous_output = previous(options.previous_output, options.previous_outputs, "previous_output");
  check_all_apart(input, "input", written);
  check_all_apart(previous_input, "previous_input", written);
  for (size_t i = 0; i < written.size(); ++i) {
    for (size_t k = 0; k < previous_output.size(); ++k) {
      if (i == k && same_samples(previous_output[k], written[i])) continue;
      check_apart(previous_output[k], plane_name("previous_output", k, previous_output.size()), written[i],
                  plane_name("output", i, written.size()));
    }
  }
  check_apart_from_each_other(written);
}

RowUpscaler::PlanesSink planes_sink(const Upscaler& upscaler, RowUpscaler::Sink sink) {
  if (!sink) fail(ErrorCode::usage, "argument 'sink' is empty");
  if (upscaler.channels() != 1) {
    fail(ErrorCode::usage, "the network has {} channels: pass a sink for that many planes", upscaler.channels());
  }
  return [sink = std::move(sink)](std::span<const ConstPlane> rows) { sink(rows.front()); };
}

/// Planes of which the level does not count, with one that passes.
template <class Bytes>
std::vector<ConstPlane> without_level(std::span<const BasicPlane<Bytes>> planes) {
  std::vector<ConstPlane> result;
  for (const BasicPlane<Bytes>& p : planes) result.push_back({p.data, p.width, p.height, p.stride_bytes, p.type});
  return result;
}

/// Whether there are rows at all.
bool check_pushed(std::span<const ConstPlane> rows, int64_t channels) {
  if (!rows.empty() && rows.front().height == 0) return false;
  check_planes(without_level(rows), channels, "next");
  return true;
}

}  // namespace

Executor::Executor(int threads) {
  check_threads(threads);
  pool_ = std::make_shared<ThreadPool>(threads > 0 ? threads : default_thread_count());
}
int Executor::threads() const { return pool_->threads(); }

Upscaler::Upscaler(const std::string& model, const UpscalerOptions& options)
    : engine_(std::make_shared<Engine>(load(model, checked(options).scale), options)) {}
Upscaler::Upscaler(std::span<const std::byte> weights, const UpscalerOptions& options)
    : engine_(std::make_shared<Engine>(load(weights, "the weights in memory", checked(options).scale), options)) {}
Upscaler::~Upscaler() = default;
Upscaler::Upscaler(Upscaler&&) noexcept = default;
Upscaler& Upscaler::operator=(Upscaler&&) noexcept = default;

int64_t Upscaler::scale() const { return engine_->scale(); }
int Upscaler::threads() const { return engine_->threads(); }
int64_t Upscaler::channels() const { return engine_->channels(); }
const std::string& Upscaler::cpu() const { return engine_->cpu(); }

FrameStatistics Upscaler::upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  return upscale(std::span(&input, 1), std::span(&output, 1), options);
}

FrameStatistics Upscaler::upscale(std::span<const ConstPlane> input, std::span<const Plane> output,
                                  const FrameOptions& options) {
  check_frame(input, output, options, channels());
  const std::shared_ptr<Engine> engine = engine_;  // until the end, even if a callback destroys the upscaler
  return engine->upscale(input.data(), output.data(), options);
}

RowUpscaler::RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
                         const Plane& output_format, PlanesSink sink)
    : engine_(upscaler.engine_) {
  check_format(input_format, "input_format");
  check_format(const_view(output_format), "output_format");
  stream_ = std::make_unique<RowStream>(*engine_, width, height, input_format, output_format, std::move(sink));
}
RowUpscaler::RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
                         const Plane& output_format, Sink sink)
    : RowUpscaler(upscaler, width, height, input_format, output_format, planes_sink(upscaler, std::move(sink))) {}
RowUpscaler::RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
                         const Plane& output_format)
    : RowUpscaler(upscaler, width, height, input_format, output_format, PlanesSink()) {}
RowUpscaler::~RowUpscaler() = default;
RowUpscaler::RowUpscaler(RowUpscaler&&) noexcept = default;
RowUpscaler& RowUpscaler::operator=(RowUpscaler&& other) noexcept {
  stream_ = std::move(other.stream_);  // before the engine that it stands on
  engine_ = std::move(other.engine_);
  return *this;
}

void RowUpscaler::push(const ConstPlane& rows) { push(std::span(&rows, 1)); }

void RowUpscaler::push(std::span<const ConstPlane> rows) {
  if (check_pushed(rows, channels())) stream_->push(rows);
}

void RowUpscaler::push(const ConstPlane& rows, const Plane& output) {
  push(std::span(&rows, 1), std::span(&output, 1));
}

void RowUpscaler::push(std::span<const ConstPlane> rows, std::span<const Plane> output) {
  if (!check_pushed(rows, channels())) return;
  if (completed_by(rows.front().height) == 0) return stream_->push(rows, std::span<const Plane>());
  const std::vector<ConstPlane> written = without_level(output);
  check_planes(written, channels(), "output");
  check_all_apart(rows, "next", written);
  check_apart_from_each_other(written);
  stream_->push(rows, output);
}

int64_t RowUpscaler::completed_by(int64_t count) const { return stream_->completed_by(count); }

int64_t RowUpscaler::channels() const { return engine_->channels(); }

const std::vector<ModelInfo>& models() {
  static const std::vector<ModelInfo> all = [] {
    std::vector<ModelInfo> infos;
    for (const BuiltinModel& model : builtin_models()) {
      infos.push_back({std::string(model.name), std::string(model.purpose), model.scale, 1, model.general});
    }
    return infos;
  }();
  return all;
}

Shape conv2d_shape(const Shape& input, const Shape& weight, const Conv2dParams& params) {
  return conv2d_output_shape(input, weight, 0, params);
}

void conv2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias, const Conv2dParams& params,
            const TensorView& output, const std::optional<Executor>& executor) {
  const Shape shape = conv2d_shape(input.shape, weight.shape, params);
  check_tensors(input, weight, bias, shape, output);
  Conv2d(tensor_of(weight), bias_of(bias, shape.c), params)(input, output.data, *thread_pool_for(executor, 0));
}

Shape conv_transpose2d_shape(const Shape& input, const Shape& weight, const ConvTranspose2dParams& params) {
  return conv_transpose2d_output_shape(input, weight, 0, params);
}

void conv_transpose2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                      const ConvTranspose2dParams& params, const TensorView& output,
                      const std::optional<Executor>& executor) {
  const Shape shape = conv_transpose2d_shape(input.shape, weight.shape, params);
  check_tensors(input, weight, bias, shape, output);
  ConvTranspose2d(tensor_of(weight), bias_of(bias, shape.c), params)(input, output.data, *thread_pool_for(executor, 0));
}

}  // namespace fsrcnn
