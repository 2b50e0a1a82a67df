#pragma once

#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

constexpr int64_t bytes_of(SampleType type) { return type == SampleType::u8 ? 1 : type == SampleType::u16 ? 2 : 4; }

/// The plane (0, 0) of a tensor.
inline Plane plane_of(Tensor<float>& tensor) {
  const auto [n, c, h, w] = tensor.shape();
  return {reinterpret_cast<std::byte*>(tensor.data()), w, h, w * static_cast<ptrdiff_t>(sizeof(float))};
}
inline ConstPlane plane_of(const Tensor<float>& tensor) {
  const auto [n, c, h, w] = tensor.shape();
  return {reinterpret_cast<const std::byte*>(tensor.data()), w, h, w * static_cast<ptrdiff_t>(sizeof(float))};
}

}  // namespace fsrcnn
