#include "fsrcnn/fsrcnn.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/engine.hpp"
#include "model/builtin.hpp"
#include "model/formats/safetensors.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {
namespace {

// Far more than any FSRCNN has.
constexpr int64_t kLargestFile = int64_t{1} << 28;

Model load(const std::string& name, int64_t scale) {
  const std::optional<int64_t> wanted = scale == 0 ? std::nullopt : std::optional(scale);
  if (std::optional<Model> builtin = builtin_model(name)) {
    if (wanted && *wanted != builtin->scale) {
      fail(ErrorCode::model, "the compiled-in model {} is for scale {}, not {}", name, builtin->scale, *wanted);
    }
    return *std::move(builtin);
  }
  Model model = model_from_state_dict(parse_safetensors(read_file(name, kLargestFile), name), name, wanted);
  require_scale(model, name);
  return model;
}

Tensor<float> tensor_of(const ConstTensorView& view) {
  return Tensor<float>(view.shape, std::vector<float>(view.data, view.data + view.shape.count()));
}

std::vector<float> bias_of(const float* bias, int64_t channels) {
  return bias == nullptr ? std::vector<float>() : std::vector<float>(bias, bias + channels);
}

void check_room(const Shape& shape, const TensorView& output) {
  if (shape != output.shape) {
    fail(ErrorCode::input, "the output has shape {}, but there is room for {}", to_string(shape),
         to_string(output.shape));
  }
}

}  // namespace

Upscaler::Upscaler(const std::string& model, const UpscalerOptions& options)
    : engine_(std::make_unique<Engine>(load(model, options.scale), options)) {}
Upscaler::~Upscaler() = default;
Upscaler::Upscaler(Upscaler&&) noexcept = default;
Upscaler& Upscaler::operator=(Upscaler&&) noexcept = default;

int64_t Upscaler::scale() const { return engine_->scale(); }
int Upscaler::threads() const { return engine_->threads(); }
const std::string& Upscaler::cpu() const { return engine_->cpu(); }

FrameStatistics Upscaler::upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options) {
  return engine_->upscale(input, output, options);
}

RowUpscaler::RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
                         const Plane& output_format, Sink sink)
    : stream_(std::make_unique<RowStream>(*upscaler.engine_, width, height, input_format, output_format,
                                          std::move(sink))) {}
RowUpscaler::~RowUpscaler() = default;
RowUpscaler::RowUpscaler(RowUpscaler&&) noexcept = default;
RowUpscaler& RowUpscaler::operator=(RowUpscaler&&) noexcept = default;

void RowUpscaler::push(const ConstPlane& rows) { stream_->push(rows); }

Shape conv2d_shape(const Shape& input, const Shape& weight, const Conv2dParams& params) {
  return conv2d_output_shape(input, weight, 0, params);
}

void conv2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias, const Conv2dParams& params,
            const TensorView& output) {
  const Shape shape = conv2d_shape(input.shape, weight.shape, params);
  check_room(shape, output);
  Conv2d(tensor_of(weight), bias_of(bias, shape.c), params)(input, output.data);
}

Shape conv_transpose2d_shape(const Shape& input, const Shape& weight, const ConvTranspose2dParams& params) {
  return conv_transpose2d_output_shape(input, weight, 0, params);
}

void conv_transpose2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                      const ConvTranspose2dParams& params, const TensorView& output) {
  const Shape shape = conv_transpose2d_shape(input.shape, weight.shape, params);
  check_room(shape, output);
  ConvTranspose2d(tensor_of(weight), bias_of(bias, shape.c), params)(input, output.data);
}

}  // namespace fsrcnn
