#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fsrcnn {

/// What a loader may make of a layer's biases or slopes.
struct VectorReading {
  std::string id, words;  ///< "missing"; "missing": "the bias is missing"
  std::vector<float> values;
  double numbers = 0;  ///< as Mistake's
};

/// The usual first. `others` are those of other layers, by their id and name, as many or more.
struct OtherVector {
  std::string id, name;
  std::vector<float> values;
};
std::vector<VectorReading> vector_readings(const std::vector<float>& right, const std::vector<OtherVector>& others);

/// The four bytes of each value in the other order.
float bytes_swapped(float value);
/// The bytes of a word of 2 or 4 bytes in the other order.
int64_t bytes_exchanged(int64_t word, int bytes);
/// The two halves of its four bytes exchanged.
float halves_swapped(float value);
/// The nearest value of a floating point with so many bits of mantissa (float16: 10, bfloat16: 7), whose exponent is
/// not below `smallest`; truncated instead if `truncates`.
float in_short_float(float value, int mantissa, int smallest, bool truncates = false);
float rounded_to_decimals(float value, int digits);
float rounded_to_digits(float value, int digits);

}  // namespace fsrcnn
