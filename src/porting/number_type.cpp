#include "porting/number_type.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

constexpr int kMostBits = 21;

double rounded(double x, Rounding rounding) {
  switch (rounding) {
    case Rounding::half_up: return std::floor(x + 0.5);
    case Rounding::half_even: return std::nearbyint(x);
    case Rounding::down: return std::floor(x);
    case Rounding::toward_zero: return std::trunc(x);
  }
  return x;
}

}  // namespace

int64_t FixedPoint::word(double value) const {
  if (std::isnan(value)) return 0;
  const double lowest = -std::ldexp(1, bits() - 1), highest = -lowest - 1;
  const double scaled = rounded(std::ldexp(value, fraction_bits), rounding);
  if (scaled >= lowest && scaled <= highest) return static_cast<int64_t>(scaled);
  if (overflow == Overflow::saturate || std::isinf(scaled)) return static_cast<int64_t>(scaled < 0 ? lowest : highest);
  const double period = std::ldexp(1, bits());
  return static_cast<int64_t>(scaled - period * std::floor((scaled - lowest) / period));
}

double FixedPoint::value(int64_t word) const { return std::ldexp(static_cast<double>(word), -fraction_bits); }

std::string to_string(const NumberType& type) {
  if (type.kind == NumberType::Kind::float32) return "float32";
  if (type.kind == NumberType::Kind::float64) return "float64";
  return fmt::format("q{}.{}", type.fixed.integer_bits, type.fixed.fraction_bits);
}

std::optional<NumberType> parse_number_type(std::string_view text) {
  if (text == "float32") return NumberType{};
  if (text == "float64") return NumberType{.kind = NumberType::Kind::float64};
  if (!text.starts_with('q') && !text.starts_with('Q')) return std::nullopt;
  NumberType type{.kind = NumberType::Kind::fixed};
  const char* end = text.data() + text.size();
  const auto whole = std::from_chars(text.data() + 1, end, type.fixed.integer_bits);
  if (whole.ec != std::errc{} || whole.ptr == end || *whole.ptr != '.') return std::nullopt;
  const auto fraction = std::from_chars(whole.ptr + 1, end, type.fixed.fraction_bits);
  if (fraction.ec != std::errc{} || fraction.ptr != end) return std::nullopt;
  const auto [m, n] = std::pair(type.fixed.integer_bits, type.fixed.fraction_bits);
  if (m < 0 || n < 0 || m > kMostBits || n > kMostBits || m + n + 1 > kMostBits || m + n == 0) return std::nullopt;
  return type;
}

}  // namespace fsrcnn
