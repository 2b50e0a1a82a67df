#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "model/state_dict.hpp"

namespace fsrcnn {

/// True if the bytes begin as a file of torch.save does.
bool looks_like_pytorch(Bytes bytes);

/// Reads a file of torch.save(model.state_dict(), ...): the zip archives that PyTorch writes since 1.6, and the
/// sequence of pickles that it wrote before. A checkpoint that holds the state_dict under "state_dict", "model",
/// "model_state_dict" or "params" will do. Nothing in the file is ever called. `source` names the file in messages.
/// Throws Error(model).
StateDict parse_pytorch(Bytes bytes, const std::string& source);

/// The bytes of such a zip archive, for torch.load(..., weights_only=True). Metadata has no place in it.
std::vector<std::byte> format_pytorch(const StateDict& state_dict);

}  // namespace fsrcnn
