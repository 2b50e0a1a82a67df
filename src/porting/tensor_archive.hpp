#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// A tensor of a file that may hold many.
struct NamedTensorFile {
  std::string name;  ///< within the file; "" where it holds one without a name
  TensorFile tensor;
};

/// Whether the suffix is that of a file which may hold many tensors: .npz, .pt, .pth.
bool is_archive(const std::filesystem::path& path);

/// All tensors of up to four axes of such a file, in its order, or the one of any other. Throws as read_tensor().
std::vector<NamedTensorFile> read_tensors(const std::filesystem::path& path);

/// The one of this name: read_tensor() of a file or, of an archive, its only tensor or the one called `name`.
TensorFile read_tensor_named(const std::filesystem::path& path, const std::string& name);

}  // namespace fsrcnn
