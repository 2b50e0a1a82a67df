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
/// trace's, a layer's, a key of the state_dict, an ONNX node with such a key in it; or, of files without such names, by
/// their numbers, if shapes agree; or by its shape, if that fits one layer alone. All others are told with the reason.
/// `input` is the shape of the network's input, if that is given apart. Throws Error(io) if the folder cannot be read.
DumpFolder read_dump_folder(const std::filesystem::path& path, const Network& network,
                            const std::optional<Shape>& input);

}  // namespace fsrcnn
