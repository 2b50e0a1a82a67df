#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace fsrcnn {

/// "1 channel", "3 channels".
std::string counted(std::integral auto count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace fsrcnn
