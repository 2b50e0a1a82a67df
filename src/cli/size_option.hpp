#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "picture/scale_plan.hpp"

namespace fsrcnn::cli {

/// "1920x1080" as width and height, 1 to 2^24 each. Throws Error(usage).
std::pair<int64_t, int64_t> parse_size(const std::string& text);

/// The same, or "1920x" or "x1080" for one of the two, or "1920" for the longer side, into a target. Throws
/// Error(usage).
void parse_target_size(const std::string& text, TargetSize& target);

}  // namespace fsrcnn::cli
