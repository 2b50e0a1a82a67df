#include "porting/trace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "engine/reference_network.hpp"
#include "network/describe.hpp"
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
    const std::string array = dump_name(layer, step);
    const bool is_identifier = array.find_first_of("0123456789") != 0;
    const std::vector<std::byte> bytes =
        format_tensor(values, type, options_.format, is_identifier ? array : "_" + array);
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
    write_file_directly(
        output_.temporary() / "manifest.json",
        as_bytes(manifest.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"));
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

/// (O, C, kh, kw) -> (C * O, 1, kh, kw): for each input channel a kernel of each output.
template <class T>
Tensor<T> one_each(const Tensor<T>& kernel) {
  const auto [o, c, h, w] = kernel.shape();
  Tensor<T> result({c * o, 1, h, w});
  for (int64_t i = 0; i < c; ++i) {
    for (int64_t k = 0; k < o; ++k) std::copy_n(kernel.plane(k, i), h * w, result.plane(i * o + k, 0));
  }
  return result;
}

/// The slides' steps up to the sum over channels, without the bias.
template <class T>
void write_slides_steps(TraceWriter& writer, const Layer& layer, const Tensor<T>& input, const NumberType& type) {
  const Tensor<T> weight(layer.weight.shape(), {layer.weight.values().begin(), layer.weight.values().end()});
  const int64_t b = layer.border;
  const ConvTranspose2dSteps<T> steps = conv_transpose2d_slides(pad2d(input, {b, b, b, b}, PaddingMode::replicate),
                                                                weight, std::vector<T>(), layer.conv_transpose);
  writer.write(layer.name, "zeros inserted", steps.zeros_inserted, type);
  writer.write(layer.name, "padded", steps.padded, type);
  writer.write(layer.name, "kernel turned", steps.kernel_turned, type);
  // Sums have more bits than a word.
  const NumberType sums = type.kind == NumberType::Kind::fixed ? NumberType{NumberType::Kind::float64} : type;
  writer.write(layer.name, "channel sums",
               conv2d_reference(steps.padded, one_each(steps.kernel_turned), std::vector<T>(),
                                {.dilation = layer.conv_transpose.dilation, .groups = input.shape().c}),
               sums);
  writer.write(layer.name, "sum", steps.output, sums);
}

template <class T>
void trace(TraceWriter& writer, const Network& network, Tensor<T> input, const NumberType& type) {
  const bool fixed = type.kind == NumberType::Kind::fixed;
  const auto quantise = [&](Tensor<T>& values) {
    if (!fixed) return;
    for (T& value : values.values()) value = static_cast<T>(type.fixed.quantise(value));
  };
  quantise(input);
  writer.write("input", "", input, type);
  // What transposed convolutions read, by the index of its layer.
  std::map<int, Tensor<T>> read;
  for (const Layer& layer : network.layers) {
    if (layer.op == Layer::Op::transposed_convolution) read[layer.inputs[0]];
  }
  if (read.contains(kNetworkInput)) read[kNetworkInput] = input;
  reference_network<T>(network, input, [&](size_t index, const std::string& step, Tensor<T>& values) {
    const Layer& layer = network.layers[index];
    quantise(values);
    if (step == "deconvolution") write_slides_steps(writer, layer, read.at(layer.inputs[0]), type);
    writer.write(layer.name, step == "deconvolution" ? "bias" : step, values, type);
    if (const auto wanted = read.find(static_cast<int>(index)); wanted != read.end()) wanted->second = values;
  });
}

/// A double has 53 bits, in which sums of products of words must fit to be exact in any order.
void check_exact(const Network& network, const FixedPoint& type) {
  for (const Layer& layer : network.layers) {
    if (!layer.has_weight()) continue;
    const double terms = static_cast<double>(layer.weight.count()) / static_cast<double>(layer.out_channels()) + 1;
    if (2 * (type.bits() - 1) + std::log2(terms) > 53) {
      fail(ErrorCode::usage, "words of {} bits are too wide: the sums of {:.0f} products in '{}' would not be exact",
           type.bits(), terms - 1, layer.name);
    }
  }
}

nlohmann::ordered_json describe(const Network& network) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    nlohmann::ordered_json json = {{"layer", layer.name}, {"operator", operator_text(layer)}};
    json["inputs"] = nlohmann::ordered_json::array();
    for (const int from : layer.inputs) {
      json["inputs"].push_back(from == kNetworkInput ? "input" : network.layers[static_cast<size_t>(from)].name);
    }
    if (layer.has_weight()) {
      const Shape& w = layer.weight.shape();
      json["weight"] = {w.n, w.c, w.h, w.w};
      json["padding"] = padding_text(layer);
    }
    json["activation"] = activation_text(layer);
    layers.push_back(std::move(json));
  }
  return layers;
}

}  // namespace

std::string dump_name(const std::string& layer, const std::string& step) {
  std::string name = step.empty() ? layer : layer + "_" + step;
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : plain ? c : '_';
  }
  return name;
}

Network quantised(Network network, const FixedPoint& type) {
  const auto quantise = [&](std::vector<float>& values) {
    // Words have at most 21 bits, which a float holds exactly.
    for (float& value : values) value = static_cast<float>(type.quantise(value));
  };
  for (Layer& layer : network.layers) {
    quantise(layer.weight.values());
    quantise(layer.bias);
    quantise(layer.slope);
  }
  return network;
}

std::vector<TraceEntry> write_trace(const Network& network, const Tensor<float>& input, const TraceOptions& options,
                                    const std::filesystem::path& folder) {
  constexpr const char* kRoundings[] = {"half up", "half to even", "down (bits dropped)", "toward zero"};  // NOLINT
  const FixedPoint& f = options.type.fixed;
  nlohmann::ordered_json manifest = {
      {"model", options.model_name},           {"network", family_of(network)}, {"scale", network.scale},
      {"channels", network.channels()},        {"layers", describe(network)},   {"input", options.input_name},
      {"computed_in", to_string(options.type)}};
  TraceWriter writer(options, folder);
  if (options.type.kind == NumberType::Kind::fixed) {
    check_exact(network, f);
    manifest["fixed_point"] = {
        {"bits", f.bits()},
        {"fraction_bits", f.fraction_bits},
        {"rounding", kRoundings[static_cast<int>(f.rounding)]},
        {"overflow", f.overflow == Overflow::saturate ? "saturate" : "wrap"},
        {"rule",
         "weights, biases, slopes, input and the result of every step are rounded to words; sums within a step "
         "are exact and are rounded once, after the bias; an interpolation is computed in float64 and then rounded"}};
    const Tensor<double> wide(input.shape(), {input.values().begin(), input.values().end()});
    trace<double>(writer, quantised(network, f), wide, options.type);
  } else if (options.type.kind == NumberType::Kind::float64) {
    trace<double>(writer, network, {input.shape(), {input.values().begin(), input.values().end()}}, options.type);
  } else {
    trace<float>(writer, network, input, options.type);
  }
  return writer.finish(std::move(manifest));
}

}  // namespace fsrcnn
