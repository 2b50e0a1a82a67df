#include "nn/depth_to_space.hpp"

#include "base/error.hpp"
#include "nn/check.hpp"

namespace fsrcnn {

template <class T>
Tensor<T> depth_to_space(const Tensor<T>& input, int64_t r) {
  constexpr const char* kOp = "depth_to_space";
  check_at_least(kOp, "upscale_factor", {r, r}, 1);
  check_not_empty(kOp, "input", input.shape());
  const auto [n, c, h, w] = input.shape();
  if (r > c || c % (r * r) != 0) {
    fail(ErrorCode::input, "{}: the input has {} channels, not a multiple of upscale_factor^2 = {}", kOp, c, r * r);
  }
  Tensor<T> output({n, c / (r * r), h * r, w * r});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k)
      for (int64_t y = 0; y < h; ++y)
        for (int64_t x = 0; x < w; ++x) output(i, k / (r * r), y * r + k / r % r, x * r + k % r) = input(i, k, y, x);
  return output;
}

template Tensor<float> depth_to_space(const Tensor<float>&, int64_t);
template Tensor<double> depth_to_space(const Tensor<double>&, int64_t);

}  // namespace fsrcnn
