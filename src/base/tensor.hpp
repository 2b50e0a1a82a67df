#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fsrcnn/fsrcnn.hpp"

namespace fsrcnn {

/// "(1, 56, 1080, 1920)", as PyTorch prints it.
std::string to_string(const Shape& shape);

/// Memory of the whole machine.
int64_t physical_memory_bytes();

/// Number of elements of a shape. Throws Error(input) if an extent is negative, or if elements of this size would not
/// fit into memory: sizes often come from files.
int64_t checked_count(const Shape& shape, size_t element_bytes);

/// A dense, owning NCHW tensor; a plane is a tensor with n = c = 1.
template <class T>
class Tensor {
 public:
  Tensor() : Tensor(Shape{0, 0, 0, 0}) {}
  explicit Tensor(const Shape& shape) : shape_(shape), data_(checked_count(shape, sizeof(T))) {}
  /// The number of values must match the shape.
  Tensor(const Shape& shape, std::vector<T> values);

  const Shape& shape() const { return shape_; }
  int64_t count() const { return static_cast<int64_t>(data_.size()); }

  T* data() { return data_.data(); }
  const T* data() const { return data_.data(); }
  std::vector<T>& values() { return data_; }
  const std::vector<T>& values() const { return data_; }

  T* row(int64_t n, int64_t c, int64_t y) { return data_.data() + offset(n, c, y); }
  const T* row(int64_t n, int64_t c, int64_t y) const { return data_.data() + offset(n, c, y); }
  T* plane(int64_t n, int64_t c) { return row(n, c, 0); }
  const T* plane(int64_t n, int64_t c) const { return row(n, c, 0); }

  T& operator()(int64_t n, int64_t c, int64_t y, int64_t x) { return row(n, c, y)[x]; }
  const T& operator()(int64_t n, int64_t c, int64_t y, int64_t x) const { return row(n, c, y)[x]; }

  bool operator==(const Tensor&) const = default;

 private:
  int64_t offset(int64_t n, int64_t c, int64_t y) const { return ((n * shape_.c + c) * shape_.h + y) * shape_.w; }

  Shape shape_;
  std::vector<T> data_;
};

extern template class Tensor<float>;
extern template class Tensor<double>;

}  // namespace fsrcnn
