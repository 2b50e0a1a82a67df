#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// True if a zip archive holds arrays of numpy.savez.
bool looks_like_npz(Bytes bytes, const std::string& source);

/// Reads numpy.savez(FILE, **state_dict): an array for each tensor, and "metadata.scale" (a number) and
/// "metadata.replicate_padding" (1) if they are there. `source` names the file in messages.
/// Throws Error(model), or Error(input) for a damaged array.
StateDict parse_npz(Bytes bytes, const std::string& source);

/// The bytes of such a file.
std::vector<std::byte> format_npz(const StateDict& state_dict);

}  // namespace fsrcnn
