#pragma once

#include <string>
#include <vector>

#include "base/file.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// True if the bytes begin as a file of torch.save does.
bool looks_like_pytorch(Bytes bytes);

/// Reads a file of torch.save(model.state_dict(), ...): the zip archives that PyTorch writes since 1.6, and the
/// sequence of pickles that it wrote before. Of a checkpoint the dict with kernels in it is taken, averaged weights
/// before others; notes say which. Tensors of floats or integers become float32. Nothing in the file is ever called.
/// `source` names the file in messages. Throws Error(model).
StateDict parse_pytorch(Bytes bytes, const std::string& source);

/// All tensors of a file of torch.save, however they lie in dicts, lists and tuples: named by the keys and numbers that
/// lead to them ("mid.3"); "" for a tensor alone. Throws Error(model).
StateDict parse_pytorch_tensors(Bytes bytes, const std::string& source);

/// The bytes of such a zip archive, for torch.load(..., weights_only=True). If the network needs metadata ("layers"),
/// the state_dict is stored under "state_dict" beside it; other metadata is dropped.
std::vector<std::byte> format_pytorch(const StateDict& state_dict);

}  // namespace fsrcnn
