#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace fsrcnn {

/// A tensor on the way through the network.
struct NetworkPlace {
  int64_t layer = kNetworkInput;  ///< of a convolution with depth to space the convolution's
  bool activated = true;          ///< after the activation, of the last layer after the clamp
  auto operator<=>(const NetworkPlace&) const = default;
};

/// The place that a name means: "input"; a layer ("expanding", "mapping_2"), with the name of its operator
/// ("_convolution", "_addition") or its activation ("_prelu") behind it; a key of the state_dict ("mid_part.10":
/// before, "mid_part.11": after the activation); "mid", what the last layer reads; the last layer, before the clamp;
/// "preds", after it. A number in front and a suffix are left out, so that a file of `trace` names its place. Empty for
/// anything else.
std::optional<NetworkPlace> parse_place(const Network& network, const std::string& name);

/// A name that parse_place() gives back the place of.
std::string name_of(const Network& network, const NetworkPlace& place);

/// Whether it is what the last layer makes.
bool is_output(const Network& network, const NetworkPlace& place);

/// The place of a layer's output (or the input's): of depth to space that is looked at with its convolution, the
/// convolution.
int64_t place_of_layer(const Network& network, int from);

/// "input" or the layer's name; "convolution", "PReLU", "clamp": what the value at a place is called.
std::string layer_of(const Network& network, const NetworkPlace& place);
std::string step_of(const Network& network, const NetworkPlace& place);

/// Whether a tensor of this shape, NCHW or NHWC, is what the convolution at a place makes before its depth to space.
bool is_before_depth_to_space(const Network& network, const NetworkPlace& place, const Shape& shape);

/// Channels and scale of the value at a place. The layers may be the last ones of a network only, which read other
/// channels than those of a picture.
ValueShape shape_at(const Network& network, const NetworkPlace& place);

}  // namespace fsrcnn
