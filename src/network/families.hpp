#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "network/network.hpp"

namespace fsrcnn {

/// Sets the family (if known) and the layers' names of a network, and keys of layers that have none. For readers. An
/// FSRCNN gets the paper's names, yjn870's keys, and biases of 0 where it has none.
void name_layers(Network& network);

/// Parses the metadata "scale" of a file. Throws Error(model) if it is invalid.
std::optional<int64_t> metadata_scale(const std::map<std::string, std::string>& remarks, const std::string& source);

/// Applies a file's metadata to a network: "scale", "range" ("limited" or "full"), "output_clip" (layers_text.hpp) and
/// "quantisation" (quantisation.hpp). Throws Error(model) if it contradicts the layers.
void apply_remarks(Network& network, const std::map<std::string, std::string>& remarks, const std::string& source);

}  // namespace fsrcnn
