#include "porting/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.hpp"
#include "porting/evidence_parts.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMapColumns = 48, kMapRows = 16;

/// The largest error of each cell over all channels: '.' none, then by powers of two below the largest: '9' is the
/// largest, '8' half of it and less, down to '1'.
std::vector<std::string> map_of(const Errors& errors, double largest) {
  const Shape s = errors.found.shape();
  const int64_t rows = std::min(kMapRows, s.h), columns = std::min(kMapColumns, s.w);
  std::vector<double> cells(rows * columns);
  for (const int64_t i : errors.differing) {
    double& cell = cells[i / s.w % s.h * rows / s.h * columns + i % s.w * columns / s.w];
    cell = std::max(cell, errors.is_finite(i) ? std::abs(errors.d(i)) : std::numeric_limits<double>::infinity());
  }
  std::vector<std::string> map;
  for (int64_t y = 0; y < rows; ++y) {
    map.emplace_back();
    for (int64_t x = 0; x < columns; ++x) {
      const double cell = cells[y * columns + x];
      const int level = cell == 0 ? 0
                        : std::isinf(cell)
                            ? 9
                            : std::max(1, 9 - static_cast<int>(std::floor(std::log2(largest / cell) + 1e-3)));
      map.back() += level == 0 ? '.' : static_cast<char>('0' + std::min(9, level));
    }
  }
  return map;
}

void measure(const Errors& errors, Evidence& e) {
  const Shape s = errors.found.shape();
  double sum = 0, squares = 0;
  int64_t finite = 0, worst = -1;
  e.found_low = e.expected_low = std::numeric_limits<double>::infinity();
  e.found_high = e.expected_high = -std::numeric_limits<double>::infinity();
  e.by_channel.assign(s.c, 0);
  for (int64_t i = 0; i < errors.found.count(); ++i) {
    if (!errors.is_finite(i)) continue;
    ++finite;
    const double d = errors.d(i);
    sum += d, squares += d * d;
    e.by_channel[i / (s.h * s.w)] += d * d;
    if (std::abs(d) > e.largest) e.largest = std::abs(d), worst = i;
    e.found_low = std::min(e.found_low, errors.f(i)), e.found_high = std::max(e.found_high, errors.f(i));
    e.expected_low = std::min(e.expected_low, errors.e(i)), e.expected_high = std::max(e.expected_high, errors.e(i));
  }
  const auto count = static_cast<double>(std::max<int64_t>(finite, 1));
  e.mean = sum / count;
  e.rms = std::sqrt(squares / count);
  for (double& c : e.by_channel) c = std::sqrt(c / static_cast<double>(s.h * s.w));
  if (worst >= 0) e.worst = {worst / (s.h * s.w), worst / s.w % s.h, worst % s.w};
}

/// Where the large errors are, where small ones are nearly everywhere.
void look_at_large_ones(const Errors& errors, int64_t scale, Evidence& e) {
  const double limit = std::max(16 * errors.tolerance, e.largest / 4);
  if (e.largest < 32 * errors.tolerance) return;
  const Errors large(errors.expected, errors.found, limit);
  if (large.differing.empty() || 3 * large.differing.size() > errors.differing.size()) return;
  Evidence place;
  find_place(large, scale, place);
  if (place.place.starts_with("scattered") || place.place == e.place) return;
  e.sentences.push_back(fmt::format("The errors over {:.2g} ({} of {}): {}.", limit, large.differing.size(),
                                    errors.differing.size(), place.place));
}

std::string capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

void tell(const Errors& errors, int64_t scale, Evidence& e) {
  const int64_t count = e.shape.count();
  if (e.differing == 0) return;
  const bool finite = errors.all_finite();
  const Fact* const first = e.facts.empty() ? nullptr : &e.facts.front();
  e.sentence = e.place;
  if (e.differing == 1 && finite) {
    const int64_t i = errors.differing[0];
    e.sentence += fmt::format(" differs by {:.6g} ({:.6g} instead of {:.6g}); the rest is right", std::abs(errors.d(i)),
                              errors.f(i), errors.e(i));
  } else {
    e.sentence += fmt::format(", by up to {:.3g}", e.largest);
  }
  if (first != nullptr) e.sentence += "; " + first->sentence;
  e.sentences.insert(e.sentences.begin(), fmt::format("{} of {} values differ by more than {:.2g}: {}.", e.differing,
                                                      count, e.tolerance, e.place));
  if (finite && !e.worst.empty()) {
    const int64_t i = (e.worst[0] * e.shape.h + e.worst[1]) * e.shape.w + e.worst[2];
    e.sentences.push_back(
        fmt::format("The largest error is {:.4g}: {:.6g} instead of {:.6g} at channel {}, row {}, column {}; RMS "
                    "{:.3g}, mean {:.3g}.",
                    e.largest, errors.f(i), errors.e(i), e.worst[0], e.worst[1], e.worst[2], e.rms, e.mean));
  }
  for (const Fact& fact : e.facts) e.sentences.push_back(capital(fact.sentence) + ".");
  if (!e.by_phase.empty() && e.differing >= 16) {
    const auto [few, many] = std::minmax_element(e.by_phase.begin(), e.by_phase.end());
    if (*many > 2 * *few) {
      std::string list;
      for (size_t p = 0; p < e.by_phase.size(); ++p) {
        list += fmt::format("{}({}, {}): {}", p == 0 ? "" : ", ", static_cast<int64_t>(p) / scale,
                            static_cast<int64_t>(p) % scale, e.by_phase[p]);
      }
      e.sentences.push_back(fmt::format("Values that differ by phase (row, column) of the output: {}.", list));
    }
  }
  look_at_large_ones(errors, scale, e);
}

}  // namespace

Errors::Errors(const Tensor<float>& should_be, const Tensor<float>& is, double allowed)
    : expected(should_be), found(is), tolerance(allowed) {
  for (int64_t i = 0; i < is.count(); ++i) {
    if (differs(i)) differing.push_back(i);
  }
}

bool Errors::all_finite() const {
  for (int64_t i = 0; i < found.count(); ++i) {
    if (!is_finite(i)) return false;
  }
  return true;
}

const Fact* Evidence::fact(std::string_view id) const {
  const auto at = std::find_if(facts.begin(), facts.end(), [&](const Fact& f) { return f.id == id; });
  return at == facts.end() ? nullptr : &*at;
}

Evidence gather_evidence(const Tensor<float>& expected, const Tensor<float>& found, double tolerance, int64_t scale) {
  if (expected.shape() != found.shape() || expected.shape().n != 1) {
    fail(ErrorCode::input, "values of shapes {} and {} cannot be compared", to_string(expected.shape()),
         to_string(found.shape()));
  }
  const Errors errors(expected, found, tolerance);
  Evidence e;
  e.shape = found.shape();
  e.tolerance = tolerance;
  e.differing = static_cast<int64_t>(errors.differing.size());
  measure(errors, e);
  find_place(errors, scale, e);
  if (errors.all_finite()) {
    find_relations(errors, e);
    if (e.largest >= 4 * tolerance) find_moves(errors, scale, e);
  } else if (e.differing > 0) {
    const auto not_finite =
        std::find_if(errors.differing.begin(), errors.differing.end(), [&](int64_t i) { return !errors.is_finite(i); });
    if (not_finite != errors.differing.end()) {
      const int64_t i = *not_finite, area = e.shape.h * e.shape.w;
      e.facts.push_back({"not_finite",
                         fmt::format("values are not finite, the first at channel {}, row {}, column {}", i / area,
                                     i / e.shape.w % e.shape.h, i % e.shape.w),
                         {},
                         {i / area, i / e.shape.w % e.shape.h, i % e.shape.w}});
    }
  }
  tell(errors, scale, e);
  if (e.differing > 0) e.map = map_of(errors, e.largest);
  return e;
}

}  // namespace fsrcnn
