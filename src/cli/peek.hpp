#pragma once

#include <string>

namespace fsrcnn::cli {

/// What comes first from a pipe, socket or file, some kilobytes at most, which whoever reads it next gets all the same.
/// Waits until something comes. Empty for others, such as a terminal.
std::string peek(int descriptor);

}  // namespace fsrcnn::cli
