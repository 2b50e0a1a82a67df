#include "porting/tensor_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>
#include <type_traits>

#include "base/error.hpp"
#include "base/file.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "porting/dump_reading.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 11> kTensorSuffixes = {".npy", ".txt", ".dat", ".csv", ".h",  ".hex",
                                                              ".mem", ".f32", ".raw", ".bin", ".f64"};

template <class T>
Tensor<T> raw_values(Bytes bytes, const std::string& source) {
  if (bytes.empty() || bytes.size() % sizeof(T) != 0) {
    fail(ErrorCode::input, "{}: its {} bytes are no whole number of {}-byte values", source, bytes.size(), sizeof(T));
  }
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  const auto count = static_cast<int64_t>(values.size());
  return {{1, 1, 1, count}, std::move(values)};
}

Tensor<float> planes_of_picture(Tensor<float> planes, Colours colours, ValueRange range) {
  const Shape shape = planes.shape();
  const bool gray = shape.c < 3;
  if (colours == Colours::luma) gray ? gray_to_luma(planes) : rgb_to_ycbcr(planes);
  Tensor<float> input({1, colours == Colours::luma ? 1 : 3, shape.h, shape.w});
  for (int64_t c = 0; c < input.shape().c; ++c) {
    std::copy_n(planes.plane(0, gray ? 0 : c), shape.h * shape.w, input.plane(0, c));
  }
  // Luma comes in limited range, RGB in full.
  const bool is_limited = colours == Colours::luma;
  if (is_limited == (range == ValueRange::limited)) return input;
  for (float& v : input.values()) v = is_limited ? (v * 255 - 16) / 219 : (v * 219 + 16) / 255;
  return input;
}

}  // namespace

const Shape& TensorFile::shape() const {
  return std::visit([](const auto& tensor) -> const Shape& { return tensor.shape(); }, values);
}

Tensor<float> TensorFile::to_float() const {
  return std::visit(
      [](const auto& tensor) {
        return Tensor<float>(tensor.shape(), {tensor.values().begin(), tensor.values().end()});
      },
      values);
}

TensorFile read_tensor(const fs::path& path) {
  const std::string suffix = lower_suffix(path), source = path.string();
  const int64_t limit_bytes = physical_memory_bytes() / 4;
  if (suffix == ".npy") return {parse_npy(read_file(path, limit_bytes), source)};
  if (suffix == ".f32" || suffix == ".raw" || suffix == ".bin") {
    return {raw_values<float>(read_file(path, limit_bytes), source), false};
  }
  if (suffix == ".f64") return {raw_values<double>(read_file(path, limit_bytes), source), false};
  if (!is_dump(path)) return {read_picture(path).planes};
  const std::vector<std::byte> bytes = read_file(path, limit_bytes);
  return parse_tensor_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, suffix, source);
}

std::string_view suffix_of(TensorFormat format) {
  switch (format) {
    case TensorFormat::npy: return ".npy";
    case TensorFormat::txt: return ".txt";
    case TensorFormat::hex: return ".hex";
    case TensorFormat::header: return ".h";
  }
  return "";
}

template <class T>
std::vector<std::byte> format_tensor(const Tensor<T>& tensor, const NumberType& type, TensorFormat format,
                                     const std::string& name) {
  if (format == TensorFormat::npy) return format_npy(tensor);
  const Shape& s = tensor.shape();
  const bool fixed = type.kind == NumberType::Kind::fixed, is_float = type.kind == NumberType::Kind::float32;
  const int digits = fixed ? (type.fixed.bits() + 3) / 4 : 2 * static_cast<int>(sizeof(T));
  const char* comment = format == TensorFormat::txt ? "#" : "//";
  std::string text =
      fmt::format("{} {}: shape {} {} {} {} type {}\n", comment, name, s.n, s.c, s.h, s.w, to_string(type));
  const char* element = fixed ? (type.fixed.bits() <= 16 ? "short" : "int") : is_float ? "float" : "double";
  if (format == TensorFormat::header) text += fmt::format("static const {} {}[{}] = {{\n", element, name, s.count());
  auto to = std::back_inserter(text);
  const auto put = [&](T value) {
    if (fixed) {
      const int64_t word = type.fixed.word(value);
      if (format == TensorFormat::hex) {
        fmt::format_to(to, "{:0{}x}", static_cast<uint64_t>(word) & ((uint64_t{1} << (4 * digits)) - 1), digits);
      } else {
        fmt::format_to(to, "{}", word);
      }
    } else if (format == TensorFormat::hex) {
      if constexpr (std::is_same_v<T, float>) {
        fmt::format_to(to, "{:08x}", std::bit_cast<uint32_t>(value));
      } else {
        fmt::format_to(to, "{:016x}", std::bit_cast<uint64_t>(value));
      }
    } else {
      const std::string number = fmt::format("{:.{}g}", value, is_float ? 9 : 17);
      text += number;
      // "1f" is no number in C.
      if (format == TensorFormat::header && number.find_first_of(".en") == std::string::npos) text += '.';
      if (format == TensorFormat::header && is_float) text += 'f';
    }
  };
  const int64_t per_line = format == TensorFormat::hex      ? 1
                           : format == TensorFormat::header ? 8
                                                            : std::max<int64_t>(s.w, 1);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    put(tensor.data()[i]);
    if (format == TensorFormat::header && i + 1 < tensor.count()) text += ',';
    text += (i + 1) % per_line == 0 || i + 1 == tensor.count() ? '\n' : ' ';
  }
  if (format == TensorFormat::header) text += "};\n";
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

template std::vector<std::byte> format_tensor(const Tensor<float>&, const NumberType&, TensorFormat,
                                              const std::string&);
template std::vector<std::byte> format_tensor(const Tensor<double>&, const NumberType&, TensorFormat,
                                              const std::string&);

bool is_dump(const fs::path& path) {
  return std::find(kTensorSuffixes.begin(), kTensorSuffixes.end(), lower_suffix(path)) != kTensorSuffixes.end();
}

namespace {

Tensor<float> read_input(const fs::path& path, Colours colours, ValueRange range,
                         const std::optional<Quantisation>& integers, std::string* read_as) {
  const TensorFile file = read_tensor(path);
  Tensor<float> planes = file.to_float();
  if (!is_dump(path)) return planes_of_picture(std::move(planes), colours, range);
  const int64_t channels = colours == Colours::luma ? 1 : 3;
  if (planes.shape().c != channels && planes.shape().w == channels) planes = channels_first(planes);
  const Shape shape = planes.shape();
  if (shape.n != 1 || shape.c != channels || planes.count() == 0) {
    fail(ErrorCode::input, "{}: its shape is {}, but the network's input is (1, {}, height, width)", path.string(),
         to_string(shape), channels);
  }
  if (!file.has_shape && (shape.h == 1 || shape.w == 1)) {
    fail(ErrorCode::input,
         "{}: it has {} values but does not tell their shape; give a .npy of (height, width), or a text with the line "
         "'# shape 1 1 HEIGHT WIDTH'",
         path.string(), shape.count());
  }
  if (integers && are_integers(planes)) planes = dequantised(planes, *integers);
  constexpr float kWhite = 255;
  if (are_integers(planes) &&
      std::all_of(planes.values().begin(), planes.values().end(), [](float v) { return v >= 0 && v <= kWhite; })) {
    for (float& v : planes.values()) v /= kWhite;
    if (read_as != nullptr) *read_as = "samples of 8 bits, 0 to 255, divided by 255";
  }
  // Somewhat beyond [0, 1], as a network's own output may be.
  constexpr float kLeast = -0.5F, kMost = 1.5F;
  const auto [least, most] = std::minmax_element(planes.values().begin(), planes.values().end());
  const auto is_wrong = [&](float value) { return !(value >= kLeast && value <= kMost); };
  if (std::any_of(planes.values().begin(), planes.values().end(), is_wrong)) {
    fail(ErrorCode::input,
         "{}: it has values from {} to {}, but the input is expected in [0, 1]; divide samples of 8 bits by 255",
         path.string(), *least, *most);
  }
  return planes;
}

}  // namespace

Tensor<float> read_input(const fs::path& path, Colours colours, ValueRange range) {
  return read_input(path, colours, range, std::nullopt, nullptr);
}

Tensor<float> read_input(const fs::path& path, const Network& network, std::string* read_as) {
  return read_input(path, network.colours, network.range, network.input_quantisation, read_as);
}

}  // namespace fsrcnn
