#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "network/network.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// FSRCNN(d, s, m) of Dong, Loy and Tang (ECCV 2016): convolutions k x k to d channels, 1x1 d->s, m times 3x3 s->s,
/// 1x1 s->d, and a transposed convolution d->1 of stride `scale`, or a convolution to scale * scale channels with
/// depth to space.
struct FsrcnnShape {
  int64_t d, s, m;
  bool operator==(const FsrcnnShape&) const = default;
};

/// Empty if the network is not an FSRCNN.
std::optional<FsrcnnShape> fsrcnn_shape(const Network& network);

/// A network of the tensors of a state_dict: by the metadata's "layers"; by yjn870's names of FSRCNN's tensors; or by
/// their shapes (layer_chain.hpp), with notes. A transposed convolution's shape does not determine its scale: it is
/// `scale` or the metadata's, or else Network::scale is 0. Throws Error(model) naming `source` and the tensor that is
/// missing, unexpected, misshapen or not finite.
Network network_from_state_dict(const StateDict& state_dict, const std::string& source,
                                std::optional<int64_t> scale = std::nullopt);

/// The same of a state_dict of "last_part.*" alone, yjn870's name of the last layer. It reads feature maps, so
/// check_network does not apply.
Network last_layer_from_state_dict(const StateDict& state_dict, const std::string& source,
                                   std::optional<int64_t> scale = std::nullopt);

/// The inverse. Properties that tensors do not determine are in the metadata: an FSRCNN's padding as "padding_mode" and
/// "deconvolution_border", all other networks' layers as "layers" (layers_text.hpp), scales and zero points as
/// "quantisation" (quantisation.hpp).
StateDict to_state_dict(const Network& network);

/// Sets the scale of a network if it is unknown. Throws Error(model) if its layers have another one.
void set_scale(Network& network, int64_t scale, const std::string& source);

/// Throws Error(model), which asks for the scale, if it is unknown.
void require_scale(const Network& network, const std::string& source);

}  // namespace fsrcnn
