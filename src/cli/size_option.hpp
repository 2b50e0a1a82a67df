#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace fsrcnn::cli {

/// "1920x1080" as width and height, 1 to 2^24 each. Throws Error(usage).
std::pair<int64_t, int64_t> parse_size(const std::string& text);

}  // namespace fsrcnn::cli
