#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

namespace fsrcnn::cli {

/// For options whose numbers have no upper end: above 0, or 0 too. (CLI::PositiveNumber tells the largest double.)
inline CLI::Validator positive_number(bool or_zero = false) {
  return {[or_zero](const std::string& text) {
            double number = 0;
            const bool good = CLI::detail::lexical_cast(text, number) && (number > 0 || (or_zero && number == 0));
            return good ? "" : fmt::format("'{}' is no number above 0{}", text, or_zero ? ", nor 0" : "");
          },
          ""};
}

}  // namespace fsrcnn::cli
