#include "network/simplify.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fsrcnn {
namespace {

using Activation = Layer::Activation;

/// Output o is factor[o] * (input source[o]) + offset[o].
struct ChannelMap {
  std::vector<int64_t> source;
  std::vector<double> factor, offset;

  bool keeps_order(int64_t inputs) const {
    for (size_t o = 0; o < source.size(); ++o) {
      if (source[o] != static_cast<int64_t>(o)) return false;
    }
    return static_cast<int64_t>(source.size()) == inputs;
  }
  bool has_offset() const {
    return std::any_of(offset.begin(), offset.end(), [](double v) { return v != 0; });
  }
  bool scales() const {
    return std::any_of(factor.begin(), factor.end(), [](double v) { return v != 1; });
  }
};

ChannelMap map_of(const Layer& layer) {
  ChannelMap map;
  const Shape& w = layer.weight.shape();
  for (int64_t o = 0; o < w.n; ++o) {
    int64_t source = layer.conv.groups > 1 ? o / (w.n / layer.conv.groups) : 0;
    for (int64_t c = 0; c < w.c; ++c) {
      if (w.c > 1 && layer.weight(o, c, 0, 0) != 0) source = c;
    }
    map.source.push_back(source);
    map.factor.push_back(layer.weight(o, w.c > 1 ? source : 0, 0, 0));
    map.offset.push_back(layer.bias.empty() ? 0 : layer.bias[static_cast<size_t>(o)]);
  }
  return map;
}

/// Multiplies the scales of a layer's weights by factors of its output channels, or by one factor.
void scale_weight_scales(Layer& layer, const std::vector<double>& factor, bool of_outputs) {
  std::vector<double>& scales = layer.weight_scales;
  const bool same = std::all_of(factor.begin(), factor.end(), [&](double f) { return f == factor[0]; });
  const bool zero = std::any_of(factor.begin(), factor.end(), [](double f) { return f == 0; });
  if (zero || (!same && (!of_outputs || scales.size() != factor.size()))) return scales.clear();
  for (size_t i = 0; i < scales.size(); ++i) scales[i] *= std::abs(factor[same ? 0 : i]);
}

/// What a map of its output makes of a layer's activation; false: it cannot pass.
bool pass_activation(Layer& layer, const ChannelMap& map) {
  if (layer.activation == Activation::none) return true;
  const bool same = !map.scales() && !map.has_offset();
  const bool positive = std::all_of(map.factor.begin(), map.factor.end(), [](double f) { return f > 0; });
  switch (layer.activation) {
    case Activation::relu:
    case Activation::prelu:
      if (!positive || map.has_offset()) return false;
      break;
    case Activation::clamp: {
      const double f = map.factor[0], offset = map.offset[0];
      const auto is = [](const std::vector<double>& values, double v) {
        return std::all_of(values.begin(), values.end(), [&](double other) { return other == v; });
      };
      if (!positive || !is(map.factor, f) || !is(map.offset, offset)) return false;
      layer.low = static_cast<float>(f * layer.low + offset);
      layer.high = static_cast<float>(f * layer.high + offset);
      break;
    }
    case Activation::tanh:
      if (!same) return false;
      break;
    case Activation::none: break;
  }
  if (layer.slope.size() > 1) {
    std::vector<float> slope;
    for (const int64_t source : map.source) slope.push_back(layer.slope[static_cast<size_t>(source)]);
    layer.slope = std::move(slope);
  }
  return true;
}

class Simplifier {
 public:
  Simplifier(Network& network, std::vector<bool> made)
      : layers_(network.layers), made_(std::move(made)), output_(static_cast<int>(layers_.size()) - 1) {}

  void run() {
    drop_dead();
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (made_[i]) fold_back(static_cast<int>(i));
    }
    for (size_t i = layers_.size(); i-- > 0;) {
      if (made_[i]) fold_forward(static_cast<int>(i));
    }
    drop_dead();
  }

 private:
  Layer& at(int i) { return layers_[static_cast<size_t>(i)]; }
  std::vector<int> readers_of(int layer) const {
    std::vector<int> readers;
    for (size_t i = 0; i < layers_.size(); ++i) {
      for (const int from : layers_[i].inputs) {
        if (from == layer) readers.push_back(static_cast<int>(i));
      }
    }
    return readers;
  }
  bool is_read_once(int layer) const { return layer != output_ && readers_of(layer).size() == 1; }

  /// All that read one layer read the other.
  void redirect(int from, int to) {
    for (Layer& layer : layers_) std::replace(layer.inputs.begin(), layer.inputs.end(), from, to);
    if (output_ == from) output_ = to;
    at(from).inputs.clear();
    made_[static_cast<size_t>(from)] = false;
  }

  /// Into the layer that the made one reads, also through depth to space.
  void fold_back(int i) {
    const int from = at(i).inputs[0];
    if (from == kNetworkInput || !is_read_once(from)) return;
    ChannelMap map = map_of(at(i));
    int into = from;
    const Layer& shuffle = at(from);
    if (shuffle.op == Layer::Op::depth_to_space && shuffle.activation == Activation::none) {
      into = shuffle.inputs[0];
      if (into == kNetworkInput || !is_read_once(into) || !map.keeps_order(static_cast<int64_t>(map.source.size()))) {
        return;
      }
      const int64_t phases = shuffle.factor * shuffle.factor;
      ChannelMap each;
      for (size_t o = 0; o < map.source.size(); ++o) {
        for (int64_t p = 0; p < phases; ++p) {
          each.source.push_back(static_cast<int64_t>(each.source.size()));
          each.factor.push_back(map.factor[o]);
          each.offset.push_back(map.offset[o]);
        }
      }
      map = std::move(each);
    }
    Layer& layer = at(into);
    if (!layer.has_weight() || static_cast<int64_t>(map.source.size()) > layer.out_channels()) return;
    if (layer.conv.groups != 1 && !map.keeps_order(layer.out_channels())) return;
    if (at(i).activation != Activation::none && (layer.activation != Activation::none || into != from)) return;
    if (into != from && !map.keeps_order(layer.out_channels())) return;
    if (!pass_activation(layer, map)) return;
    if (!map.keeps_order(layer.out_channels())) layer.weight_scales.clear();
    map_outputs(layer, map);
    scale_weight_scales(layer, map.factor, /*of_outputs=*/true);
    // The value between the two layers no longer exists.
    layer.quantisation.reset();
    layer.before_activation.reset();
    at(from).quantisation = at(i).quantisation;
    if (at(i).activation != Activation::none) {
      layer.before_activation = at(i).before_activation;
      layer.activation = at(i).activation;
      layer.activation_key = at(i).activation_key;
      layer.slope = at(i).slope;
      layer.low = at(i).low;
      layer.high = at(i).high;
    }
    redirect(i, from);
  }

  static void map_outputs(Layer& layer, const ChannelMap& map) {
    const auto [n, c, h, w] = layer.weight.shape();
    const auto outputs = static_cast<int64_t>(map.source.size());
    const bool transposed = layer.op == Layer::Op::transposed_convolution;
    Tensor<float> weight(transposed ? Shape{n, outputs, h, w} : Shape{outputs, c, h, w});
    std::vector<float> bias;
    for (int64_t o = 0; o < outputs; ++o) {
      const int64_t source = map.source[static_cast<size_t>(o)];
      const double factor = map.factor[static_cast<size_t>(o)];
      for (int64_t k = 0; k < (transposed ? n : c); ++k) {
        const float* from = transposed ? layer.weight.plane(k, source) : layer.weight.plane(source, k);
        float* to = transposed ? weight.plane(k, o) : weight.plane(o, k);
        for (int64_t j = 0; j < h * w; ++j) to[j] = static_cast<float>(factor * from[j]);
      }
      const double own = layer.bias.empty() ? 0 : layer.bias[static_cast<size_t>(source)];
      bias.push_back(static_cast<float>(factor * own + map.offset[static_cast<size_t>(o)]));
    }
    if (!layer.bias.empty() || map.has_offset()) layer.bias = std::move(bias);
    layer.weight = std::move(weight);
  }

  /// Into the convolutions that read the made one, if all of them can take it.
  void fold_forward(int i) {
    const std::vector<int> readers = readers_of(i);
    if (i == output_ || readers.empty() || at(i).activation != Activation::none) return;
    const ChannelMap map = map_of(at(i));
    const int64_t inputs = at(i).in_channels();
    for (const int r : readers) {
      const Layer& reader = at(r);
      if (!reader.has_weight()) return;
      if (reader.conv.groups != 1 && !map.keeps_order(inputs)) return;
      // Zeros beyond the edges would not get the offset.
      const bool pads = reader.conv.padding != Pair{0, 0} && reader.conv.padding_mode == PaddingMode::zeros;
      if (map.has_offset() && (pads || reader.op == Layer::Op::transposed_convolution)) return;
    }
    for (const int r : readers) map_inputs(at(r), map, inputs);
    redirect(i, at(i).inputs[0]);
  }

  static void map_inputs(Layer& layer, const ChannelMap& map, int64_t inputs) {
    const auto [n, c, h, w] = layer.weight.shape();
    const bool transposed = layer.op == Layer::Op::transposed_convolution;
    const int64_t groups = transposed ? 1 : layer.conv.groups;
    Tensor<float> weight(transposed ? Shape{inputs, c, h, w} : Shape{n, groups == 1 ? inputs : c, h, w});
    std::vector<double> bias(layer.bias.begin(), layer.bias.end());
    bias.resize(static_cast<size_t>(transposed ? c : n));
    const int64_t outputs = transposed ? c : n, own_inputs = transposed ? n : c;
    for (int64_t o = 0; o < outputs; ++o) {
      for (int64_t k = 0; k < own_inputs; ++k) {
        // Of a grouped convolution, whose inputs keep their order, k counts within the group.
        const auto at = static_cast<size_t>(groups == 1 ? k : o / (n / groups) * c + k);
        const int64_t source = groups == 1 ? map.source[at] : k;
        const float* from = transposed ? layer.weight.plane(k, o) : layer.weight.plane(o, k);
        float* to = transposed ? weight.plane(source, o) : weight.plane(o, source);
        for (int64_t j = 0; j < h * w; ++j) {
          to[j] = static_cast<float>(to[j] + map.factor[at] * from[j]);
          bias[static_cast<size_t>(o)] += map.offset[at] * from[j];
        }
      }
    }
    if (!layer.bias.empty() || map.has_offset()) layer.bias.assign(bias.begin(), bias.end());
    scale_weight_scales(layer, map.factor, /*of_outputs=*/false);
    layer.weight = std::move(weight);
  }

  /// Layers that the output does not depend on.
  void drop_dead() {
    std::vector<bool> needed(layers_.size());
    needed[static_cast<size_t>(output_)] = true;
    for (size_t i = layers_.size(); i-- > 0;) {
      if (!needed[i]) continue;
      for (const int from : layers_[i].inputs) {
        if (from != kNetworkInput) needed[static_cast<size_t>(from)] = true;
      }
    }
    std::vector<int> index(layers_.size());
    size_t kept = 0;
    for (size_t i = 0; i < layers_.size(); ++i) {
      index[i] = static_cast<int>(kept);
      if (!needed[i]) continue;
      for (int& from : layers_[i].inputs) from = from == kNetworkInput ? from : index[static_cast<size_t>(from)];
      if (kept != i) layers_[kept] = std::move(layers_[i]);
      made_[kept++] = made_[i];
    }
    layers_.resize(kept);
    made_.resize(kept);
    output_ = static_cast<int>(kept) - 1;
  }

  std::vector<Layer>& layers_;
  std::vector<bool> made_;
  int output_;
};

}  // namespace

void simplify(Network& network, std::vector<bool> made) { Simplifier(network, std::move(made)).run(); }

}  // namespace fsrcnn
