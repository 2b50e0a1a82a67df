#include "network/element_type.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace fsrcnn {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are copied as they are");

struct HalfElement {
  uint16_t bits;
  explicit operator double() const { return from_half(bits); }
  explicit operator float() const { return from_half(bits); }
};
struct Bfloat16Element {
  uint16_t bits;
  explicit operator double() const { return from_bfloat16(bits); }
  explicit operator float() const { return from_bfloat16(bits); }
};

template <class T, class Element>
std::vector<T> convert(Bytes bytes) {
  std::vector<T> values(bytes.size() / sizeof(Element));
  for (size_t i = 0; i < values.size(); ++i) {
    Element element;
    std::memcpy(&element, bytes.data() + i * sizeof(Element), sizeof(Element));
    values[i] = static_cast<T>(element);
  }
  return values;
}

}  // namespace

float from_half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) return fraction == 0 ? sign * INFINITY : NAN;
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25));
}

float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::f64:
    case ElementType::u64:
    case ElementType::i64: return 8;
    case ElementType::f32:
    case ElementType::u32:
    case ElementType::i32: return 4;
    case ElementType::f16:
    case ElementType::bf16:
    case ElementType::u16:
    case ElementType::i16: return 2;
    case ElementType::u8:
    case ElementType::i8:
    case ElementType::boolean: break;
  }
  return 1;
}

bool is_float(ElementType type) {
  return type == ElementType::f16 || type == ElementType::bf16 || type == ElementType::f32 || type == ElementType::f64;
}

std::string_view to_string(ElementType type) {
  switch (type) {
    case ElementType::f16: return "float16";
    case ElementType::bf16: return "bfloat16";
    case ElementType::f32: return "float32";
    case ElementType::f64: return "float64";
    case ElementType::u8: return "uint8";
    case ElementType::i8: return "int8";
    case ElementType::u16: return "uint16";
    case ElementType::i16: return "int16";
    case ElementType::u32: return "uint32";
    case ElementType::i32: return "int32";
    case ElementType::u64: return "uint64";
    case ElementType::i64: return "int64";
    case ElementType::boolean: break;
  }
  return "bool";
}

double rounded(double value, ElementType type) {
  // Bits of a fraction, the exponent of the least number, and the greatest number.
  struct Form {
    int bits, least;
    double most;
  };
  const Form form = type == ElementType::f16    ? Form{11, -24, 65504}
                    : type == ElementType::bf16 ? Form{8, -133, std::ldexp(255, 120)}
                                                : Form{24, -149, std::numeric_limits<float>::max()};
  if (type == ElementType::f64 || !std::isfinite(value) || value == 0) return value;
  const int last = std::max(std::ilogb(value) + 1 - form.bits, form.least);
  const double nearest = std::ldexp(std::nearbyint(std::ldexp(value, -last)), last);
  return std::abs(nearest) <= form.most ? nearest : std::copysign(HUGE_VAL, value);
}

template <class T>
std::vector<T> convert_elements(Bytes bytes, ElementType type) {
  switch (type) {
    case ElementType::f16: return convert<T, HalfElement>(bytes);
    case ElementType::bf16: return convert<T, Bfloat16Element>(bytes);
    case ElementType::f32: return convert<T, float>(bytes);
    case ElementType::f64: return convert<T, double>(bytes);
    case ElementType::u8:
    case ElementType::boolean: return convert<T, uint8_t>(bytes);
    case ElementType::i8: return convert<T, int8_t>(bytes);
    case ElementType::u16: return convert<T, uint16_t>(bytes);
    case ElementType::i16: return convert<T, int16_t>(bytes);
    case ElementType::u32: return convert<T, uint32_t>(bytes);
    case ElementType::i32: return convert<T, int32_t>(bytes);
    case ElementType::u64: return convert<T, uint64_t>(bytes);
    case ElementType::i64: break;
  }
  return convert<T, int64_t>(bytes);
}

template std::vector<float> convert_elements(Bytes, ElementType);
template std::vector<double> convert_elements(Bytes, ElementType);

}  // namespace fsrcnn
