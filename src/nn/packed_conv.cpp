#include "nn/packed_conv.hpp"

#include <algorithm>

#include "nn/gemm.hpp"
#include "nn/interleave.hpp"

namespace fsrcnn {
namespace {

// With more, products of matrices are as good, and weights would be kept twice.
constexpr int64_t kMostDirectWeights = 4 << 20;

}  // namespace

PackedConv::PackedConv(const ConvForm& form, const WeightAt& weight, const std::vector<float>& bias,
                       std::string_view cpu)
    : form_(form), bias_(bias), panels_(form, weight, bias, *gemm_kernels(cpu)) {
  const int64_t outputs = form.groups * form.out_per_group;
  const int64_t kernel = int64_t{form.y.taps()} * form.x.taps() * form.y.phase_count() * form.x.phase_count();
  if (outputs * form.in_per_group * kernel <= kMostDirectWeights) {
    direct_.emplace(form, weight, bias, *gemm_kernels(cpu), *interleave_kernels(cpu));
  }
}

void PackedConv::run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape,
                     ThreadPool& pool) const {
  if (in_shape.n == 0) return;
  if (form_.y.has_gaps() || form_.x.has_gaps()) {
    for (int64_t i = 0; i < out_shape.n * out_shape.c; ++i) {
      const float bias = bias_.empty() ? 0 : bias_[static_cast<size_t>(i % out_shape.c)];
      std::fill_n(out + i * out_shape.h * out_shape.w, out_shape.h * out_shape.w, bias);
    }
  }
  if (direct_ && direct_->cost(in_shape, out_shape) < panels_.cost(in_shape, out_shape)) {
    direct_->run(in, in_shape, out, out_shape, pool);
  } else {
    panels_.run(in, in_shape, out, out_shape, pool);
  }
}

}  // namespace fsrcnn
