#include "cli/size_option.hpp"

#include <charconv>

#include "base/error.hpp"

namespace fsrcnn::cli {

std::pair<int64_t, int64_t> parse_size(const std::string& text) {
  int64_t width = 0, height = 0;
  const char* const end = text.data() + text.size();
  const auto [x, first] = std::from_chars(text.data(), end, width);
  const bool cross = first == std::errc{} && x != end && *x == 'x';
  const auto [rest, second] = cross ? std::from_chars(x + 1, end, height) : std::from_chars_result{x, first};
  if (!cross || second != std::errc{} || rest != end || width < 1 || height < 1 || width > 65536 || height > 65536) {
    fail(ErrorCode::usage, "--size is '{}', but must be WIDTHxHEIGHT with 1 to 65536 each, like 1920x1080", text);
  }
  return {width, height};
}

}  // namespace fsrcnn::cli
