#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "porting/number_type.hpp"

namespace fsrcnn::cli {

/// How fixed point rounds, and what becomes of what does not fit: --rounding, --overflow.
struct FixedPointOption {
  std::string rounding = "half-up", overflow = "saturate";

  void add_to(CLI::App& command);
  void apply_to(FixedPoint& type) const;
};

}  // namespace fsrcnn::cli
