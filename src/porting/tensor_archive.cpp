#include "porting/tensor_archive.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "network/formats/pytorch.hpp"
#include "network/formats/zip_archive.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

std::vector<NamedTensorFile> of_npz(Bytes bytes, const std::string& source, int64_t limit_bytes) {
  const ZipReader archive(bytes, source);
  constexpr std::string_view kSuffix = ".npy";
  std::vector<NamedTensorFile> tensors;
  for (const std::string& entry : archive.names()) {
    if (!entry.ends_with(kSuffix)) continue;
    const auto file = archive.read(entry, static_cast<uint64_t>(limit_bytes));
    tensors.push_back(
        {entry.substr(0, entry.size() - kSuffix.size()), {parse_npy(file.value(), source + ": " + entry)}});
  }
  return tensors;
}

std::vector<NamedTensorFile> of_pytorch(Bytes bytes, const std::string& source) {
  std::vector<NamedTensorFile> tensors;
  for (NamedTensor& tensor : parse_pytorch_tensors(bytes, source).tensors) {
    std::vector<int64_t> axes = tensor.shape;
    if (axes.size() > 4) continue;
    axes.insert(axes.begin(), 4 - axes.size(), 1);
    tensors.push_back({tensor.name, {Tensor<float>({axes[0], axes[1], axes[2], axes[3]}, std::move(tensor.values))}});
  }
  return tensors;
}

}  // namespace

bool is_archive(const fs::path& path) {
  const std::string suffix = lower_suffix(path);
  return suffix == ".npz" || suffix == ".pt" || suffix == ".pth";
}

std::vector<NamedTensorFile> read_tensors(const fs::path& path) {
  if (!is_archive(path)) return {{"", read_tensor(path)}};
  const std::string source = path.string();
  const int64_t limit_bytes = physical_memory_bytes() / 4;
  const std::vector<std::byte> bytes = read_file(path, limit_bytes);
  auto tensors = lower_suffix(path) == ".npz" ? of_npz(bytes, source, limit_bytes) : of_pytorch(bytes, source);
  if (tensors.empty()) fail(ErrorCode::input, "{}: it holds no array of up to four axes", source);
  return tensors;
}

TensorFile read_tensor_named(const fs::path& path, const std::string& name) {
  std::vector<NamedTensorFile> tensors = read_tensors(path);
  if (tensors.size() == 1) return std::move(tensors[0].tensor);
  std::string names;
  for (NamedTensorFile& t : tensors) {
    if (t.name == name) return std::move(t.tensor);
    names += (names.empty() ? "'" : ", '") + t.name + "'";
  }
  fail(ErrorCode::input, "{}: it holds {} arrays, and none is called '{}'; they are {}", path.string(), tensors.size(),
       name, names);
}

}  // namespace fsrcnn
