#include "network/families.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "network/fsrcnn.hpp"
#include "network/layers_text.hpp"

namespace fsrcnn {
namespace {

using Op = Layer::Op;

/// Layers, from the first to the last, each of which reads the one before it.
using Row = std::vector<const Layer*>;

/// A network taken apart, from its output back: body, then depth to space, then what is added at the end.
struct Anatomy {
  const Network& network;

  const Layer* layer(int index) const {
    return index == kNetworkInput ? nullptr : &network.layers[static_cast<size_t>(index)];
  }

  /// The convolutions in a row that end with this layer and begin at another one, or at the network's input; empty if
  /// something else lies between.
  Row row(int end, const Layer* begin = nullptr) const {
    Row row;
    for (int at = end; layer(at) != begin; at = layer(at)->inputs[0]) {
      if (layer(at) == nullptr || layer(at)->op != Op::convolution || layer(at)->conv.groups != 1) return {};
      row.insert(row.begin(), layer(at));
    }
    return row;
  }

  /// True if the value is the network's input, or copies of its channels.
  bool is_input(int index) const {
    if (index == kNetworkInput) return true;
    const Layer& copies = *layer(index);
    if (copies.op != Op::convolution || copies.inputs[0] != kNetworkInput || !is_square(copies, 1)) return false;
    const auto& values = copies.weight.values();
    return copies.activation == Layer::Activation::none &&
           std::all_of(values.begin(), values.end(), [](float v) { return v == 0 || v == 1; });
  }

  /// The other operand of an addition, if one is as asked.
  template <class Is>
  std::optional<int> added_to(const Layer& add, const Is& is) const {
    if (add.op != Op::add) return std::nullopt;
    if (is(add.inputs[1])) return add.inputs[0];
    if (is(add.inputs[0])) return add.inputs[1];
    return std::nullopt;
  }

  static bool is_square(const Layer& layer, int64_t k) {
    return layer.weight.shape().h == k && layer.weight.shape().w == k;
  }
};

bool all_square(const Row& row, size_t begin, size_t end, int64_t k) {
  return std::all_of(row.begin() + static_cast<ptrdiff_t>(begin), row.begin() + static_cast<ptrdiff_t>(end),
                     [&](const Layer* l) { return Anatomy::is_square(*l, k); });
}

/// The family of a body whose last layer is depth to space, of `end`; empty: unknown.
std::string body_family(const Anatomy& anatomy, int end, bool over_nearest) {
  const Row plain = anatomy.row(end);
  const size_t count = plain.size();
  if (count >= 3 && over_nearest && all_square(plain, 0, count, 3)) {
    return fmt::format("SRVGGNetCompact({}, {})", plain[0]->out_channels(), count - 2);
  }
  if (count == 3 || count == 4) {
    const bool smaller = all_square(plain, 1, count, 3);
    if (Anatomy::is_square(*plain[0], 5) && smaller) {
      std::string widths;
      for (size_t i = 0; i + 1 < count; ++i) {
        widths += fmt::format("{}{}", i == 0 ? "" : ", ", plain[i]->out_channels());
      }
      return fmt::format("ESPCN({})", widths);
    }
  }
  const Layer* last = anatomy.layer(end);
  if (last == nullptr) return {};
  // The input is added before depth to space.
  if (const auto inner = anatomy.added_to(*last, [&](int i) { return anatomy.is_input(i); })) {
    const Row row = anatomy.row(*inner);
    if (row.size() >= 3 && all_square(row, 0, row.size(), 3)) {
      return fmt::format("ECBSR(m{}c{})", row.size() - 2, row[0]->out_channels());
    }
    const Layer* tail = anatomy.layer(*inner);
    if (tail == nullptr || tail->op != Op::convolution || !Anatomy::is_square(*tail, 5)) return {};
    const Layer* sum = anatomy.layer(tail->inputs[0]);
    for (int side = 0; sum != nullptr && sum->op == Op::add && side < 2; ++side) {
      const Layer* first = anatomy.layer(sum->inputs[static_cast<size_t>(side)]);
      if (first == nullptr || first->op != Op::convolution || first->inputs[0] != kNetworkInput) continue;
      const Row blocks = anatomy.row(sum->inputs[static_cast<size_t>(1 - side)], first);
      if (!blocks.empty() && Anatomy::is_square(*first, 5) && all_square(blocks, 0, blocks.size(), 3)) {
        return fmt::format("SESR-M{}, {} channels", blocks.size(), first->out_channels());
      }
    }
    return {};
  }
  // Features, mappings and a 1x1 convolution with the features added, then the sub-pixel convolution.
  const Layer* sum = last->op == Op::convolution ? anatomy.layer(last->inputs[0]) : nullptr;
  for (int side = 0; sum != nullptr && sum->op == Op::add && side < 2; ++side) {
    const Layer* first = anatomy.layer(sum->inputs[static_cast<size_t>(side)]);
    if (first == nullptr || first->op != Op::convolution || first->inputs[0] != kNetworkInput) continue;
    const Row row = anatomy.row(sum->inputs[static_cast<size_t>(1 - side)], first);
    if (row.size() >= 2 && Anatomy::is_square(*row.back(), 1) && all_square(row, 0, row.size() - 1, 3)) {
      return fmt::format("FSRCNNX({}, 0, {}, 1)", first->out_channels(), row.size() - 1);
    }
  }
  return {};
}

std::string fsrcnn_name(const FsrcnnShape& shape) {
  return fmt::format("FSRCNN({}, {}, {})", shape.d, shape.s, shape.m);
}

std::string family_of(const Network& network) {
  if (const auto shape = fsrcnn_shape(network)) return fsrcnn_name(*shape);
  const Anatomy anatomy{network};
  const auto is_fixed = [&](int i) {
    const Layer* skip = anatomy.layer(i);
    return skip != nullptr && skip->op == Op::interpolate && skip->inputs[0] == kNetworkInput;
  };
  const Layer& last = network.layers.back();
  const auto residual = anatomy.added_to(last, is_fixed);
  int end = static_cast<int>(network.layers.size()) - 1;
  std::string over;
  bool nearest = false;
  if (residual) {
    const Layer& skip = *anatomy.layer(last.inputs[0] == *residual ? last.inputs[1] : last.inputs[0]);
    nearest = skip.interpolation == Interpolation::nearest;
    over = fmt::format(" over {} interpolation", nearest                                         ? "nearest"
                                                 : skip.interpolation == Interpolation::bilinear ? "bilinear"
                                                                                                 : "bicubic");
    end = *residual;
    // A body that is an FSRCNN's.
    Network body = network;
    body.layers.erase(body.layers.begin() + end + 1, body.layers.end());
    const auto* const from = body.layers.data();
    const bool whole = std::all_of(body.layers.begin(), body.layers.end(), [&](const Layer& l) {
      return l.inputs == std::vector<int>{static_cast<int>(&l - from) - 1};
    });
    if (whole) {
      if (const auto shape = fsrcnn_shape(body)) return fsrcnn_name(*shape) + over;
    }
  }
  const Layer* tail = anatomy.layer(end);
  if (tail == nullptr || tail->op != Op::depth_to_space) return {};
  const std::string family = body_family(anatomy, tail->inputs[0], nearest);
  return family.empty() || family.starts_with("SRVGG") ? family : family + over;
}

void name_fsrcnn(Network& network, const FsrcnnShape& shape) {
  const auto count = static_cast<int64_t>(network.layers.size());
  const int64_t tail = shape.m + 3;
  for (int64_t i = 0; i < count; ++i) {
    Layer& layer = network.layers[static_cast<size_t>(i)];
    if (i >= tail) {
      layer.name = layer.op == Op::transposed_convolution ? "deconvolution" : "sub-pixel convolution";
      layer.key = layer.has_weight() ? "last_part" : "";
      layer.activation_key = "";
      if (i == tail && layer.op == Op::convolution) network.layers.back().name = layer.name;
    } else {
      layer.name = i == 0             ? "feature extraction"
                   : i == 1           ? "shrinking"
                   : i == shape.m + 2 ? "expanding"
                                      : fmt::format("mapping {}", i - 1);
      layer.key = i == 0 ? "first_part.0" : fmt::format("mid_part.{}", 2 * i - 2);
      layer.activation_key = i == 0 ? "first_part.1" : fmt::format("mid_part.{}", 2 * i - 1);
    }
    if (layer.has_weight() && layer.bias.empty()) layer.bias.resize(static_cast<size_t>(layer.out_channels()));
  }
  if (network.layers.back().op == Op::depth_to_space) network.layers.back().name = "sub-pixel convolution";
}

void name_in_order(Network& network) {
  const auto kind = [](const Layer& layer) {
    switch (layer.op) {
      case Op::convolution: return "convolution";
      case Op::transposed_convolution: return "deconvolution";
      case Op::depth_to_space: return layer.factor == 1 ? "activation" : "depth to space";
      case Op::add: return "addition";
      case Op::interpolate: break;
    }
    return "interpolation";
  };
  std::map<std::string, int> all, seen;
  std::set<std::string> keys;
  for (const Layer& layer : network.layers) {
    ++all[kind(layer)];
    keys.insert({layer.key, layer.activation_key});
  }
  const auto free_key = [&](const std::string& wanted) {
    std::string key = wanted;
    for (int i = 2; !keys.insert(key).second; ++i) key = fmt::format("{}_{}", wanted, i);
    return key;
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    Layer& layer = network.layers[i];
    const std::string what = kind(layer);
    const int number = ++seen[what];
    layer.name = all[what] == 1 && what != "convolution" ? what : fmt::format("{} {}", what, number);
    if (!layer.has_weight()) layer.key = "";
    if (layer.has_weight() && layer.key.empty()) layer.key = free_key(fmt::format("layers.{}", i));
    if (layer.activation != Layer::Activation::prelu) {
      layer.activation_key = "";
    } else if (layer.activation_key.empty()) {
      layer.activation_key = free_key(fmt::format("layers.{}.prelu", i));
    }
  }
}

}  // namespace

void name_layers(Network& network) {
  if (const auto shape = fsrcnn_shape(network)) {
    name_fsrcnn(network, *shape);
  } else {
    name_in_order(network);
  }
  network.family = family_of(network);
}

void apply_remarks(Network& network, const std::map<std::string, std::string>& remarks, const std::string& source) {
  if (const auto remark = remarks.find("range"); remark != remarks.end()) {
    if (remark->second != "limited" && remark->second != "full") {
      fail(ErrorCode::model, "{}: the metadata's range is '{}', but must be limited or full", source,
           remark->second.substr(0, 40));
    }
    network.range = remark->second == "full" ? ValueRange::full : ValueRange::limited;
  }
  if (const auto scale = metadata_scale(remarks, source)) set_scale(network, *scale, source);
  if (const auto remark = remarks.find("output_clip"); remark != remarks.end()) {
    network.output_clip = parse_clip(remark->second, source);
  }
  if (const auto remark = remarks.find("quantisation"); remark != remarks.end()) {
    apply_scales(network, remark->second, source + ": the metadata's quantisation");
  }
}

std::optional<int64_t> metadata_scale(const std::map<std::string, std::string>& remarks, const std::string& source) {
  const auto remark = remarks.find("scale");
  if (remark == remarks.end()) return std::nullopt;
  const std::string& text = remark->second;
  int64_t scale = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale);
  if (error != std::errc{} || end != text.data() + text.size() || scale < 2 || scale > 8) {
    fail(ErrorCode::model, "{}: the metadata's scale is '{}', but must be 2 to 8", source, text.substr(0, 40));
  }
  return scale;
}

}  // namespace fsrcnn
