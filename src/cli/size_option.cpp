#include "cli/size_option.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.hpp"

namespace fsrcnn::cli {

namespace {

constexpr int64_t kLongestSide = 1 << 24;  // no format has more; most end before

/// A number of pixels; nothing if it is none.
std::optional<int64_t> pixels(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1 || value > kLongestSide)
    return std::nullopt;
  return value;
}

}  // namespace

std::pair<int64_t, int64_t> parse_size(const std::string& text) {
  const size_t cross = std::min(text.find('x'), text.size());
  const std::optional<int64_t> width = pixels(std::string_view(text).substr(0, cross)),
                               height = pixels(std::string_view(text).substr(std::min(cross + 1, text.size())));
  if (!width || !height) {
    fail(ErrorCode::usage, "--size is '{}', but must be WIDTHxHEIGHT with 1 to {} each, e.g. 1920x1080", text,
         kLongestSide);
  }
  return {*width, *height};
}

void parse_target_size(const std::string& text, TargetSize& target) {
  const std::string_view view = text;
  const size_t cross = view.find('x');
  const std::string_view first = view.substr(0, cross),
                         second = cross == std::string_view::npos ? first : view.substr(cross + 1);
  const std::optional<int64_t> width = pixels(first), height = pixels(second);
  const bool one = cross != std::string_view::npos && first.empty() != second.empty();
  if ((!width && !(one && first.empty())) || (!height && !(one && second.empty()))) {
    fail(ErrorCode::usage,
         "--size is '{}', but must be WIDTHxHEIGHT, WIDTHx, xHEIGHT, or the longer side, with 1 to {} each, e.g. "
         "1920x1080",
         text, kLongestSide);
  }
  if (cross == std::string_view::npos) {
    target.longer_side = *width;
  } else {
    target.width = width.value_or(0);
    target.height = height.value_or(0);
  }
}

}  // namespace fsrcnn::cli
