#include "network/formats/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"
#include "network/element_type.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are little endian and are copied as they are");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxAxes = 4;

[[noreturn]] void fail_damaged(const std::string& source, std::string_view what) {
  fail(ErrorCode::input, "{}: not a readable .npy file: {}", source, what);
}

/// What follows 'key': in the header, a Python dict as text.
std::string_view header_value(std::string_view header, std::string_view key, const std::string& source) {
  const size_t at = header.find(fmt::format("'{}'", key));
  if (at == std::string_view::npos) fail_damaged(source, fmt::format("its header has no '{}'", key));
  std::string_view value = header.substr(at + key.size() + 2);
  const size_t start = value.find_first_not_of(" :");
  return start == std::string_view::npos ? "" : value.substr(start);
}

std::vector<int64_t> parse_shape(std::string_view text, const std::string& source) {
  const size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) fail_damaged(source, "its shape is not a tuple");
  text = text.substr(1, end - 1);
  std::vector<int64_t> shape;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" ,"), text.size()));
    if (text.empty()) break;
    int64_t extent = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc{} || extent < 0) fail_damaged(source, "its shape contains something other than numbers");
    text.remove_prefix(rest - text.data());
    shape.push_back(extent);
  }
  if (shape.size() > kMaxAxes) {
    fail_damaged(source, fmt::format("it has {} axes; at most 4 are supported", shape.size()));
  }
  return shape;
}

/// An IEEE 754 number of 16 bits.
struct Half {
  uint16_t bits;
  explicit operator float() const { return from_half(bits); }
};

/// How the values lie in the file.
struct Layout {
  bool fortran_order = false, big_endian = false;
};

/// Values of type F in the file become T.
template <class T, class F = T>
Tensor<T> read_values(Bytes data, const std::vector<int64_t>& axes, const Layout& layout, const std::string& source) {
  std::array<int64_t, kMaxAxes> extent = {1, 1, 1, 1};
  std::copy(axes.begin(), axes.end(), extent.begin() + static_cast<ptrdiff_t>(kMaxAxes - axes.size()));
  const Shape shape{extent[0], extent[1], extent[2], extent[3]};
  const int64_t count = checked_count(shape, sizeof(T));
  if (data.size() != count * sizeof(F)) {
    fail_damaged(source, fmt::format("an array of shape {} needs {} bytes, but the file has {}", to_string(shape),
                                     count * sizeof(F), data.size()));
  }
  Tensor<T> tensor(shape);
  if (count == 0) return tensor;
  const std::byte* from = data.data();
  const auto next = [&] {
    std::array<std::byte, sizeof(F)> word;
    std::copy_n(from, sizeof(F), word.begin());
    if (layout.big_endian) std::reverse(word.begin(), word.end());
    F value;
    std::memcpy(&value, word.data(), sizeof(F));
    from += sizeof(F);
    return static_cast<T>(value);
  };
  if (!layout.fortran_order) {
    for (T& value : tensor.values()) value = next();
    return tensor;
  }
  for (int64_t x = 0; x < shape.w; ++x)
    for (int64_t y = 0; y < shape.h; ++y)
      for (int64_t c = 0; c < shape.c; ++c)
        for (int64_t n = 0; n < shape.n; ++n) tensor(n, c, y, x) = next();
  return tensor;
}

}  // namespace

NpyArray parse_npy(Bytes bytes, const std::string& source) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic) || text.size() < 12) fail_damaged(source, "it does not begin with the .npy signature");
  const int version = static_cast<uint8_t>(text[6]);
  size_t header_size = 0, start = 8;
  if (version == 1) {
    header_size = static_cast<uint8_t>(text[8]) | static_cast<uint8_t>(text[9]) << 8;
    start += 2;
  } else if (version == 2 || version == 3) {
    uint32_t size = 0;
    std::memcpy(&size, text.data() + 8, sizeof(size));
    header_size = size;
    start += 4;
  } else {
    fail_damaged(source, fmt::format("its version is {}; 1 to 3 are supported", version));
  }
  if (header_size > text.size() - start) fail_damaged(source, "its header is cut off");
  const std::string_view header = text.substr(start, header_size);
  const Bytes data = bytes.subspan(start + header_size);

  const std::string_view type = header_value(header, "descr", source);
  const std::vector<int64_t> shape = parse_shape(header_value(header, "shape", source), source);
  const bool big_endian = type.starts_with("'>");
  const Layout layout{header_value(header, "fortran_order", source).starts_with("True"), big_endian};
  const auto read = [&]<class T, class F>(T, F) -> NpyArray { return read_values<T, F>(data, shape, layout, source); };
  // "'<f4', ..." or "'>f4', ..."; of one byte "'|u1', ...".
  const bool is_known = big_endian || type.starts_with("'<") || type.starts_with("'|");
  const std::string_view word = is_known ? type.substr(2, type.find('\'', 1) - 2) : "";
  if (word == "f4") return read(0.0F, 0.0F);
  if (word == "f8") return read(0.0, 0.0);
  if (word == "f2") return read(0.0F, Half{});
  if (word == "u1" || word == "b1") return read(0.0, uint8_t{});
  if (word == "i1") return read(0.0, int8_t{});
  if (word == "u2") return read(0.0, uint16_t{});
  if (word == "i2") return read(0.0, int16_t{});
  if (word == "u4") return read(0.0, uint32_t{});
  if (word == "i4") return read(0.0, int32_t{});
  if (word == "i8") return read(0.0, int64_t{});
  fail_damaged(source, fmt::format("its type is {}; expected floats ('<f2', '<f4', '<f8') or integers ('|u1', '<i2', "
                                   "'<i4', ...)",
                                   type.substr(0, type.find(','))));
}

namespace {

template <class T>
std::vector<std::byte> format_values(const std::vector<T>& values, const std::string& shape) {
  std::string header(kMagic);
  header += {1, 0, 0, 0};
  header += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                        std::is_same_v<T, float> ? "<f4" : "<f8", shape);
  header.resize((header.size() + 64) / 64 * 64, ' ');  // data is aligned to 64 bytes, at least one blank before '\n'
  header.back() = '\n';
  const size_t size = header.size() - 10;
  header[8] = static_cast<char>(size & 0xff);
  header[9] = static_cast<char>(size >> 8);

  std::vector<std::byte> bytes(header.size() + sizeof(T) * values.size());
  std::memcpy(bytes.data(), header.data(), header.size());
  if (!values.empty()) std::memcpy(bytes.data() + header.size(), values.data(), sizeof(T) * values.size());
  return bytes;
}

}  // namespace

template <class T>
std::vector<std::byte> format_npy(const Tensor<T>& tensor) {
  return format_values(tensor.values(), to_string(tensor.shape()));
}

std::vector<std::byte> format_npy(const std::vector<float>& values, const std::vector<int64_t>& shape) {
  // Python's tuple of one has a comma.
  return format_values(values, shape.size() == 1 ? fmt::format("({},)", shape[0]) : to_string(shape));
}

template std::vector<std::byte> format_npy(const Tensor<float>&);
template std::vector<std::byte> format_npy(const Tensor<double>&);

}  // namespace fsrcnn
