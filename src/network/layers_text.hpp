#pragma once

#include <string>

#include "network/network.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// A network's layers without their tensors as JSON, a list of objects, one line: the value of "layers" in a file's
/// metadata. Tensors are named by the layers' keys: "KEY.weight", "KEY.bias", and "ACTIVATION_KEY.weight" of a PReLU.
std::string format_layers(const Network& network);

/// True if the state_dict has the first weight that such text names.
bool has_keys(const std::string& text, const StateDict& state_dict);

/// The inverse, with the tensors of `state_dict`, all of which must be used. Sets only the network's layers.
/// Throws Error(model) naming `source` and the layer or the tensor.
Network parse_layers(const std::string& text, const StateDict& state_dict, const std::string& source);

/// "[0.0,1.0]", with null for no bound: the value of "output_clip" in a file's metadata.
std::string format_clip(const OutputClip& clip);

/// The inverse. Throws Error(model) naming `source`.
OutputClip parse_clip(const std::string& text, const std::string& source);

}  // namespace fsrcnn
