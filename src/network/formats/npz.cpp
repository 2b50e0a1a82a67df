#include "network/formats/npz.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "network/formats/npy.hpp"
#include "network/formats/zip_archive.hpp"

namespace fsrcnn {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr uint64_t kLargestArrayBytes = 16 << 20;
constexpr size_t kMostArrays = 512;

/// Kernels have four axes; all else has one.
std::vector<int64_t> axes_of(const Shape& s) {
  if (s.n == 1 && s.c == 1 && s.h == 1) return {s.w};
  return {s.n, s.c, s.h, s.w};
}

}  // namespace

bool looks_like_npz(Bytes bytes, const std::string& source) {
  const std::vector<std::string> names = ZipReader(bytes, source).names();
  return !names.empty() &&
         std::all_of(names.begin(), names.end(), [](const auto& name) { return name.ends_with(kSuffix); });
}

StateDict parse_npz(Bytes bytes, const std::string& source) {
  const ZipReader archive(bytes, source);
  StateDict state_dict;
  for (const std::string& entry : archive.names()) {
    if (!entry.ends_with(kSuffix)) fail(ErrorCode::model, "{}: its entry '{}' is not an array", source, entry);
    if (state_dict.tensors.size() >= kMostArrays) fail(ErrorCode::model, "{}: it has too many arrays", source);
    const std::string name = entry.substr(0, entry.size() - kSuffix.size());
    const std::vector<std::byte> file = archive.read(entry, kLargestArrayBytes).value();
    std::visit(
        [&](const auto& array) {
          const std::vector<float> values(array.values().begin(), array.values().end());
          if (name == "metadata.scale" && values.size() == 1) {
            state_dict.metadata["scale"] = fmt::format("{:g}", values[0]);
          } else if (name == "metadata.replicate_padding" && values.size() == 1) {
            if (values[0] == 1) state_dict.metadata["padding_mode"] = "replicate";
          } else if (name == "metadata.deconvolution_border" && values.size() == 1) {
            state_dict.metadata["deconvolution_border"] = fmt::format("{:g}", values[0]);
          } else {
            state_dict.tensors.push_back({name, axes_of(array.shape()), values});
          }
        },
        parse_npy(file, source + ": " + entry));
  }
  return state_dict;
}

std::vector<std::byte> format_npz(const StateDict& state_dict) {
  std::vector<std::pair<std::string, std::vector<std::byte>>> entries;
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values) {
    entries.emplace_back(name + std::string(kSuffix), format_npy(values, shape));
  };
  for (const NamedTensor& tensor : state_dict.tensors) add(tensor.name, tensor.shape, tensor.values);
  for (const auto& [key, value] : state_dict.metadata) {
    float scale = 0;
    std::from_chars(value.data(), value.data() + value.size(), scale);
    if (key == "scale") add("metadata.scale", {1}, {scale});
    if (key == "padding_mode" && value == "replicate") add("metadata.replicate_padding", {1}, {1});
    if (key == "deconvolution_border") add("metadata.deconvolution_border", {1}, {1});
  }
  return write_zip(entries);
}

}  // namespace fsrcnn
