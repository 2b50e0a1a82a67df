#include "nn/conv2d.hpp"

#include <algorithm>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "nn/check.hpp"
#include "nn/packed_conv.hpp"

namespace fsrcnn {
Conv2d::Conv2d(const Tensor<float>& weight, const std::vector<float>& bias, const Conv2dParams& params,
               std::string_view cpu)
    : weight_shape_(weight.shape()), bias_(bias), params_(params) {
  const std::string name = choose_cpu(cpu);
  check_conv2d(weight.shape(), static_cast<int64_t>(bias.size()), params);
  if (name == "reference") {
    weight_ = weight;
  } else {
    const auto at = [&](int64_t o, int64_t c, int ky, int kx) { return weight(o, c, ky, kx); };
    packed_ = std::make_shared<PackedConv>(conv2d_form(weight_shape_, params), at, bias, name);
  }
}

Shape Conv2d::output_shape(const Shape& input) const {
  return conv2d_output_shape(input, weight_shape_, static_cast<int64_t>(bias_.size()), params_);
}

Tensor<float> Conv2d::operator()(const Tensor<float>& input, ThreadPool& pool) const {
  Tensor<float> output(output_shape(input.shape()));
  (*this)({input.data(), input.shape()}, output.data(), pool);
  return output;
}

void Conv2d::operator()(const ConstTensorView& input, float* output, ThreadPool& pool) const {
  const Shape shape = output_shape(input.shape);
  if (packed_ != nullptr) return packed_->run(input.data, input.shape, output, shape, pool);
  const Tensor<float> copy(input.shape, std::vector<float>(input.data, input.data + input.shape.count()));
  const Tensor<float> result = conv2d_reference(copy, weight_, bias_, params_, pool);
  std::copy(result.values().begin(), result.values().end(), output);
}

Tensor<float> conv2d(const Tensor<float>& input, const Tensor<float>& weight, const std::vector<float>& bias,
                     const Conv2dParams& params, ThreadPool& pool) {
  conv2d_output_shape(input.shape(), weight.shape(), static_cast<int64_t>(bias.size()), params);
  return Conv2d(weight, bias, params)(input, pool);
}

}  // namespace fsrcnn
