#pragma once

#include <cstddef>
#include <cstdint>

#include "base/tensor.hpp"

namespace fsrcnn {

enum class SampleType { u8, u16, f32 };

constexpr int64_t bytes_of(SampleType type) { return type == SampleType::u8 ? 1 : type == SampleType::u16 ? 2 : 4; }

/// Samples of a picture that somebody else owns. Rows may be further apart than they are wide.
template <class Bytes>
struct BasicPlane {
  Bytes* data = nullptr;
  int64_t width = 0, height = 0;
  ptrdiff_t stride_bytes = 0;
  SampleType type = SampleType::f32;
  float one = 1.0F;  ///< the sample that stands for 1.0 of the network: 255 for 8 bits, 1020 for 10

  Bytes* row(int64_t y) const { return data + y * stride_bytes; }
};

using Plane = BasicPlane<std::byte>;
using ConstPlane = BasicPlane<const std::byte>;

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
