#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fsrcnn {

enum class Rounding {
  half_up,      ///< floor(x + 1/2): add half, drop bits
  half_even,    ///< to nearest, ties to the even word: IEEE's, numpy.around's
  down,         ///< floor(x): dropping bits of two's complement, "truncation"
  toward_zero,  ///< C's conversion to int
};
enum class Overflow { saturate, wrap };

/// Signed fixed point Qm.n: a sign, m integer bits and n fraction bits; a word w of m + n + 1 bits stands for w / 2^n.
struct FixedPoint {
  int integer_bits = 3, fraction_bits = 12;
  Rounding rounding = Rounding::half_up;
  Overflow overflow = Overflow::saturate;

  int bits() const { return integer_bits + fraction_bits + 1; }
  /// The word of a value, rounded and saturated (or wrapped). NaN becomes 0.
  int64_t word(double value) const;
  /// The value of a word.
  double value(int64_t word) const;
  double quantise(double x) const { return value(word(x)); }
};

/// How the numbers of a tensor are made: float32, float64, or fixed point.
struct NumberType {
  enum class Kind { float32, float64, fixed } kind = Kind::float32;
  FixedPoint fixed = {};
};

/// "float32", "float64", "q3.12".
std::string to_string(const NumberType& type);

/// The inverse, with Rounding and Overflow as they are by default; empty for anything else. Words have at most 21 bits:
/// then every sum of an FSRCNN's products is exact in float64, whatever the order.
std::optional<NumberType> parse_number_type(std::string_view text);

}  // namespace fsrcnn
