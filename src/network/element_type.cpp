#include "network/element_type.hpp"

#include <bit>
#include <cmath>
#include <cstring>

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
