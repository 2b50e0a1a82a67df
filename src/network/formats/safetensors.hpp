#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// Reads a safetensors file (github.com/huggingface/safetensors, "Format"): 8 bytes of header size (little endian), a
/// JSON header, and the tensors' bytes without gaps. Tensors of floats or integers become float32. `source` names the
/// file in messages. Throws Error(model).
StateDict parse_safetensors(Bytes bytes, const std::string& source);

/// The bytes of such a file.
std::vector<std::byte> format_safetensors(const StateDict& state_dict);

}  // namespace fsrcnn
