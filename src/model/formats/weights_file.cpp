#include "model/formats/weights_file.hpp"

#include <cctype>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "model/formats/pytorch.hpp"
#include "model/formats/safetensors.hpp"
#include "model/formats/slides_text.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestFileBytes = 256 << 20;

/// The 2 of "fsrcnn_x2.pth": an x (alone, not within a word) before one digit.
std::optional<int64_t> scale_in_name(const std::string& name) {
  const auto is_word = [&](size_t i) {
    return i < name.size() && std::isalnum(static_cast<unsigned char>(name[i])) != 0;
  };
  for (size_t i = 0; i + 1 < name.size(); ++i) {
    const bool is_x = (name[i] == 'x' || name[i] == 'X') && (i == 0 || !is_word(i - 1));
    if (is_x && name[i + 1] >= '2' && name[i + 1] <= '4' && !is_word(i + 2)) return name[i + 1] - '0';
  }
  return std::nullopt;
}

StateDict read_state_dict(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return read_slides_text(path);
  const std::vector<std::byte> bytes = read_file(path, kLargestFileBytes);
  if (looks_like_pytorch(bytes)) return parse_pytorch(bytes, path.string());
  // A safetensors file says nothing but a size before its JSON.
  if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return parse_safetensors(bytes, path.string());
  fail(ErrorCode::model, "{}: neither a safetensors file, nor one of torch.save, nor a folder of text kernels{}",
       path.string(),
       path.extension() == ".pth" || path.extension() == ".pt"
           ? "; if it is from PyTorch 0.1 or is damaged, load it there and save it again"
           : "");
}

}  // namespace

Model load_model(const std::filesystem::path& path, std::optional<int64_t> scale) {
  Model model = model_from_state_dict(read_state_dict(path), path.string(), scale);
  if (model.scale == 0) model.scale = scale_in_name(path.filename().string()).value_or(0);
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path) {
  const std::string suffix = path.extension().string();
  const StateDict state_dict = to_state_dict(model);
  if (path.filename().empty() || suffix.empty()) return write_slides_text(state_dict, path);
  if (suffix == ".safetensors") return write_file(path, format_safetensors(state_dict));
  if (suffix == ".pth" || suffix == ".pt") return write_file(path, format_pytorch(state_dict));
  fail(ErrorCode::usage,
       "{}: '{}' is no known form of weights; known are .safetensors, .pth, and a name ending in '/' for a folder of "
       "text "
       "files",
       path.string(), suffix);
}

}  // namespace fsrcnn
