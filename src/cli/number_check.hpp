#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>

namespace fsrcnn::cli {

/// For numbers without an upper limit: above 0, or also 0. (CLI::PositiveNumber prints the largest double.)
inline CLI::Validator positive_number(bool or_zero = false) {
  return {[or_zero](const std::string& text) {
            double number = 0;
            if (CLI::detail::lexical_cast(text, number) && std::isinf(number)) {
              return fmt::format("'{}' is not a finite number", text);
            }
            const bool good = CLI::detail::lexical_cast(text, number) && (number > 0 || (or_zero && number == 0));
            return good ? std::string() : fmt::format("'{}' is not a positive number{}", text, or_zero ? " or 0" : "");
          },
          ""};
}

}  // namespace fsrcnn::cli
