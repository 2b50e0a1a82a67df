#pragma once

#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

constexpr int64_t bytes_of(SampleType type) { return type == SampleType::u8 ? 1 : type == SampleType::u16 ? 2 : 4; }

/// The meaning of a network's 0 and 1: BT.601 limited-range luma / 255, luma from black to white, or colours.
enum class Levels { limited_luma, full_luma, rgb };

/// value = sample / one * range + black.
struct SampleLevels {
  float black, range;
};
template <class Bytes>
SampleLevels levels_of(Levels levels, const BasicPlane<Bytes>& plane) {
  if (levels == Levels::limited_luma && plane.full_range) return {16.0F / 255, 219.0F / 255};
  if (levels == Levels::full_luma && !plane.full_range) return {-16.0F / 219, 255.0F / 219};
  return {0, 1};
}

inline ConstPlane const_view(const Plane& p) {
  return {p.data, p.width, p.height, p.stride_bytes, p.type, p.one, p.full_range};
}

/// The plane (0, channel) of a tensor.
inline Plane plane_of(Tensor<float>& tensor, int64_t channel = 0) {
  const auto [n, c, h, w] = tensor.shape();
  auto* const data = reinterpret_cast<std::byte*>(tensor.plane(0, channel));
  return {data, w, h, static_cast<ptrdiff_t>(w) * static_cast<ptrdiff_t>(sizeof(float))};
}
inline ConstPlane plane_of(const Tensor<float>& tensor, int64_t channel = 0) {
  const auto [n, c, h, w] = tensor.shape();
  const auto* const data = reinterpret_cast<const std::byte*>(tensor.plane(0, channel));
  return {data, w, h, static_cast<ptrdiff_t>(w) * static_cast<ptrdiff_t>(sizeof(float))};
}

}  // namespace fsrcnn
