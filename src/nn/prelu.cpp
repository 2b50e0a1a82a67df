#include "nn/prelu.hpp"

#include "base/error.hpp"

namespace fsrcnn {

template <class T>
void prelu(Tensor<T>& x, const std::vector<T>& slope, ThreadPool& pool) {
  const Shape shape = x.shape();
  const auto count = static_cast<int64_t>(slope.size());
  if (count != 1 && count != shape.c) {
    fail(ErrorCode::input, "prelu: {} slopes for {} channels; give one per channel, or one for all", count, shape.c);
  }
  pool.run(shape.n * shape.c, [&](int64_t job) {
    const int64_t c = job % shape.c;
    const T a = slope[count == 1 ? 0 : c];
    T* values = x.plane(job / shape.c, c);
    for (int64_t i = 0; i < shape.h * shape.w; ++i) values[i] = values[i] > 0 ? values[i] : a * values[i];
  });
}

template void prelu(Tensor<float>&, const std::vector<float>&, ThreadPool&);
template void prelu(Tensor<double>&, const std::vector<double>&, ThreadPool&);

}  // namespace fsrcnn
