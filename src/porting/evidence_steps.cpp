#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/evidence_parts.hpp"
#include "porting/value_grid.hpp"

namespace fsrcnn {

std::string words_of_step(double step) {
  const double inverse = 1 / step;
  if (step < 1 && std::abs(inverse - std::nearbyint(inverse)) < 1e-5 * inverse) return fmt::format("1/{:.0f}", inverse);
  return fmt::format("{:.6g}", step);
}

void find_steps(const Errors& x, Evidence& evidence) {
  const auto grid = grid_of(x.found.values());
  if (!grid || grid->step < 4 * x.tolerance) return;
  const double step = grid->step, zero = grid->zero, low = evidence.found_low, high = evidence.found_high;
  const auto expected = grid_of(x.expected.values());
  if (expected && expected->step >= 0.999 * step) return;  // that of both
  bool rounded = true, truncated = true, cut = false;
  for (int64_t i = 0; i < x.found.count() && (rounded || truncated); ++i) {
    const double d = x.f(i) - std::clamp(x.e(i), low, high);
    rounded = rounded && std::abs(d) <= step / 2 + x.tolerance;
    truncated = truncated && d <= x.tolerance && d >= -step - x.tolerance;
    cut = cut || x.e(i) > high + step / 2 || x.e(i) < low - step / 2;
  }
  const std::string words =
      fmt::format("steps of {}{}", words_of_step(step), zero == 0 ? "" : fmt::format(" from {:.6g} on", zero));
  const auto add = [&](const char* id, std::string sentence) {
    evidence.facts.push_back({id, std::move(sentence), {step, zero}});
  };
  if (rounded) {
    const std::string ends = cut ? fmt::format(", cut off at {:.6g} and {:.6g}", low, high) : "";
    add("rounded", fmt::format("found is the expected value, rounded to {}{}", words, ends));
  } else if (truncated) {
    add("truncated", fmt::format("found is the expected value, rounded down to {}", words));
  } else {
    add("steps", fmt::format("its values come in {} ({} different ones); the largest error is {:.3g} steps", words,
                             grid->levels, evidence.largest / step));
  }
}

}  // namespace fsrcnn
