#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace fsrcnn {

/// Types of elements that files of weights hold, little endian.
enum class ElementType { f16, bf16, f32, f64, u8, i8, u16, i16, u32, i32, u64, i64, boolean };

size_t bytes_of(ElementType type);
bool is_float(ElementType type);
/// NumPy's name: "float16", "int8".
std::string_view to_string(ElementType type);

/// The number of a type of floats that is nearest, of two the even one; beyond the type's range an infinity.
double rounded(double value, ElementType type);

/// IEEE 754 binary16, and the upper half of binary32, as float.
float from_half(uint16_t bits);
float from_bfloat16(uint16_t bits);

/// Elements as T, float or double; of a count that divides bytes.size().
template <class T>
std::vector<T> convert_elements(Bytes bytes, ElementType type);

}  // namespace fsrcnn
