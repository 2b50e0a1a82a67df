#include "network/formats/word_file.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <iterator>
#include <optional>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostValues = 1 << 25;
constexpr size_t kMostTensors = 512;

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

/// "first_part.0.weight (56, 1, 5, 5)" -> an empty tensor of this name and shape.
std::optional<NamedTensor> parse_title(std::string_view comment) {
  const size_t open = comment.find(" (");
  if (open == std::string_view::npos || open == 0 || !comment.ends_with(')')) return std::nullopt;
  NamedTensor tensor{std::string(comment.substr(0, open)), {}, {}};
  if (tensor.name.find(' ') != std::string::npos) return std::nullopt;
  std::string_view shape = comment.substr(open + 2, comment.size() - open - 3);
  while (!shape.empty()) {
    int64_t extent = 0;
    const auto [end, error] = std::from_chars(shape.data(), shape.data() + shape.size(), extent);
    if (error != std::errc{} || extent < 0 || tensor.shape.size() == 4) return std::nullopt;
    tensor.shape.push_back(extent);
    shape.remove_prefix(end - shape.data());
    shape.remove_prefix(std::min(shape.find_first_not_of(", "), shape.size()));
  }
  return tensor;
}

float parse_value(std::string_view word, WordForm form, const std::string& source, int64_t line) {
  if (form == WordForm::c_header) {
    if (word.size() > 1 && word.ends_with('f')) word.remove_suffix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc{} && end == word.data() + word.size()) return static_cast<float>(value);
    fail(ErrorCode::model, "{}, line {}: '{}' is not a number", source, line, word.substr(0, 40));
  }
  uint32_t bits = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bits, 16);
  if (error != std::errc{} || end != word.data() + word.size() || word.size() != 8) {
    fail(ErrorCode::model, "{}, line {}: '{}' is not a float32 written as 8 hexadecimal digits", source, line,
         word.substr(0, 40));
  }
  return std::bit_cast<float>(bits);
}

}  // namespace

StateDict parse_word_file(std::string_view text, WordForm form, const std::string& source) {
  const std::string_view mark = form == WordForm::coe ? ";" : "//";
  StateDict state_dict;
  int64_t count = 0;
  for (int64_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = trimmed(line);
    if (line.starts_with(mark)) {
      const std::string_view comment = trimmed(line.substr(mark.size()));
      if (auto tensor = parse_title(comment)) {
        if (state_dict.tensors.size() == kMostTensors) fail(ErrorCode::model, "{}: it has too many tensors", source);
        state_dict.tensors.push_back(*std::move(tensor));
      } else if (comment.starts_with("metadata ")) {
        const std::string_view remark = comment.substr(9);
        const size_t blank = std::min(remark.find(' '), remark.size());
        state_dict.metadata[std::string(remark.substr(0, blank))] = trimmed(remark.substr(blank));
      }
      continue;
    }
    // What stands around the numbers.
    if (line.starts_with("static ") || line.starts_with('#') || line.starts_with("memory_")) continue;
    for (;;) {
      line.remove_prefix(std::min(line.find_first_not_of(" \t,;{}"), line.size()));
      if (line.empty()) break;
      const std::string_view word = line.substr(0, line.find_first_of(" \t,;{}"));
      line.remove_prefix(word.size());
      if (state_dict.tensors.empty()) {
        fail(ErrorCode::model,
             "{}, line {}: a value precedes the first comment with a tensor's name and shape, such as '{} "
             "last_part.bias (1)'",
             source, number, mark);
      }
      if (++count > kMostValues) fail(ErrorCode::model, "{}: it has more values than any FSRCNN", source);
      state_dict.tensors.back().values.push_back(parse_value(word, form, source, number));
    }
  }
  for (const NamedTensor& tensor : state_dict.tensors) {
    if (checked_element_count(tensor.name, tensor.shape) != static_cast<int64_t>(tensor.values.size())) {
      fail(ErrorCode::model, "{}: tensor '{}' of shape {} has {} values", source, tensor.name, to_string(tensor.shape),
           tensor.values.size());
    }
  }
  if (state_dict.tensors.empty()) {
    fail(ErrorCode::model, "{}: it has no comment with a tensor's name and shape", source);
  }
  return state_dict;
}

std::string format_word_file(const StateDict& state_dict, WordForm form) {
  const bool header = form == WordForm::c_header, coe = form == WordForm::coe;
  const std::string_view mark = coe ? ";" : "//";
  std::string text = fmt::format("{} Weights of an FSRCNN, {}\n", mark,
                                 header ? "float32 in decimals that restore every bit" : "float32 as raw bits");
  for (const auto& [key, value] : state_dict.metadata) text += fmt::format("{} metadata {} {}\n", mark, key, value);
  if (coe) text += "memory_initialization_radix=16;\nmemory_initialization_vector=\n";
  auto to = std::back_inserter(text);
  for (size_t t = 0; t < state_dict.tensors.size(); ++t) {
    const NamedTensor& tensor = state_dict.tensors[t];
    fmt::format_to(to, "{} {} {}\n", mark, tensor.name, to_string(tensor.shape));
    if (header) {
      std::string identifier = tensor.name;
      std::replace(identifier.begin(), identifier.end(), '.', '_');
      fmt::format_to(to, "static const float {}[{}] = {{\n", identifier, tensor.values.size());
    }
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      const bool last = i + 1 == tensor.values.size();
      if (header) {
        const std::string number = fmt::format("{:.9g}", tensor.values[i]);
        // "1f" is no number in C.
        const bool whole = number.find_first_of(".e") == std::string::npos;
        fmt::format_to(to, "{}{}f{}", number, whole ? "." : "", last ? "\n" : i % 8 == 7 ? ",\n" : ", ");
      } else {
        const bool end = last && t + 1 == state_dict.tensors.size();
        fmt::format_to(to, "{:08x}{}\n", std::bit_cast<uint32_t>(tensor.values[i]), coe ? end ? ";" : "," : "");
      }
    }
    if (header) text += "};\n";
  }
  return text;
}

}  // namespace fsrcnn
