#include "network/formats/slides_text.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/atomic_output.hpp"
#include "base/error.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kLargestTextBytes = 1 << 20, kLargestIndex = 1023;
constexpr size_t kMostLayers = 128;

std::string_view cut_at(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view front = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return front;
}

/// The numbers in <kind><a>_<b>.txt, e.g. "kernel12_0.txt". Other files are ignored.
std::optional<std::pair<int64_t, int64_t>> parse_indices(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind) || !name.ends_with(".txt")) return std::nullopt;
  name = name.substr(kind.size(), name.size() - kind.size() - 4);
  int64_t a = 0, b = 0;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, a);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '_') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, b);
  if (second.ec != std::errc{} || second.ptr != end || a < 0 || b < 0) return std::nullopt;
  return std::pair(a, b);
}

/// All <kind><a>_<b>.txt of a folder as one tensor (a, b, rows, columns).
NamedTensor read_matrices(const fs::path& folder, std::string_view kind) {
  std::error_code error;
  fs::directory_iterator files(folder, error);
  if (error) {
    fail(ErrorCode::model, "{}: the folder is missing or unreadable; expected files {}0_0.txt, ... in it",
         folder.string(), kind);
  }
  int64_t last_a = -1, last_b = -1;
  for (; files != fs::directory_iterator(); files.increment(error)) {
    const auto indices = parse_indices(files->path().filename().string(), kind);
    if (!indices) continue;
    last_a = std::max(last_a, indices->first);
    last_b = std::max(last_b, indices->second);
  }
  if (last_a < 0 || last_a > kLargestIndex || last_b > kLargestIndex) {
    fail(ErrorCode::model, "{}: expected files {}<a>_<b>.txt with a and b from 0 to {}", folder.string(), kind,
         kLargestIndex);
  }

  NamedTensor tensor;
  for (int64_t a = 0; a <= last_a; ++a) {
    for (int64_t b = 0; b <= last_b; ++b) {
      const fs::path path = folder / fmt::format("{}{}_{}.txt", kind, a, b);
      if (!fs::exists(path, error)) {
        fail(ErrorCode::model, "{}: the file is missing; the folder has {} up to {}{}_{}.txt", path.string(), kind,
             kind, last_a, last_b);
      }
      const std::vector<std::byte> bytes = read_file(path, kLargestTextBytes);
      const NamedTensor matrix =
          parse_text_matrix({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
      const std::vector<int64_t> shape = {last_a + 1, last_b + 1, matrix.shape[0], matrix.shape[1]};
      if (tensor.shape.empty()) tensor.shape = shape;
      if (tensor.shape != shape) {
        fail(ErrorCode::model, "{}: the matrix is {}x{}, but {}0_0.txt beside it is {}x{}", path.string(), shape[2],
             shape[3], kind, tensor.shape[2], tensor.shape[3]);
      }
      tensor.values.insert(tensor.values.end(), matrix.values.begin(), matrix.values.end());
    }
  }
  return tensor;
}

/// A vector from one number a file.
NamedTensor read_numbers(const fs::path& folder, std::string_view kind) {
  NamedTensor tensor = read_matrices(folder, kind);
  if (tensor.shape[1] != 1 || tensor.shape[2] != 1 || tensor.shape[3] != 1) {
    fail(ErrorCode::model, "{}: expected one number in each of {}0_0.txt, {}1_0.txt, ...", folder.string(), kind, kind);
  }
  tensor.shape = {tensor.shape[0]};
  return tensor;
}

/// Digits in a layer's name: mid10 comes after mid2.
int64_t number_in(const std::string& name) {
  const size_t digit = name.find_first_of("0123456789");
  int64_t number = 0;
  if (digit != std::string::npos) std::from_chars(name.data() + digit, name.data() + name.size(), number);
  return number;
}

std::vector<std::string> middle_layers(const fs::path& kernels) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator folders(kernels, error);
  if (error) {
    fail(ErrorCode::model, "{}: the folder is missing or unreadable; expected first, mid0, ..., last in it",
         kernels.string());
  }
  for (; folders != fs::directory_iterator(); folders.increment(error)) {
    const std::string name = folders->path().filename().string();
    if (name.starts_with("mid")) names.push_back(name);
  }
  if (names.size() > kMostLayers) fail(ErrorCode::model, "{}: it has {} layers", kernels.string(), names.size());
  std::sort(names.begin(), names.end(),
            [](const auto& a, const auto& b) { return std::pair(number_in(a), a) < std::pair(number_in(b), b); });
  return names;
}

/// Somebody may give a folder within the set of weights: its kernels, or those of one layer.
void check_holds_kernels(const fs::path& folder) {
  std::error_code error;
  fs::path outer = fs::absolute(folder, error).lexically_normal();
  if (fs::exists(outer / "kernel", error)) return;
  if (!outer.has_filename()) outer = outer.parent_path();
  for (int level = 0; level < 3; ++level, outer = outer.parent_path()) {
    if (!fs::exists(outer / "kernel", error)) continue;
    fail(ErrorCode::model, "{}: it has no folder 'kernel'; give the folder that holds it: {}", folder.string(),
         outer.string());
  }
}

std::string layer_folder(const fs::path& kernels, const std::string& start) {
  std::error_code error;
  if (fs::exists(kernels / start, error)) return start;
  for (fs::directory_iterator i(kernels, error); !error && i != fs::directory_iterator(); i.increment(error)) {
    std::string name = i->path().filename().string();
    if (name.starts_with(start)) return name;
  }
  return start;  // reading it will say that it is missing
}

/// Adds the tensors of the layer whose folder has this name, or begins with it.
void take_layer(const fs::path& folder, const std::string& start, const std::string& key,
                const std::string& activation_key, StateDict& state_dict) {
  const std::string layer = layer_folder(folder / "kernel", start);
  const auto add = [&](std::string name, NamedTensor tensor) {
    tensor.name = std::move(name);
    state_dict.tensors.push_back(std::move(tensor));
  };
  add(key + ".weight", read_matrices(folder / "kernel" / layer, "kernel"));
  const fs::path biases = folder / "bias" / layer;
  if (std::error_code error; !fs::exists(biases, error)) {
    fail(ErrorCode::model,
         "{}: the folder is missing; expected files bias0_0.txt, ... in it, with 0 if the layer has no bias",
         biases.string());
  }
  add(key + ".bias", read_numbers(biases, "bias"));
  if (!activation_key.empty()) add(activation_key + ".weight", read_numbers(folder / "prelu" / layer, "prelu"));
}

}  // namespace

std::string slides_folder(const std::string& key) {
  const std::string part = key.substr(0, key.find("_part"));
  return part == "mid" ? part + key.substr(key.find('.') + 1) : part;
}

NamedTensor parse_text_matrix(std::string_view text, const std::string& source) {
  NamedTensor matrix{source, {0, 0}, {}};
  for (int64_t line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = cut_at(text, '\n');
    line = line.substr(0, line.find('#'));
    int64_t columns = 0;
    for (;;) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
      if (line.empty()) break;
      const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
      line.remove_prefix(word.size());
      const std::string_view digits = word.substr(word.starts_with('+') ? 1 : 0);
      double value = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (error != std::errc{} || end != digits.data() + digits.size()) {
        fail(ErrorCode::model, "{}, line {}: '{}' is not a number", source, line_number, word.substr(0, 40));
      }
      matrix.values.push_back(static_cast<float>(value));
      ++columns;
    }
    if (columns == 0) continue;
    if (matrix.shape[0] > 0 && columns != matrix.shape[1]) {
      fail(ErrorCode::model, "{}, line {}: it has {} numbers, but the lines above have {}", source, line_number,
           columns, matrix.shape[1]);
    }
    matrix.shape = {matrix.shape[0] + 1, columns};
  }
  if (matrix.values.empty()) fail(ErrorCode::model, "{}: it holds no numbers", source);
  return matrix;
}

bool is_whole_slides_text(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "prelu", error) &&
         fs::exists(folder / "kernel" / layer_folder(folder / "kernel", "first"), error);
}

StateDict read_slides_last_layer(const fs::path& folder) {
  check_holds_kernels(folder);
  StateDict state_dict;
  take_layer(folder, "last", "last_part", "", state_dict);
  return state_dict;
}

StateDict read_slides_text(const fs::path& folder) {
  check_holds_kernels(folder);
  StateDict state_dict;
  const std::vector<std::string> middle = middle_layers(folder / "kernel");
  take_layer(folder, "first", "first_part.0", "first_part.1", state_dict);
  for (size_t i = 0; i < middle.size(); ++i) {
    take_layer(folder, middle[i], fmt::format("mid_part.{}", 2 * i), fmt::format("mid_part.{}", 2 * i + 1), state_dict);
  }
  take_layer(folder, "last", "last_part", "", state_dict);
  return state_dict;
}

void write_slides_text(const StateDict& state_dict, const fs::path& folder) {
  AtomicOutput output(folder, AtomicOutput::Kind::folder);
  std::string layer;
  for (const NamedTensor& tensor : state_dict.tensors) {
    const bool is_kernel = tensor.shape.size() == 4, is_bias = tensor.name.ends_with(".bias");
    const std::string kind = is_kernel ? "kernel" : is_bias ? "bias" : "prelu";
    // A PReLU's slopes follow the convolution that they belong to.
    if (is_kernel) layer = slides_folder(tensor.name.substr(0, tensor.name.rfind('.')));
    const fs::path to = output.temporary() / kind / layer;
    std::error_code error;
    fs::create_directories(to, error);
    if (error) fail(ErrorCode::io, "writing '{}' failed: {}", folder.string(), error.message());

    const std::vector<int64_t> shape = is_kernel ? tensor.shape : std::vector<int64_t>{tensor.shape[0], 1, 1, 1};
    const float* value = tensor.values.data();
    for (int64_t a = 0; a < shape[0]; ++a) {
      for (int64_t b = 0; b < shape[1]; ++b) {
        std::string text;
        for (int64_t row = 0; row < shape[2]; ++row) {
          // 9 digits tell any two floats apart, also when they are read as doubles first.
          for (int64_t column = 0; column < shape[3]; ++column) {
            fmt::format_to(std::back_inserter(text), "{}{:.9g}", column == 0 ? "" : " ", *value++);
          }
          text += '\n';
        }
        write_file_directly(to / fmt::format("{}{}_{}.txt", kind, a, b), as_bytes(text));
      }
    }
  }
  output.commit();
}

}  // namespace fsrcnn
