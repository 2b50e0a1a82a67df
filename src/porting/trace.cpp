#include "porting/trace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sha256.hpp"
#include "engine/reference_network.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {
namespace {

std::string how_to_read(const std::string& file, const NumberType& type, TensorFormat format, const Shape& shape) {
  const bool fixed = type.kind == NumberType::Kind::fixed;
  const std::string of_words = fixed ? fmt::format(" / {}", 1 << type.fixed.fraction_bits) : "";
  const std::string reshape = fmt::format(".reshape{}", to_string(shape));
  switch (format) {
    case TensorFormat::npy: return fmt::format("numpy.load('{}')", file);
    case TensorFormat::txt: return fmt::format("numpy.loadtxt('{}'){}{}", file, reshape, of_words);
    case TensorFormat::header: return fmt::format("#include \"{}\"", file);
    case TensorFormat::hex:
      return fmt::format("$readmemh(\"{}\", memory); a word a line, {}", file,
                         fixed ? "two's complement" : "the bits of the " + to_string(type));
  }
  return "";
}

class TraceWriter {
 public:
  TraceWriter(const TraceOptions& options, const std::filesystem::path& folder)
      : options_(options), output_(folder, AtomicOutput::Kind::folder) {}

  template <class T>
  void write(const std::string& layer, const std::string& step, const Tensor<T>& values, const NumberType& type) {
    const std::string name = fmt::format("{:02}_{}", number_++, dump_name(layer, step));
    if (!wanted(layer, step)) return;
    TraceEntry entry{name + std::string(suffix_of(options_.format)),
                     layer,
                     step,
                     values.shape(),
                     std::numeric_limits<double>::infinity(),
                     -std::numeric_limits<double>::infinity(),
                     0};
    for (const T value : values.values()) {
      entry.min = std::min(entry.min, static_cast<double>(value));
      entry.max = std::max(entry.max, static_cast<double>(value));
      entry.mean += static_cast<double>(value);
    }
    entry.mean /= static_cast<double>(values.count());
    const std::vector<std::byte> bytes = format_tensor(values, type, options_.format, dump_name(layer, step));
    write_file_directly(output_.temporary() / entry.file, bytes);
    const Shape& s = entry.shape;
    tensors_.push_back({{"file", entry.file},
                        {"layer", layer},
                        {"step", step},
                        {"shape", {s.n, s.c, s.h, s.w}},
                        {"layout", step == "kernel turned" ? "OIHW" : "NCHW"},
                        {"type", to_string(type)},
                        {"min", entry.min},
                        {"max", entry.max},
                        {"mean", entry.mean},
                        {"sha256", sha256(bytes)},
                        {"read", how_to_read(entry.file, type, options_.format, s)}});
    entries_.push_back(std::move(entry));
  }

  std::vector<TraceEntry> finish(nlohmann::ordered_json manifest) {
    if (entries_.empty()) {
      fail(ErrorCode::usage, "--layers leaves nothing to write; ask for a part of a name such as 'deconvolution'");
    }
    manifest["tensors"] = std::move(tensors_);
    write_file_directly(output_.temporary() / "manifest.json", as_bytes(manifest.dump(1) + "\n"));
    output_.commit();
    return std::move(entries_);
  }

 private:
  bool wanted(const std::string& layer, const std::string& step) const {
    const std::string name = dump_name(layer, step);
    return options_.layers.empty() ||
           std::any_of(options_.layers.begin(), options_.layers.end(),
                       [&](const auto& part) { return name.find(dump_name(part, "")) != std::string::npos; });
  }

  const TraceOptions& options_;
  AtomicOutput output_;
  int number_ = 0;
  std::vector<TraceEntry> entries_;
  nlohmann::ordered_json tensors_ = nlohmann::ordered_json::array();
};

/// The slides' steps up to the sum over channels, without the bias.
template <class T>
void write_slides_steps(TraceWriter& writer, const Model& model, const Tensor<T>& input, const NumberType& type) {
  const Layer& last = model.layers.back();
  const Tensor<T> weight(last.weight.shape(), {last.weight.values().begin(), last.weight.values().end()});
  const int64_t b = model.deconvolution_border;
  const ConvTranspose2dSteps<T> steps = conv_transpose2d_slides(pad2d(input, {b, b, b, b}, PaddingMode::replicate),
                                                                weight, std::vector<T>(), model.deconvolution_params());
  writer.write(last.name, "zeros inserted", steps.zeros_inserted, type);
  writer.write(last.name, "padded", steps.padded, type);
  writer.write(last.name, "kernel turned", steps.kernel_turned, type);
  // A group a channel: (1, C, kh, kw) seen as (C, 1, kh, kw).
  const Shape k = steps.kernel_turned.shape();
  const Tensor<T> one_each({k.c, 1, k.h, k.w}, steps.kernel_turned.values());
  // Sums have more bits than a word.
  const NumberType sums = type.kind == NumberType::Kind::fixed ? NumberType{NumberType::Kind::float64} : type;
  writer.write(last.name, "channel sums", conv2d_reference(steps.padded, one_each, std::vector<T>(), {.groups = k.c}),
               sums);
  writer.write(last.name, "sum", steps.output, sums);
}

template <class T>
void trace(TraceWriter& writer, const Model& model, Tensor<T> luma, const NumberType& type) {
  const bool fixed = type.kind == NumberType::Kind::fixed;
  const auto quantise = [&](Tensor<T>& values) {
    if (!fixed) return;
    for (T& value : values.values()) value = static_cast<T>(type.fixed.quantise(value));
  };
  quantise(luma);
  writer.write("input", "", luma, type);
  Tensor<T> before = luma;  // what the last layer reads
  const std::string& tail = model.layers.back().name;
  reference_network<T>(model, luma, [&](const std::string& layer, const std::string& step, Tensor<T>& values) {
    quantise(values);
    if (step == "deconvolution") write_slides_steps(writer, model, before, type);
    writer.write(layer, step == "deconvolution" ? "bias" : step, values, type);
    if (layer != tail) before = values;
  });
}

}  // namespace

std::string dump_name(const std::string& layer, const std::string& step) {
  std::string name = step.empty() ? layer : layer + "_" + step;
  for (char& c : name) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

Model quantised(Model model, const FixedPoint& type) {
  const auto quantise = [&](std::vector<float>& values) {
    // Words have at most 21 bits, which a float holds exactly.
    for (float& value : values) value = static_cast<float>(type.quantise(value));
  };
  for (Layer& layer : model.layers) {
    quantise(layer.weight.values());
    quantise(layer.bias);
    quantise(layer.slope);
  }
  return model;
}

std::vector<TraceEntry> write_trace(const Model& model, const Tensor<float>& luma, const TraceOptions& options,
                                    const std::filesystem::path& folder) {
  constexpr const char* kRoundings[] = {"half up", "half to even", "down (bits dropped)", "toward zero"};  // NOLINT
  const FixedPoint& f = options.type.fixed;
  nlohmann::ordered_json manifest = {{"model", options.model_name},
                                     {"network", fmt::format("FSRCNN({}, {}, {})", model.d, model.s, model.m)},
                                     {"scale", model.scale},
                                     {"padding", model.padding_mode == PaddingMode::zeros ? "zeros" : "replicate"},
                                     {"deconvolution_border", model.deconvolution_border},
                                     {"input", options.input_name},
                                     {"computed_in", to_string(options.type)}};
  TraceWriter writer(options, folder);
  if (options.type.kind == NumberType::Kind::fixed) {
    manifest["fixed_point"] = {
        {"bits", f.bits()},
        {"fraction_bits", f.fraction_bits},
        {"rounding", kRoundings[static_cast<int>(f.rounding)]},
        {"overflow", f.overflow == Overflow::saturate ? "saturate" : "wrap"},
        {"rule",
         "weights, biases, slopes, input and the result of every step are rounded to words; sums within a step "
         "are exact and are rounded once, after the bias"}};
    const Tensor<double> wide(luma.shape(), {luma.values().begin(), luma.values().end()});
    trace<double>(writer, quantised(model, f), wide, options.type);
  } else if (options.type.kind == NumberType::Kind::float64) {
    trace<double>(writer, model, {luma.shape(), {luma.values().begin(), luma.values().end()}}, options.type);
  } else {
    trace<float>(writer, model, luma, options.type);
  }
  return writer.finish(std::move(manifest));
}

}  // namespace fsrcnn
