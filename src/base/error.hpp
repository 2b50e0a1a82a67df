#pragma once

#include <utility>

#include <fmt/format.h>

#include "fsrcnn/fsrcnn.hpp"

namespace fsrcnn {

/// Throws Error with a message formatted by fmt.
template <class... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace fsrcnn
