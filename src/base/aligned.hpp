#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace fsrcnn {

/// Alignment of memory that vectors are loaded from; enough for every instruction set.
inline constexpr std::align_val_t kVectorAlignment{128};

struct AlignedDelete {
  void operator()(float* floats) const { ::operator delete(floats, kVectorAlignment); }
};
using AlignedFloats = std::unique_ptr<float[], AlignedDelete>;

/// Uninitialised memory for `count` floats. Throws std::bad_alloc.
inline AlignedFloats allocate_aligned(size_t floats) {
  if (floats > SIZE_MAX / sizeof(float)) throw std::bad_alloc();
  return AlignedFloats(static_cast<float*>(::operator new(floats * sizeof(float), kVectorAlignment)));
}

}  // namespace fsrcnn
