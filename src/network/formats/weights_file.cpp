#include "network/formats/weights_file.hpp"

#include <cctype>
#include <string>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "network/formats/flat_text.hpp"
#include "network/formats/hdf5.hpp"
#include "network/formats/keras.hpp"
#include "network/formats/npz.hpp"
#include "network/formats/onnx.hpp"
#include "network/formats/pytorch.hpp"
#include "network/formats/safetensors.hpp"
#include "network/formats/slides_text.hpp"
#include "network/formats/tensorflow.hpp"
#include "network/formats/tflite.hpp"
#include "network/formats/word_file.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestFileBytes = 256 << 20;

/// What a file's name says: the 2 of "fsrcnn_x2.pth", "2x-photo.pth", "general-x2v3.onnx" and "2xPhoto.pth", but not of
/// "box2.pth"; empty if it says nothing, or several things.
std::optional<int64_t> scale_in_name(const std::string& name) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto is_x = [](char c) { return c == 'x' || c == 'X'; };
  const auto is_scale = [](char c) { return c >= '2' && c <= '8'; };
  std::optional<int64_t> told;
  for (size_t begin = 0; begin < name.size(); ++begin) {
    size_t end = begin;
    while (end < name.size() && is_word(name[end])) ++end;
    const std::string_view word(name.data() + begin, end - begin);
    begin = end;
    if (word.size() < 2) continue;
    const bool before = is_x(word[0]) && is_scale(word[1]), after = is_scale(word[0]) && is_x(word[1]);
    const char next = word.size() > 2 ? word[2] : '\0';
    const bool ends = next == '\0' || (before && (next == 'v' || next == 'V')) ||
                      (after && std::isupper(static_cast<unsigned char>(next)) != 0);
    if (!ends || (!before && !after)) continue;
    const int64_t scale = word[before ? 1 : 0] - '0';
    if (told && *told != scale) return std::nullopt;
    told = scale;
  }
  return told;
}

/// By a name that says another scale than the one that was asked for, one of the two is a mistake, which nothing else
/// would show: a deconvolution can be run with any.
void take_scale_of_name(Network& network, const std::filesystem::path& path, std::optional<int64_t> asked,
                        const std::string& source) {
  const auto told =
      scale_in_name(path.has_filename() ? path.filename().string() : path.parent_path().filename().string());
  if (!told) return;
  if (network.scale == 0) {
    set_scale(network, *told, source);
  } else if (asked && *asked != *told && network.layers.back().op == Layer::Op::transposed_convolution) {
    fail(ErrorCode::model, "{}: its name says scale {}, but scale {} was requested; rename it if the name is wrong",
         source, *told, *asked);
  } else if (*told != network.scale) {
    network.notes.push_back(fmt::format("its name says scale {}, but its layers have scale {}", *told, network.scale));
  }
}

StateDict read_folder(const std::filesystem::path& path) {
  if (is_deepc_folder(path)) return read_deepc(path);
  if (is_zcu102_folder(path)) return read_zcu102(path);
  return read_slides_text(path);
}

/// The text format with this suffix; empty if none.
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
    fail(ErrorCode::model, "{}: its external data is in '{}', but only a file in the same folder is read",
         path.string(), shown);
  }
  const std::filesystem::path beside = path.parent_path() / name;
  std::error_code error;
  if (!std::filesystem::exists(beside, error)) {
    fail(ErrorCode::model,
         "{}: its external data file '{}' is missing; put it in the same folder, or export with external_data=False",
         path.string(), shown);
  }
  if (std::filesystem::is_symlink(beside, error) || !std::filesystem::is_regular_file(beside, error)) {
    fail(ErrorCode::model, "{}: its external data file '{}' is not a regular file; put the file itself there",
         path.string(), shown);
  }
  return read_file(beside, kLargestFileBytes);
}

Network read_network(const std::filesystem::path& path, std::optional<int64_t> scale) {
  const std::string source = path.string();
  const auto from = [&](const StateDict& state_dict) { return network_from_state_dict(state_dict, source, scale); };
  const auto with_scale = [&](Network network) {
    if (scale) set_scale(network, *scale, source);
    return network;
  };
  if (std::filesystem::is_directory(path)) return from(read_folder(path));
  const std::vector<std::byte> bytes = read_file(path, kLargestFileBytes);
  if (const auto form = word_form(path)) {
    return from(parse_word_file({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, *form, source));
  }
  // Files with only weights need the scale at once.
  const auto keras = [&] {
    return parse_keras(bytes, source, scale ? scale : scale_in_name(path.filename().string()));
  };
  if (looks_like_hdf5(bytes)) return keras();
  if (looks_like_pytorch(bytes)) {
    // All of them are zip archives.
    if (bytes[0] == std::byte{'P'} && looks_like_keras(bytes, source)) return keras();
    const bool npz = lower_suffix(path) == ".npz" || (bytes[0] == std::byte{'P'} && looks_like_npz(bytes, source));
    return from(npz ? parse_npz(bytes, source) : parse_pytorch(bytes, source));
  }
  // A safetensors file starts with a size and JSON.
  if (bytes.size() > 8 && bytes[8] == std::byte{'{'}) return from(parse_safetensors(bytes, source));
  if (looks_like_tflite(bytes)) return with_scale(parse_tflite(bytes, source));
  if (looks_like_onnx(bytes)) {
    return with_scale(parse_onnx(bytes, source, [&](const std::string& name) { return read_file_beside(path, name); }));
  }
  if (looks_like_tensorflow(bytes)) return with_scale(parse_tensorflow(bytes, source));
  fail(ErrorCode::model,
       "{}: unknown format of weights; supported: safetensors, torch.save, numpy.savez, ONNX, Keras, TensorFlow Lite, "
       "TensorFlow graph, .h, .mem, .coe, and a text folder{}",
       source,
       lower_suffix(path) == ".pth" || lower_suffix(path) == ".pt"
           ? "; if it is from PyTorch 0.1 or is damaged, load and save it again in PyTorch"
           : "");
}

/// The tensors for a format that only stores an FSRCNN.
StateDict fsrcnn_tensors(const Network& network, const std::string& source, const std::string& form) {
  StateDict state_dict = to_state_dict(network);
  if (state_dict.metadata.contains("layers") || network.colours != Colours::luma) {
    fail(ErrorCode::model,
         "{}: {} can only store an FSRCNN for luma with the same padding in all layers, but this is {}; use "
         ".safetensors, .pth or .onnx",
         source, form, network.family.empty() ? "another network" : network.family);
  }
  return state_dict;
}

}  // namespace

Network load_network(const std::filesystem::path& path, std::optional<int64_t> scale) {
  Network network = read_network(path, scale);
  take_scale_of_name(network, path, scale, path.string());
  return network;
}

bool is_whole_network(const std::filesystem::path& folder) {
  return is_deepc_folder(folder) || is_zcu102_folder(folder) || is_whole_slides_text(folder);
}

Network load_last_layer(const std::filesystem::path& folder, std::optional<int64_t> scale) {
  const std::string source = folder.string();
  const auto told = scale ? scale : scale_in_name(folder.filename().string());
  return last_layer_from_state_dict(read_slides_last_layer(folder), source, told);
}

void save_network(const Network& network, const std::filesystem::path& path, FolderForm form) {
  const std::string suffix = lower_suffix(path), source = path.string();
  if (path.filename().empty() || suffix.empty()) {
    const StateDict state_dict = fsrcnn_tensors(network, source, "a text folder");
    if (form == FolderForm::deepc) return write_deepc(state_dict, path);
    if (form != FolderForm::slides) return write_zcu102(state_dict, path, form == FolderForm::zcu102_hex);
    return write_slides_text(state_dict, path);
  }
  if (form != FolderForm::slides) {
    fail(ErrorCode::usage, "{}: this format is a folder; give a name that ends in '/'", source);
  }
  if (const auto words = word_form(path)) {
    const StateDict state_dict = fsrcnn_tensors(network, source, "a " + suffix + " file");
    return write_file(path, as_bytes(format_word_file(state_dict, *words)));
  }
  if (suffix == ".safetensors") return write_file(path, format_safetensors(to_state_dict(network)));
  if (suffix == ".pth" || suffix == ".pt") return write_file(path, format_pytorch(to_state_dict(network)));
  if (suffix == ".npz") return write_file(path, format_npz(fsrcnn_tensors(network, source, "an .npz file")));
  if (suffix == ".onnx") {
    require_scale(network, source);
    return write_file(path, format_onnx(network));
  }
  if (suffix == ".pb") return write_file(path, format_tensorflow(network, source));
  fail(ErrorCode::usage,
       "{}: unknown format of weights '{}'; supported: .safetensors, .pth, .npz, .onnx, .pb, .h, .mem, .coe, and a "
       "text folder if the name ends in '/'",
       source, suffix);
}

}  // namespace fsrcnn
