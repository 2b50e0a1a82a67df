#pragma once

#include <filesystem>
#include <optional>

#include "model/model.hpp"

namespace fsrcnn {

/// Loads weights of any known form, told by its content: safetensors, a file of PyTorch, or the slides' text folder.
/// Where neither `scale` nor the file tells the scale, the file's name may ("..._x2.pth"); else Model::scale is 0.
/// Throws Error(model), or Error(io) if the file cannot be read.
Model load_model(const std::filesystem::path& path, std::optional<int64_t> scale = std::nullopt);

/// Writes the form that the name asks for: ".safetensors", ".pth" or ".pt", or a folder of text files for a name
/// without suffix or with '/' at its end. Throws Error(usage) for another suffix, Error(io).
void save_model(const Model& model, const std::filesystem::path& path);

}  // namespace fsrcnn
