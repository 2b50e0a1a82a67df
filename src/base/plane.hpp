#pragma once

#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

constexpr int64_t bytes_of(SampleType type) { return type == SampleType::u8 ? 1 : type == SampleType::u16 ? 2 : 4; }

/// How the samples of a plane stand for the network's luma: luma = sample / one * range + black.
struct LumaLevels {
  float black, range;
};
template <class Bytes>
LumaLevels luma_levels(const BasicPlane<Bytes>& plane) {
  return plane.full_range ? LumaLevels{16.0F / 255, 219.0F / 255} : LumaLevels{0, 1};
}

inline ConstPlane const_view(const Plane& p) {
  return {p.data, p.width, p.height, p.stride_bytes, p.type, p.one, p.full_range};
}

/// The plane (0, channel) of a tensor.
inline Plane plane_of(Tensor<float>& tensor, int64_t channel = 0) {
  const auto [n, c, h, w] = tensor.shape();
  auto* const data = reinterpret_cast<std::byte*>(tensor.plane(0, channel));
  return {data, w, h, w * static_cast<ptrdiff_t>(sizeof(float))};
}
inline ConstPlane plane_of(const Tensor<float>& tensor, int64_t channel = 0) {
  const auto [n, c, h, w] = tensor.shape();
  const auto* const data = reinterpret_cast<const std::byte*>(tensor.plane(0, channel));
  return {data, w, h, w * static_cast<ptrdiff_t>(sizeof(float))};
}

}  // namespace fsrcnn
