#pragma once

#include <filesystem>
#include <optional>

#include "network/network.hpp"

namespace fsrcnn {

/// Loads weights of any known format, detected by content: safetensors, a file of PyTorch, .npz, ONNX, Keras,
/// TensorFlow Lite, a TensorFlow graph, or a text folder (the slides', DeepC's, the ZCU102 ports'); .h, .mem and .coe
/// by their suffix. If neither `scale` nor the file states the scale, it is taken from the file's name ("..._x2.pth");
/// else Network::scale is 0. Throws Error(model), or Error(io) if the file cannot be read.
Network load_network(const std::filesystem::path& path, std::optional<int64_t> scale = std::nullopt);

/// False for a folder of text kernels with only the last layer, or without slopes.
bool is_whole_network(const std::filesystem::path& folder);

/// A network of only the last layer, from such a folder: it reads d feature maps, so check_network does not apply.
/// Throws like load_network.
Network load_last_layer(const std::filesystem::path& folder, std::optional<int64_t> scale = std::nullopt);

/// Formats of text folders.
enum class FolderForm { slides, deepc, zcu102, zcu102_hex };

/// Writes the format that the name selects: ".safetensors", ".pth", ".pt", ".npz", ".onnx", ".pb", ".h", ".mem",
/// ".coe", or a text folder, in this form, for a name without suffix or with '/' at its end. Only ZCU102's formats
/// round. Throws Error(usage) for another suffix, Error(model) if the format cannot store the network, Error(io).
void save_network(const Network& network, const std::filesystem::path& path, FolderForm form = FolderForm::slides);

}  // namespace fsrcnn
