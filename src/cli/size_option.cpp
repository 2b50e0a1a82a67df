#include "cli/size_option.hpp"

#include <charconv>

#include "base/error.hpp"

namespace fsrcnn::cli {

std::pair<int64_t, int64_t> parse_size(const std::string& text) {
  constexpr int64_t kMost = 1 << 24;  // no format has more; most end before
  int64_t width = 0, height = 0;
  const char* const end = text.data() + text.size();
  const auto [x, first] = std::from_chars(text.data(), end, width);
  const bool cross = first == std::errc{} && x != end && *x == 'x';
  const auto [rest, second] = cross ? std::from_chars(x + 1, end, height) : std::from_chars_result{x, first};
  if (!cross || second != std::errc{} || rest != end || width < 1 || height < 1 || width > kMost || height > kMost) {
    fail(ErrorCode::usage, "--size is '{}', but must be WIDTHxHEIGHT with 1 to {} each, e.g. 1920x1080", text, kMost);
  }
  return {width, height};
}

}  // namespace fsrcnn::cli
