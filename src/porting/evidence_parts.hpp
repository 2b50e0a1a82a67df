#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "porting/evidence.hpp"

namespace fsrcnn {

/// Two tensors (1, C, H, W) and which of their values differ by more than the tolerance.
struct Errors {
  const Tensor<float>&expected, &found;
  double tolerance = 0;
  std::vector<int64_t> differing = {};  ///< indices, ascending

  Errors(const Tensor<float>& should_be, const Tensor<float>& is, double allowed);

  double e(int64_t i) const { return static_cast<double>(expected.data()[i]); }
  double f(int64_t i) const { return static_cast<double>(found.data()[i]); }
  double d(int64_t i) const { return f(i) - e(i); }
  bool is_finite(int64_t i) const { return std::isfinite(expected.data()[i]) && std::isfinite(found.data()[i]); }
  bool all_finite() const;
  bool differs(int64_t i) const { return !(std::abs(d(i)) <= tolerance) && !both_same(i); }
  bool all() const { return static_cast<int64_t>(differing.size()) == found.count(); }

 private:
  bool both_same(int64_t i) const { return e(i) == f(i) || (std::isnan(e(i)) && std::isnan(f(i))); }
};

/// Where they are: fills channels, rows, columns, border, by_phase and place.
void find_place(const Errors& errors, int64_t scale, Evidence& evidence);

/// What values became: facts about each value by itself. They need finite values.
void find_relations(const Errors& errors, Evidence& evidence);

/// Steps that the values found come in, and whether the expected ones were rounded to them.
void find_steps(const Errors& errors, Evidence& evidence);

/// "1/255", "0.0123"
std::string words_of_step(double step);

/// Where values went: facts about values that are right but elsewhere.
void find_moves(const Errors& errors, int64_t scale, Evidence& evidence);

/// "3, 7 and 9"; of more than `most`: "3, 7, 9, ..., 40".
std::string list_of(const std::vector<int64_t>& numbers, size_t most = 6);

}  // namespace fsrcnn
