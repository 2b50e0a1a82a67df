#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "porting/diagnose.hpp"

namespace fsrcnn {

struct DumpFolder {
  std::vector<Dump> dumps;
  std::vector<UnusedFile> unused;
};

/// The dumps of a folder (with its sub-folders) or of an archive (.npz, .pt), each at the place that its name tells:
/// trace's, a layer's, a key of the state_dict, an ONNX node with such a key in it; words that people have for such a
/// layer; or, of names that differ in their numbers, by these, if all shapes agree; or by its shape or its values, if
/// they are those of one layer alone. All others are told with the reason. `input`: the network's, if it is given
/// apart. Throws Error(io) if the folder cannot be read.
DumpFolder read_dump_folder(const std::filesystem::path& path, const Network& network,
                            const std::optional<Tensor<float>>& input);

}  // namespace fsrcnn
