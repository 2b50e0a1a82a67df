// Tensors in text: decimal numbers, C arrays and hexadecimal words.
#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {
namespace {

/// What a comment says of the numbers.
struct Remark {
  std::optional<Shape> shape;
  std::optional<NumberType> type;
};

void parse_remark(std::string_view comment, Remark& remark) {
  const auto word = [&] {
    comment.remove_prefix(std::min(comment.find_first_not_of(" \t\r#/*"), comment.size()));
    const std::string_view front = comment.substr(0, comment.find_first_of(" \t\r,*"));
    comment.remove_prefix(front.size());
    return front;
  };
  for (std::string_view w = word(); !w.empty(); w = word()) {
    if (w == "type") remark.type = parse_number_type(word());
    if (w != "shape") continue;
    Shape shape{0, 0, 0, 0};
    bool good = true;
    for (int64_t* extent : {&shape.n, &shape.c, &shape.h, &shape.w}) {
      const std::string_view digits = word();
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), *extent);
      good = good && error == std::errc{} && *extent > 0;
    }
    if (good) remark.shape = shape;
  }
}

constexpr std::string_view kSeparators = " \t\r\n,;";

/// Words of a text without its comments, and where each begins a line: (index of the word, number of the line).
struct Words {
  std::vector<std::string_view> words;
  std::vector<std::pair<size_t, int64_t>> lines;
  std::string read_as;
  int64_t rows = 0;
  bool rectangular = true;
  Remark remark;

  int64_t line_of(size_t word) const {
    int64_t line = 0;
    for (const auto& [first, number] : lines) {
      if (first <= word) line = number;
    }
    return line;
  }
};

std::string_view without_byte_order_mark(std::string_view text, const std::string& source) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    fail(ErrorCode::input, "{}: it is in UTF-16; save it as UTF-8 or ASCII", source);
  }
  return text.substr(text.starts_with("\xef\xbb\xbf") ? 3 : 0);
}

/// Where nothing stands between two commas or semicolons, or before the first.
bool has_empty_field(std::string_view line) {
  bool empty = true;
  for (const char c : line) {
    if ((c == ',' || c == ';') && empty) return true;
    if (c == ',' || c == ';') {
      empty = true;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      empty = false;
    }
  }
  return false;
}

/// No word of a line is a number: names of columns.
bool is_header(const std::vector<std::string_view>& words, size_t first) {
  for (size_t i = first; i < words.size(); ++i) {
    std::string_view word = words[i];
    while (!word.empty() && (word.front() == '"' || word.front() == '+' || word.front() == '-')) word.remove_prefix(1);
    if (word.empty() || (std::isalpha(static_cast<unsigned char>(word[0])) == 0 && word[0] != '_')) return false;
    if (word.starts_with("nan") || word.starts_with("inf") || word.starts_with("NaN")) return false;
  }
  return words.size() > first;
}

/// `is_table`: of a .csv, of which fields may not be empty and the first line may name the columns.
Words words_of(std::string_view text, const std::string& source, bool is_table = false) {
  Words result;
  text = without_byte_order_mark(text, source);
  size_t columns = 0;
  int64_t number = 0;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    const size_t comment = std::min(line.find('#'), line.find("//"));
    if (comment < line.size()) parse_remark(line.substr(comment), result.remark);
    line = line.substr(0, comment);
    const size_t before = result.words.size();
    if (is_table && has_empty_field(line)) {
      fail(ErrorCode::input, "{}, line {}: a field is empty; each must hold a number{}", source, number,
           result.rows == 0 ? " (write it without row numbers and names of columns)" : "");
    }
    for (;;) {
      line.remove_prefix(std::min(line.find_first_not_of(kSeparators), line.size()));
      if (line.empty()) break;
      const std::string_view word = line.substr(0, line.find_first_of(kSeparators));
      result.words.push_back(word);
      line.remove_prefix(word.size());
    }
    if (is_table && result.rows == 0 && is_header(result.words, before)) {
      result.words.resize(before);
      result.read_as = "without its first line, which names the columns";
    }
    const size_t in_line = result.words.size() - before;
    if (in_line == 0) continue;
    result.lines.emplace_back(before, number);
    if (++result.rows == 1) columns = in_line;
    result.rectangular = result.rectangular && in_line == columns;
  }
  return result;
}

double parse_decimal(std::string_view word, const std::string& source, const Words& words, size_t index) {
  std::string_view digits = word.substr(word.starts_with('+') ? 1 : 0);
  if (digits.size() > 1 && (digits.ends_with('f') || digits.ends_with('F')) && !digits.ends_with("inf")) {
    digits.remove_suffix(1);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    fail(ErrorCode::input, "{}, line {}: '{}' is not a number", source, words.line_of(index), word.substr(0, 40));
  }
  return value;
}

std::string_view hexadecimal_digits(std::string_view word) {
  return word.substr(word.starts_with("0x") || word.starts_with("0X") ? 2 : 0);
}

uint64_t parse_hexadecimal(std::string_view word, const std::string& source, size_t index) {
  const std::string_view digits = hexadecimal_digits(word);
  uint64_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() > 16) {
    fail(ErrorCode::input, "{}: word {} is '{}', but 1 to 16 hexadecimal digits are expected", source, index,
         word.substr(0, 40));
  }
  return bits;
}

Shape shape_of(const Words& words, const std::string& source) {
  const auto count = static_cast<int64_t>(words.words.size());
  if (count == 0) fail(ErrorCode::input, "{}: no number is in it", source);
  if (words.remark.shape) {
    if (checked_count(*words.remark.shape, 1) != count) {
      fail(ErrorCode::input, "{}: its remark says shape {}, but {} values are in it", source,
           to_string(*words.remark.shape), count);
    }
    return *words.remark.shape;
  }
  return words.rectangular ? Shape{1, 1, words.rows, count / words.rows} : Shape{1, 1, 1, count};
}

/// Whether most of the words that are not 0 have an exponent that a feature map's values may have; small integers look
/// like denormals and NaNs.
bool look_like_float32(const std::vector<uint64_t>& words) {
  int64_t plausible = 0, others = 0;
  for (const uint64_t bits : words) {
    const float magnitude = std::abs(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    if (magnitude == 0) continue;
    ++(magnitude >= 1e-20F && magnitude <= 1e20F ? plausible : others);
  }
  return plausible >= others;
}

TensorFile parse_hex(const Words& words, const std::string& source) {
  const Shape shape = shape_of(words, source);
  const auto& list = words.words;
  std::vector<uint64_t> all_bits(list.size());
  size_t fewest = 16, digits = 1;
  for (size_t i = 0; i < list.size(); ++i) {
    all_bits[i] = parse_hexadecimal(list[i], source, i);
    fewest = std::min(fewest, hexadecimal_digits(list[i]).size());
    digits = std::max(digits, hexadecimal_digits(list[i]).size());
  }
  // C's %x writes as few digits as the number needs, and those of a negative one's whole word.
  const bool varying = fewest != digits;
  if (varying) digits = digits > 8 ? 16 : 8;
  const NumberType::Kind kind = words.remark.type                            ? words.remark.type->kind
                                : varying                                    ? NumberType::Kind::fixed
                                : digits == 8 && look_like_float32(all_bits) ? NumberType::Kind::float32
                                : digits == 16                               ? NumberType::Kind::float64
                                                                             : NumberType::Kind::fixed;
  TensorFile file{.values = {},
                  .has_shape = words.remark.shape.has_value(),
                  .read_as = kind == NumberType::Kind::float32   ? "words of float32"
                             : kind == NumberType::Kind::float64 ? "words of float64"
                             : words.remark.type                 ? "words of " + to_string(*words.remark.type)
                                                 : fmt::format("words of {} bits, two's complement", 4 * digits)};
  if (kind == NumberType::Kind::float32) {
    Tensor<float> tensor(shape);
    for (size_t i = 0; i < list.size(); ++i) {
      if (all_bits[i] > UINT32_MAX) fail(ErrorCode::input, "{}: word {} has more than 8 digits", source, i);
      tensor.values()[i] = std::bit_cast<float>(static_cast<uint32_t>(all_bits[i]));
    }
    file.values = std::move(tensor);
    return file;
  }
  Tensor<double> tensor(shape);
  const double unit = words.remark.type ? words.remark.type->fixed.value(1) : 1;
  for (size_t i = 0; i < list.size(); ++i) {
    const uint64_t bits = all_bits[i];
    // The words' digits are as many as the type's bits need; the topmost is the sign.
    const int sign_bit = static_cast<int>(4 * digits) - 1;
    const uint64_t above = sign_bit >= 63 ? 0 : ~uint64_t{0} << (sign_bit + 1);
    const bool negative = (bits >> sign_bit & 1) != 0;
    tensor.values()[i] = kind == NumberType::Kind::float64
                             ? std::bit_cast<double>(bits)
                             : static_cast<double>(static_cast<int64_t>(negative ? bits | above : bits)) * unit;
  }
  file.values = std::move(tensor);
  return file;
}

TensorFile parse_decimals(const Words& words, const std::string& source) {
  const Shape shape = shape_of(words, source);
  Tensor<double> tensor(shape);
  const bool fixed = words.remark.type && words.remark.type->kind == NumberType::Kind::fixed;
  const double unit = fixed ? words.remark.type->fixed.value(1) : 1;
  for (size_t i = 0; i < words.words.size(); ++i) {
    tensor.values()[i] = parse_decimal(words.words[i], source, words, i) * unit;
  }
  TensorFile file{.values = {}, .has_shape = words.remark.shape.has_value(), .read_as = words.read_as};
  if (words.remark.type && words.remark.type->kind == NumberType::Kind::float32) {
    file.values = Tensor<float>(shape, {tensor.values().begin(), tensor.values().end()});
  } else {
    file.values = std::move(tensor);
  }
  return file;
}

}  // namespace

TensorFile parse_tensor_text(std::string_view text, std::string_view suffix, const std::string& source) {
  if (suffix == ".hex" || suffix == ".mem") return parse_hex(words_of(text, source), source);
  if (suffix != ".h") return parse_decimals(words_of(text, source, suffix == ".csv"), source);
  // Comments before the array may hold the remark; the numbers are within its braces.
  const size_t equals = text.find('='), begin = text.find('{', std::min(equals, text.size()));
  const size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
  if (end == std::string_view::npos) {
    fail(ErrorCode::input, "{}: no array 'name[] = {{ ... }}' is in it", source);
  }
  Words words = words_of(text.substr(begin + 1, end - begin - 1), source);
  words.remark = words_of(text.substr(0, begin), source).remark;
  // The array begins in a later line.
  const auto above = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
  for (auto& [word, line] : words.lines) line += above;
  return parse_decimals(words, source);
}

}  // namespace fsrcnn
