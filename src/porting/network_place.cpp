#include "porting/network_place.hpp"

#include <algorithm>

#include "engine/reference_network.hpp"
#include "porting/layer_port.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

std::string plain(std::string name) {
  const size_t slash = name.rfind('/');
  if (slash != std::string::npos) name = name.substr(slash + 1);
  for (const char* suffix :
       {".npy", ".txt", ".dat", ".csv", ".hex", ".mem", ".h", ".f32", ".raw", ".bin", ".f64", ".png"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - std::string(suffix).size());
  }
  const size_t digits = name.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && name[digits] == '_') name = name.substr(digits + 1);
  return dump_name(name, "");
}

const Layer& layer_at(const Network& network, const NetworkPlace& place) {
  return network.layers[static_cast<size_t>(place.layer)];
}

/// The one that has the activation.
const Layer& end_of(const Network& network, const NetworkPlace& place) {
  const auto layer = static_cast<size_t>(place.layer);
  return network.layers[depth_to_space_after(network, layer).value_or(layer)];
}

/// Whether there is one before and one after the activation (or the clamp).
bool is_activated(const Network& network, const NetworkPlace& place) {
  return is_output(network, place) || end_of(network, place).activation != Layer::Activation::none;
}

/// Of the input and of each layer's output, the input first.
std::vector<ValueShape> shapes_of(const Network& network) {
  std::vector<ValueShape> shapes = {{network.channels(), 1}};
  for (const Layer& layer : network.layers) {
    if (layer.has_weight() && layer.inputs[0] == kNetworkInput) shapes[0].channels = layer.in_channels();
  }
  for (const Layer& layer : network.layers) {
    ValueShape shape = shapes[static_cast<size_t>(layer.inputs[0] + 1)];
    switch (layer.op) {
      case Layer::Op::convolution: shape.channels = layer.out_channels(); break;
      case Layer::Op::transposed_convolution:
        shape = {layer.out_channels(), shape.scale * layer.conv_transpose.stride.h};
        break;
      case Layer::Op::depth_to_space:
        shape = {shape.channels / (layer.factor * layer.factor), shape.scale * layer.factor};
        break;
      case Layer::Op::add:
        shape.channels = std::max(shape.channels, shapes[static_cast<size_t>(layer.inputs[1] + 1)].channels);
        break;
      case Layer::Op::interpolate: shape.scale *= layer.factor;
    }
    shapes.push_back(shape);
  }
  return shapes;
}

}  // namespace

int64_t place_of_layer(const Network& network, int from) {
  if (from == kNetworkInput || network.layers[static_cast<size_t>(from)].op != Layer::Op::depth_to_space) return from;
  const int before = network.layers[static_cast<size_t>(from)].inputs[0];
  if (before == kNetworkInput) return from;
  return depth_to_space_after(network, static_cast<size_t>(before)) == static_cast<size_t>(from) ? before : from;
}

bool is_output(const Network& network, const NetworkPlace& place) {
  return place.layer >= 0 && place_of_layer(network, static_cast<int>(network.layers.size()) - 1) == place.layer;
}

std::string step_of(const Network& network, const NetworkPlace& place) {
  if (place.layer < 0) return "";
  const Layer& end = end_of(network, place);
  if (!place.activated || !is_activated(network, place)) return step_name(end);
  return is_output(network, place) ? "clamp" : activation_name(end.activation);
}

std::string layer_of(const Network& network, const NetworkPlace& place) {
  return place.layer < 0 ? "input" : layer_at(network, place).name;
}

std::string name_of(const Network& network, const NetworkPlace& place) {
  if (place.layer < 0) return "input";
  if (is_output(network, place) && place.activated) return "preds";
  const Layer& end = end_of(network, place);
  return dump_name(end.name, place.activated ? "" : step_name(end));
}

bool is_before_depth_to_space(const Network& network, const NetworkPlace& place, const Shape& shape) {
  if (place.layer < 0) return false;
  const auto after = depth_to_space_after(network, static_cast<size_t>(place.layer));
  if (!after) return false;
  const int64_t channels = shape_at(network, place).channels, factor = network.layers[*after].factor;
  const int64_t before = channels * factor * factor;
  return shape.n == 1 && shape.c != channels && shape.w != channels && (shape.c == before || shape.w == before);
}

ValueShape shape_at(const Network& network, const NetworkPlace& place) {
  const std::vector<ValueShape> shapes = shapes_of(network);
  if (place.layer < 0) return shapes[0];
  const auto layer = static_cast<size_t>(place.layer);
  return shapes[depth_to_space_after(network, layer).value_or(layer) + 1];
}

std::optional<NetworkPlace> parse_place(const Network& network, const std::string& name) {
  const std::string wanted = plain(name);
  const int64_t last = place_of_layer(network, static_cast<int>(network.layers.size()) - 1);
  const std::vector<int>& last_reads = network.layers[static_cast<size_t>(last)].inputs;
  const NetworkPlace mid{place_of_layer(network, last_reads[0]), true};
  if (wanted == "input") return NetworkPlace{kNetworkInput, true};
  if (wanted == "mid" && last_reads.size() == 1) return mid;
  if (wanted == "preds" || wanted == "output" || wanted == "reference") return NetworkPlace{last, true};
  for (int64_t i = 0; i <= last; ++i) {
    if (place_of_layer(network, static_cast<int>(i)) != i) continue;
    const NetworkPlace place{i, true};
    const Layer &layer = layer_at(network, place), &end = end_of(network, place);
    const std::string bare = dump_name(end.name, "");
    const bool shuffles = &layer != &end, is_last = i == last;
    bool before =
        wanted == dump_name(end.name, step_name(end)) || (!layer.key.empty() && wanted == dump_name(layer.key, ""));
    if (shuffles) {
      // The values before depth to space are the same in another order.
      before = before || wanted == dump_name(layer.name, step_name(layer));
    } else {
      before = before || (is_last && wanted == bare) ||
               (layer.op == Layer::Op::transposed_convolution && wanted == bare + "_bias");
    }
    // Of the last layer what lies between activation and clamp is no place.
    const char* const activation = is_last                                     ? "clamp"
                                   : end.activation != Layer::Activation::none ? activation_name(end.activation)
                                                                               : "PReLU";
    const bool after = wanted == dump_name(end.name, activation) || (!is_last && wanted == bare) ||
                       (!is_last && !end.activation_key.empty() && wanted == dump_name(end.activation_key, ""));
    if (before || after) return NetworkPlace{i, !before || !is_activated(network, place)};
  }
  // Of a network that holds the last layer alone, the layer before is the input.
  if (mid.layer == kNetworkInput && (wanted == "expanding" || wanted == "expanding_prelu")) return mid;
  return std::nullopt;
}

}  // namespace fsrcnn
