#include "model/formats/weights_file.hpp"

#include <cctype>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "model/formats/flat_text.hpp"
#include "model/formats/npz.hpp"
#include "model/formats/onnx.hpp"
#include "model/formats/pytorch.hpp"
#include "model/formats/safetensors.hpp"
#include "model/formats/slides_text.hpp"
#include "model/formats/tensorflow.hpp"
#include "model/formats/word_file.hpp"

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

StateDict read_folder(const std::filesystem::path& path) {
  if (is_deepc_folder(path)) return read_deepc(path);
  if (is_zcu102_folder(path)) return read_zcu102(path);
  return read_slides_text(path);
}

/// Forms that are text are told by their suffix; empty: none of them.
std::optional<WordForm> word_form(const std::filesystem::path& path) {
  const std::string suffix = lower_suffix(path);
  if (suffix == ".h") return WordForm::c_header;
  if (suffix == ".mem") return WordForm::mem;
  if (suffix == ".coe") return WordForm::coe;
  return std::nullopt;
}

/// A file of this name in the folder of `path`. The name comes out of a file, so it must not lead anywhere else.
std::vector<std::byte> read_file_beside(const std::filesystem::path& path, const std::string& name) {
  const std::string shown = name.substr(0, 80);
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\\\0", 3)) != name.npos) {
    fail(ErrorCode::model, "{}: its weights lie in '{}', but only a file in the same folder is read", path.string(),
         shown);
  }
  const std::filesystem::path beside = path.parent_path() / name;
  std::error_code error;
  if (!std::filesystem::exists(beside, error)) {
    fail(ErrorCode::model,
         "{}: its weights lie in '{}', which is not beside it; put it there, or export with external_data=False",
         path.string(), shown);
  }
  if (std::filesystem::is_symlink(beside, error) || !std::filesystem::is_regular_file(beside, error)) {
    fail(ErrorCode::model, "{}: its weights lie in '{}', which is no ordinary file; put the file itself there",
         path.string(), shown);
  }
  return read_file(beside, kLargestFileBytes);
}

StateDict read_state_dict(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return read_folder(path);
  const std::vector<std::byte> bytes = read_file(path, kLargestFileBytes);
  const std::string source = path.string();
  if (const auto form = word_form(path)) {
    return parse_word_file({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, *form, source);
  }
  if (looks_like_pytorch(bytes)) {
    // Both are zip archives.
    const bool npz = lower_suffix(path) == ".npz" || (bytes[0] == std::byte{'P'} && looks_like_npz(bytes, source));
    return npz ? parse_npz(bytes, source) : parse_pytorch(bytes, source);
  }
  // A safetensors file says nothing but a size before its JSON.
  if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return parse_safetensors(bytes, source);
  if (looks_like_onnx(bytes)) {
    return parse_onnx(bytes, source, [&](const std::string& name) { return read_file_beside(path, name); });
  }
  if (looks_like_tensorflow(bytes)) return parse_tensorflow(bytes, source);
  fail(ErrorCode::model,
       "{}: none of the known forms of weights: safetensors, torch.save, numpy.savez, ONNX, a TensorFlow graph, .h, "
       ".mem, .coe, or a folder of texts{}",
       source,
       lower_suffix(path) == ".pth" || lower_suffix(path) == ".pt"
           ? "; if it is from PyTorch 0.1 or is damaged, load it there and save it again"
           : "");
}

}  // namespace

Model load_model(const std::filesystem::path& path, std::optional<int64_t> scale) {
  Model model = model_from_state_dict(read_state_dict(path), path.string(), scale);
  if (model.scale == 0) model.scale = scale_in_name(path.filename().string()).value_or(0);
  return model;
}

bool is_whole_network(const std::filesystem::path& folder) { return is_whole_slides_text(folder); }

Model load_last_layer(const std::filesystem::path& folder, std::optional<int64_t> scale) {
  Model model = last_layer_from_state_dict(read_slides_last_layer(folder), folder.string(), scale);
  if (model.scale == 0) model.scale = scale_in_name(folder.filename().string()).value_or(0);
  return model;
}

void save_model(const Model& model, const std::filesystem::path& path, FolderForm form) {
  const std::string suffix = lower_suffix(path);
  const StateDict state_dict = to_state_dict(model);
  if (path.filename().empty() || suffix.empty()) {
    if (form == FolderForm::deepc) return write_deepc(state_dict, path);
    if (form != FolderForm::slides) return write_zcu102(state_dict, path, form == FolderForm::zcu102_hex);
    return write_slides_text(state_dict, path);
  }
  if (form != FolderForm::slides) {
    fail(ErrorCode::usage, "{}: this form is a folder; give a name ending in '/'", path.string());
  }
  if (const auto words = word_form(path)) return write_file(path, as_bytes(format_word_file(state_dict, *words)));
  if (suffix == ".safetensors") return write_file(path, format_safetensors(state_dict));
  if (suffix == ".pth" || suffix == ".pt") return write_file(path, format_pytorch(state_dict));
  if (suffix == ".npz") return write_file(path, format_npz(state_dict));
  if (suffix == ".onnx") {
    require_scale(model, path.string());
    return write_file(path, format_onnx(model));
  }
  if (suffix == ".pb") return write_file(path, format_tensorflow(model));
  fail(ErrorCode::usage,
       "{}: '{}' is no known form of weights to write; known are .safetensors, .pth, .npz, .onnx, .pb, .h, .mem, .coe, "
       "and a name ending in '/' for a folder of texts",
       path.string(), suffix);
}

}  // namespace fsrcnn
