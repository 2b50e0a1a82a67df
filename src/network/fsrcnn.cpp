#include "network/fsrcnn.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/error.hpp"
#include "network/families.hpp"
#include "network/layer_chain.hpp"
#include "network/layers_text.hpp"
#include "network/tensor_source.hpp"
#include "network/untold.hpp"

namespace fsrcnn {
namespace {

using Op = Layer::Op;
using Activation = Layer::Activation;

constexpr int64_t kMostMappings = 64, kMostTailScale = 8;

/// A layer that reads the one before it.
bool follows(const Network& network, size_t at, Op op) {
  const Layer& layer = network.layers[at];
  return layer.op == op && layer.inputs == std::vector<int>{static_cast<int>(at) - 1};
}

bool is_square(const Layer& layer, int64_t k) { return layer.weight.shape().h == k && layer.weight.shape().w == k; }

/// Slopes of the PReLU after a layer as a tensor holds them.
std::vector<float> slopes_of(const Layer& layer) {
  if (layer.activation == Activation::prelu) return layer.slope;
  return {layer.activation == Activation::relu ? 0.0F : 1.0F};
}

/// yjn870's names.
class FsrcnnReader {
 public:
  FsrcnnReader(const StateDict& state_dict, const std::string& source)
      : state_dict_(state_dict), source_(source), tensors_(state_dict, source) {}

  Network read() {
    const NamedTensor& first = tensors_.find("first_part.0.weight");
    const int64_t colours = first.shape.size() == 4 && first.shape[1] == 3 ? 3 : 1;
    network_.colours = colours == 3 ? Colours::rgb : Colours::luma;
    network_.range = colours == 3 ? ValueRange::full : ValueRange::limited;
    has_slopes_ = std::any_of(state_dict_.tensors.begin(), state_dict_.tensors.end(),
                              [](const NamedTensor& t) { return t.shape.size() < 4 && t.name.ends_with(".weight"); });
    const int64_t d = outputs("first_part.0.weight"), s = outputs("mid_part.0.weight");
    const std::vector<int64_t> places = mid_parts();
    const int64_t m = static_cast<int64_t>(places.size()) - 2;
    add("first_part.0", "first_part.1", {d, colours, 5, 5});
    for (int64_t i = 0; i < m + 2; ++i) {
      const int64_t place = places[static_cast<size_t>(i)];
      const std::string key = fmt::format("mid_part.{}", place), slope = fmt::format("mid_part.{}", place + 1);
      add(key, slope, i == 0 ? Shape{s, d, 1, 1} : i <= m ? Shape{s, s, 3, 3} : Shape{d, s, 1, 1});
    }
    add_tail(d);
    tensors_.check_nothing_is_left();
    if (!has_slopes_) {
      network_.notes.emplace_back("it has no PReLU slopes; ReLU was assumed after every layer but the last");
    }
    return std::move(network_);
  }

  /// The last layer alone.
  Network read_tail() {
    const std::vector<int64_t>& shape = tensors_.find("last_part.weight").shape;
    // Of a deconvolution d is the first axis, of a convolution the second.
    add_tail(shape.size() != 4 ? 0 : shape[1] == 1 ? shape[0] : shape[1]);
    tensors_.check_nothing_is_left();
    return std::move(network_);
  }

 private:
  int64_t outputs(const std::string& name) const {
    const NamedTensor& weight = tensors_.find(name);
    if (weight.shape.size() != 4 || weight.shape[0] < 1 || weight.shape[0] > 1024) {
      fail(ErrorCode::model, "{}: tensor '{}' has shape {}; expected a convolution with 1 to 1024 output channels",
           source_, name, to_string(weight.shape));
    }
    return weight.shape[0];
  }

  /// Numbers of the convolutions: even, with PReLUs at the odd ones; without PReLUs, all that exist.
  std::vector<int64_t> mid_parts() const {
    constexpr std::string_view kPrefix = "mid_part.";
    std::vector<int64_t> there;
    int64_t last = -1;
    for (const NamedTensor& tensor : state_dict_.tensors) {
      if (!tensor.name.starts_with(kPrefix)) continue;
      int64_t index = -1;
      std::from_chars(tensor.name.data() + kPrefix.size(), tensor.name.data() + tensor.name.size(), index);
      last = std::max(last, index);
      if (tensor.shape.size() == 4 && tensor.name == fmt::format("mid_part.{}.weight", index)) there.push_back(index);
    }
    int64_t m = last / 2 - 1;
    if (has_slopes_ && m >= 0 && m <= kMostMappings) {
      there.clear();
      for (int64_t i = 0; i < m + 2; ++i) there.push_back(2 * i);
    }
    std::sort(there.begin(), there.end());
    if (!has_slopes_) m = static_cast<int64_t>(there.size()) - 2;
    if (m < 0 || m > kMostMappings) {
      fail(ErrorCode::model, "{}: the tensors 'mid_part.*' make {} mapping layers; expected 0 to {}", source_, m,
           kMostMappings);
    }
    return there;
  }

  Layer& add(const std::string& key, const std::string& slope, const Shape& shape) {
    Layer layer{.key = key, .inputs = {static_cast<int>(network_.layers.size()) - 1}};
    layer.weight = Tensor<float>(shape, tensors_.take(key + ".weight", {{shape.n, shape.c, shape.h, shape.w}}));
    const int64_t padding = shape.h / 2;
    layer.conv.padding = {padding, padding};
    if (slope.empty()) {
      network_.layers.push_back(std::move(layer));
      return network_.layers.back();
    }
    layer.bias = tensors_.take(key + ".bias", {{shape.n}});
    layer.activation = Activation::relu;
    if (has_slopes_) {
      layer.slope = tensors_.take(slope + ".weight", {{shape.n}, {1}});
      layer.activation = Activation::prelu;
      // How ReLU and no activation at all are written.
      const bool is_relu = layer.slope == std::vector<float>{0}, is_none = layer.slope == std::vector<float>{1};
      if (is_relu || is_none) {
        layer.activation = is_relu ? Activation::relu : Activation::none;
        layer.slope.clear();
      }
    }
    network_.layers.push_back(std::move(layer));
    return network_.layers.back();
  }

  /// A weight of (channels * scale^2, d, k, k) is a sub-pixel convolution, which determines the scale; all others must
  /// be deconvolutions.
  void add_tail(int64_t d) {
    const std::vector<int64_t>& shape = tensors_.find("last_part.weight").shape;
    const int64_t colours = network_.channels();
    for (int64_t scale = 2; scale <= kMostTailScale; ++scale) {
      const int64_t k = shape.empty() ? 0 : shape.back(), outputs = colours * scale * scale;
      if (d == colours || shape != std::vector<int64_t>{outputs, d, k, k}) continue;
      if (k % 2 == 0 || k > 5) {
        fail(ErrorCode::model,
             "{}: 'last_part.weight' has shape {}, a sub-pixel convolution to {}x{} phases with kernel {}x{}; "
             "supported kernels: 1x1, 3x3, 5x5",
             source_, to_string(shape), scale, scale, k, k);
      }
      add("last_part", "", {outputs, d, k, k}).bias = tensors_.take("last_part.bias", {{outputs}});
      network_.scale = scale;
      network_.layers.push_back(
          {.op = Op::depth_to_space, .inputs = {static_cast<int>(network_.layers.size()) - 1}, .factor = scale});
      return;
    }
    Layer& tail = add("last_part", "", {d, colours, 9, 9});
    tail.op = Op::transposed_convolution;
    tail.conv = {};
    tail.conv_transpose.stride = {0, 0};
    tail.bias = tensors_.take("last_part.bias", {{colours}});
  }

  const StateDict& state_dict_;
  const std::string& source_;
  TensorSource tensors_;
  Network network_;
  bool has_slopes_ = false;
};

bool has_fsrcnn_names(const StateDict& state_dict) {
  int64_t first = 0, middle = 0, last = 0, statistics = 0, others = 0;
  for (const NamedTensor& tensor : state_dict.tensors) {
    if (tensor.name.starts_with("first_part.0.")) ++first;
    if (tensor.name.starts_with("mid_part.")) ++middle;
    if (tensor.name == "last_part.weight" || tensor.name == "last_part.bias") ++last;
    if (tensor.name.find("running_") != std::string::npos) ++statistics;
    if (tensor.name.find("_part.") == std::string::npos) ++others;
  }
  // Of those that have the most, what is missing or too much is told by its name.
  return (first > 0) + (middle > 0) + (last > 0) >= 2 && statistics == 0 && others < middle;
}

/// The first part of all names, with its dot; empty: they do not share one, or it is all of a name.
std::string shared_prefix(const StateDict& state_dict) {
  if (state_dict.tensors.empty()) return {};
  const std::string& first = state_dict.tensors[0].name;
  const size_t dot = first.find('.');
  if (dot == std::string::npos) return {};
  std::string prefix = first.substr(0, dot + 1);
  const bool shared = std::all_of(state_dict.tensors.begin(), state_dict.tensors.end(), [&](const NamedTensor& tensor) {
    return tensor.name.size() > prefix.size() && tensor.name.starts_with(prefix);
  });
  return shared ? prefix : std::string();
}

/// Metadata that describes the layers has their keys as they are in the file.
bool has_keys_of_metadata(const StateDict& state_dict) {
  const auto layers = state_dict.metadata.find("layers");
  return layers != state_dict.metadata.end() && has_keys(layers->second, state_dict);
}

/// Without what wrappers put in front of all names: any prefix before names that are recognised, and else the known
/// ones.
StateDict without_prefixes(const StateDict& state_dict) {
  constexpr std::array<std::string_view, 11> kWrappers = {"module.",    "model.",      "net.",       "network.",
                                                          "generator.", "_orig_mod.",  "netG.",      "net_g.",
                                                          "params.",    "params_ema.", "state_dict."};
  const auto strip = [](StateDict& from, const std::string& prefix) {
    for (NamedTensor& tensor : from.tensors) tensor.name.erase(0, prefix.size());
  };
  for (StateDict inner = state_dict;;) {
    if (has_keys_of_metadata(inner) || has_fsrcnn_names(inner) || has_known_names(inner)) return inner;
    const std::string prefix = shared_prefix(inner);
    if (prefix.empty()) break;
    strip(inner, prefix);
  }
  StateDict result = state_dict;
  for (std::string prefix = shared_prefix(result);
       std::find(kWrappers.begin(), kWrappers.end(), prefix) != kWrappers.end(); prefix = shared_prefix(result)) {
    strip(result, prefix);
  }
  return result;
}

void apply_padding(Network& network, const StateDict& state_dict, const std::string& source) {
  const auto find = [&](const char* key) {
    const auto remark = state_dict.metadata.find(key);
    return remark == state_dict.metadata.end() ? std::string() : remark->second;
  };
  const std::string mode = find("padding_mode"), border = find("deconvolution_border");
  if (!mode.empty() && mode != "zeros") {
    if (mode != "replicate") {
      fail(ErrorCode::model, "{}: the metadata's padding_mode is '{}', but must be zeros or replicate", source, mode);
    }
    for (Layer& layer : network.layers) {
      if (layer.op == Op::convolution) layer.conv.padding_mode = PaddingMode::replicate;
    }
  }
  if (border.empty()) return;
  if (border != "1" || mode != "replicate" || network.layers.back().op != Op::transposed_convolution) {
    fail(ErrorCode::model,
         "{}: the metadata's deconvolution_border is '{}', but must be 1, in a network with padding_mode replicate and "
         "a deconvolution",
         source, border);
  }
  network.layers.back().border = 1;
}

void give_scale(Network& network, int64_t scale, const std::string& source) {
  if (network.scale != 0 && network.scale != scale) {
    fail(ErrorCode::model, "{}: these weights are for scale {}, not {}", source, network.scale, scale);
  }
  if (scale < 2 || scale > kMostTailScale) {
    fail(ErrorCode::model, "{}: the scale is {}, but must be 2 to {}", source, scale, kMostTailScale);
  }
  for (Layer& layer : network.layers) {
    ConvTranspose2dParams& p = layer.conv_transpose;
    if (layer.op != Op::transposed_convolution || p.stride != Pair{0, 0}) continue;
    const Shape& w = layer.weight.shape();
    // Of an odd kernel the centre lies on the first of the `scale` pixels, an even one is centred on them all.
    const auto padding = [&](int64_t k) { return (k % 2 == 1 ? k - 1 : k - scale + 1) / 2 + scale * layer.border; };
    const auto output_padding = [&](int64_t k) { return k % 2 == 1 ? scale - 1 : (k - scale) % 2; };
    p.stride = {scale, scale};
    p.padding = {padding(w.h), padding(w.w)};
    p.output_padding = {output_padding(w.h), output_padding(w.w)};
  }
  network.scale = scale;
}

void finish(Network& network, const StateDict& state_dict, const std::string& source, std::optional<int64_t> scale) {
  apply_padding(network, state_dict, source);
  apply_remarks(network, state_dict.metadata, source);
  if (scale) set_scale(network, *scale, source);
  network.notes.insert(network.notes.begin(), state_dict.notes.begin(), state_dict.notes.end());
}

}  // namespace

std::optional<FsrcnnShape> fsrcnn_shape(const Network& network) {
  const size_t count = network.layers.size();
  if (count < 4) return std::nullopt;
  const bool sub_pixel = follows(network, count - 1, Op::depth_to_space);
  const size_t tail = sub_pixel ? count - 2 : count - 1;
  if (tail < 3 || network.layers.back().activation != Activation::none) return std::nullopt;
  for (size_t i = 0; i <= tail; ++i) {
    const bool deconvolution = i == tail && !sub_pixel;
    const Layer& layer = network.layers[i];
    if (!follows(network, i, deconvolution ? Op::transposed_convolution : Op::convolution) || layer.conv.groups != 1 ||
        layer.activation == Activation::tanh || layer.activation == Activation::clamp ||
        (i == tail && layer.activation != Activation::none)) {
      return std::nullopt;
    }
    const bool shrinks_or_expands = i == 1 || i + 1 == tail, maps = i > 1 && i + 1 < tail;
    if ((shrinks_or_expands && !is_square(layer, 1)) || (maps && !is_square(layer, 3)) ||
        (i == 0 && is_square(layer, 1))) {
      return std::nullopt;
    }
  }
  const auto outputs = [&](size_t i) { return network.layers[i].out_channels(); };
  const FsrcnnShape shape{outputs(0), outputs(1), static_cast<int64_t>(tail) - 3};
  for (size_t i = 2; i + 1 < tail; ++i) {
    if (outputs(i) != shape.s) return std::nullopt;
  }
  return outputs(tail - 1) == shape.d ? std::optional(shape) : std::nullopt;
}

Network network_from_state_dict(const StateDict& given, const std::string& source, std::optional<int64_t> scale) {
  const StateDict state_dict = without_prefixes(given);
  Network network;
  const auto layers = state_dict.metadata.find("layers");
  if (layers != state_dict.metadata.end()) {
    network = parse_layers(layers->second, state_dict, source);
    const auto colours = state_dict.metadata.find("colours");
    if (colours != state_dict.metadata.end() && colours->second == "rgb") {
      network.colours = Colours::rgb;
      network.range = ValueRange::full;
    }
    apply_remarks(network, state_dict.metadata, source);
    if (scale) set_scale(network, *scale, source);
    name_layers(network);
  } else {
    const bool fsrcnn = has_fsrcnn_names(state_dict) || state_dict.tensors.empty();
    network = fsrcnn ? FsrcnnReader(state_dict, source).read() : chain_layers(state_dict, source);
    if (!fsrcnn) {
      assume_untold(network, state_dict);
    }
    name_layers(network);
    finish(network, state_dict, source, scale);
  }
  check_network(network, source);
  return network;
}

Network last_layer_from_state_dict(const StateDict& state_dict, const std::string& source,
                                   std::optional<int64_t> scale) {
  Network network = FsrcnnReader(state_dict, source).read_tail();
  for (Layer& layer : network.layers) {
    layer.name = network.layers.size() == 1 ? "deconvolution" : "sub-pixel convolution";
  }
  for (const std::optional<int64_t> told : {metadata_scale(state_dict.metadata, source), scale}) {
    if (told) give_scale(network, *told, source);
  }
  return network;
}

StateDict to_state_dict(const Network& network) {
  const auto size = [](const std::vector<float>& values) { return static_cast<int64_t>(values.size()); };
  StateDict state_dict;
  const bool fsrcnn = fsrcnn_shape(network).has_value();
  bool replicates = false;
  for (const Layer& layer : network.layers) {
    if (layer.has_weight()) {
      const auto [n, c, h, w] = layer.weight.shape();
      state_dict.tensors.push_back({layer.key + ".weight", {n, c, h, w}, layer.weight.values()});
      if (!layer.bias.empty()) state_dict.tensors.push_back({layer.key + ".bias", {size(layer.bias)}, layer.bias});
    }
    const bool pads = layer.op == Op::convolution && layer.conv.padding != Pair{0, 0};
    replicates = replicates || (pads && layer.conv.padding_mode == PaddingMode::replicate);
    if (fsrcnn && layer.border != 0) state_dict.metadata["deconvolution_border"] = std::to_string(layer.border);
    if (layer.activation_key.empty() || (!fsrcnn && layer.activation != Activation::prelu)) continue;
    const std::vector<float> slopes = slopes_of(layer);
    state_dict.tensors.push_back({layer.activation_key + ".weight", {size(slopes)}, slopes});
  }
  if (network.scale != 0) state_dict.metadata["scale"] = std::to_string(network.scale);
  if (network.range != (network.colours == Colours::rgb ? ValueRange::full : ValueRange::limited)) {
    state_dict.metadata["range"] = network.range == ValueRange::full ? "full" : "limited";
  }
  if (network.output_clip) state_dict.metadata["output_clip"] = format_clip(*network.output_clip);
  if (fsrcnn && replicates) state_dict.metadata["padding_mode"] = "replicate";
  const std::string scales = format_scales(network);
  // Metadata for what the tensors do not determine.
  if (fsrcnn) {
    bool told = false;
    try {
      told = canonical_bytes(network_from_state_dict(state_dict, "")) == canonical_bytes(network);
    } catch (const Error&) {
    }
    if (told) {
      if (!scales.empty()) state_dict.metadata["quantisation"] = scales;
      return state_dict;
    }
    state_dict.metadata.erase("padding_mode");
    state_dict.metadata.erase("deconvolution_border");
    std::erase_if(state_dict.tensors, [&](const NamedTensor& tensor) {
      return std::any_of(network.layers.begin(), network.layers.end(), [&](const Layer& layer) {
        return layer.activation != Activation::prelu && tensor.name == layer.activation_key + ".weight";
      });
    });
  }
  state_dict.metadata["layers"] = format_layers(network);
  if (network.colours == Colours::rgb) state_dict.metadata["colours"] = "rgb";
  if (!scales.empty()) state_dict.metadata["quantisation"] = scales;
  return state_dict;
}

void set_scale(Network& network, int64_t scale, const std::string& source) {
  give_scale(network, scale, source);
  check_network(network, source);
}

void require_scale(const Network& network, const std::string& source) {
  if (network.scale == 0) {
    fail(ErrorCode::model,
         "{}: the shapes of a deconvolution do not determine its scale; give it with --model-scale 2, 3 or 4", source);
  }
}

}  // namespace fsrcnn
