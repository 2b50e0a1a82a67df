#include "picture/file_end.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <vector>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

constexpr int kEnd = std::char_traits<char>::eof();

bool is_space(int c) { return c != kEnd && std::isspace(c) != 0; }
bool is_digit(int c) { return c >= '0' && c <= '9'; }

/// PPM and its relatives (netpbm's and PFM), whose texts this reads.
class Anymap {
 public:
  explicit Anymap(std::istream& file) : file_(file), size_(size_of_stream(file)) {}

  enum class Picture { none, cut, whole };

  /// Goes over the next picture.
  Picture skip() {
    skip_blanks(false);
    if (next() != 'P') return Picture::none;
    const int kind = next();
    const bool is_float = kind == 'f' || kind == 'F', is_text = kind >= '1' && kind <= '3';
    const bool is_bitmap = kind == '1' || kind == '4';
    if (!is_text && !is_float && (kind < '4' || kind > '6')) return Picture::none;
    const std::optional<uint64_t> width = number(), height = number();
    std::optional<uint64_t> white = is_bitmap || is_float ? 1 : number();
    if (is_float) {
      skip_blanks(true);
      while (peek() != kEnd && !is_space(peek())) next();
    }
    if (!width || !height || !white) return Picture::none;
    const uint64_t samples = *width * *height * (kind == '3' || kind == '6' || kind == 'F' ? 3 : 1);
    if (is_text) return skip_text(samples, is_bitmap) ? Picture::whole : Picture::cut;
    const uint64_t bytes = is_float    ? 4 * samples
                           : is_bitmap ? (*width + 7) / 8 * *height
                                       : (*white > 255 ? 2 : 1) * samples;
    next();  // the blank before them
    const auto begin = static_cast<uint64_t>(file_.tellg());
    if (!file_ || bytes > size_ - std::min(begin, size_)) return Picture::cut;
    file_.seekg(static_cast<std::streamoff>(begin + bytes));
    return Picture::whole;
  }

 private:
  int peek() { return file_.peek(); }
  int next() { return file_.get(); }

  void skip_blanks(bool comments) {
    while (is_space(peek()) || (comments && peek() == '#')) {
      if (next() == '#') file_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
  }

  /// Nothing if it is none, or larger than a picture's can be.
  std::optional<uint64_t> number() {
    constexpr uint64_t kMost = 1 << 28;
    skip_blanks(true);
    if (!is_digit(peek())) return std::nullopt;
    uint64_t value = 0;
    while (is_digit(peek())) {
      value = 10 * value + static_cast<uint64_t>(next() - '0');
      if (value > kMost) return std::nullopt;
    }
    return value;
  }

  /// Numbers; of bitmaps digits, between which there need not be blanks.
  bool skip_text(uint64_t samples, bool is_bitmap) {
    for (uint64_t i = 0; i < samples; ++i) {
      skip_blanks(true);
      if (!is_digit(next())) return false;
      while (!is_bitmap && is_digit(peek())) next();
    }
    return true;
  }

  std::istream& file_;
  uint64_t size_;
};

FileEnd end_of_anymap(std::istream& file) {
  Anymap anymap(file);
  FileEnd end{anymap.skip() == Anymap::Picture::cut, 1};
  while (!end.is_cut && file && anymap.skip() != Anymap::Picture::none) ++end.pictures;
  return end;
}

/// "The SGI Image File Format", 1.0.
bool is_cut_sgi(std::istream& file) {
  constexpr uint64_t kHead = 512;
  const uint64_t size = size_of_stream(file);
  file.seekg(2);
  const bool is_packed = read_big_endian(file, 1) == 1;
  const uint64_t sample_bytes = read_big_endian(file, 1), dimensions = read_big_endian(file, 2);
  const uint64_t width = read_big_endian(file, 2), height = read_big_endian(file, 2), planes = read_big_endian(file, 2);
  const uint64_t rows = (dimensions > 1 ? height : 1) * (dimensions > 2 ? planes : 1);
  if (!is_packed) return size < kHead + rows * width * sample_bytes;
  if (size < kHead + 8 * rows) return true;
  file.seekg(kHead);
  std::vector<uint64_t> ends(rows);
  for (uint64_t& end : ends) end = read_big_endian(file, 4);
  for (uint64_t& end : ends) end += read_big_endian(file, 4);
  return std::any_of(ends.begin(), ends.end(), [&](uint64_t end) { return end > size; });
}

/// Of the picture that the layers make together ("Adobe Photoshop File Formats Specification").
bool is_cut_psd(std::istream& file) {
  const uint64_t size = size_of_stream(file);
  file.seekg(4);
  const bool is_large = read_big_endian(file, 2) == 2;
  file.seekg(12);
  const uint64_t channels = read_big_endian(file, 2), height = read_big_endian(file, 4),
                 width = read_big_endian(file, 4), bits = read_big_endian(file, 2), rows = channels * height;
  uint64_t at = 26;
  for (const int length_bytes : {4, 4, is_large ? 8 : 4}) {  // palette, resources, layers
    file.seekg(static_cast<std::streamoff>(at));
    const uint64_t bytes = read_big_endian(file, length_bytes);
    if (!file || bytes > size) return true;
    at += static_cast<uint64_t>(length_bytes) + bytes;
  }
  file.seekg(static_cast<std::streamoff>(at));
  const uint64_t compression = read_big_endian(file, 2);
  if (!file) return true;
  at += 2;
  uint64_t bytes = 0;
  if (compression == 0) bytes = rows * ((width * bits + 7) / 8);
  const int count_bytes = is_large ? 4 : 2;
  if (compression == 1) {
    bytes = rows * static_cast<uint64_t>(count_bytes);
    if (bytes > size) return true;
    for (uint64_t i = 0; i < rows; ++i) bytes += read_big_endian(file, count_bytes);
  }
  return at > size || bytes > size - at;
}

}  // namespace

FileEnd file_end(std::istream& file, std::string_view format) {
  if (format == "PPM") return end_of_anymap(file);
  if (format == "SGI") return {is_cut_sgi(file), 1};
  if (format == "PSD") return {is_cut_psd(file), 1};
  return {};
}

}  // namespace fsrcnn
