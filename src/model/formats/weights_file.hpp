#pragma once

#include <filesystem>
#include <optional>

#include "model/model.hpp"

namespace fsrcnn {

/// Loads weights of any known form, told by its content: safetensors, a file of PyTorch, .npz, ONNX, a TensorFlow
/// graph, or a folder of texts (the slides', DeepC's, the ZCU102 ports'); .h, .mem and .coe by their suffix. Where
/// neither `scale` nor the file tells the scale, the file's name may ("..._x2.pth"); else Model::scale is 0. Throws
/// Error(model), or Error(io) if the file cannot be read.
Model load_model(const std::filesystem::path& path, std::optional<int64_t> scale = std::nullopt);

/// False for a folder of text kernels that has the last layers' alone, or no slopes.
bool is_whole_network(const std::filesystem::path& folder);

/// A model that is nothing but the last layer, of such a folder: it reads d feature maps. Throws like load_model.
Model load_last_layer(const std::filesystem::path& folder, std::optional<int64_t> scale = std::nullopt);

/// Folders of texts that can be written.
enum class FolderForm { slides, deepc, zcu102, zcu102_hex };

/// Writes the form that the name asks for: ".safetensors", ".pth", ".pt", ".npz", ".onnx", ".pb", ".h", ".mem", ".coe",
/// or a folder of texts, of this form, for a name without suffix or with '/' at its end. Only ZCU102's forms round.
/// Throws Error(usage) for another suffix, Error(model) if the form cannot hold the model, Error(io).
void save_model(const Model& model, const std::filesystem::path& path, FolderForm form = FolderForm::slides);

}  // namespace fsrcnn
