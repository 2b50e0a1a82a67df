#include "nn/conv_transpose2d.hpp"

#include <algorithm>

#include "base/cpu.hpp"
#include "base/error.hpp"
#include "nn/check.hpp"
#include "nn/packed_conv.hpp"

namespace fsrcnn {
ConvTranspose2d::ConvTranspose2d(const Tensor<float>& weight, const std::vector<float>& bias,
                                 const ConvTranspose2dParams& params, std::string_view cpu)
    : weight_shape_(weight.shape()), bias_(bias), params_(params) {
  const std::string name = choose_cpu(cpu);
  check_conv_transpose2d(weight.shape(), static_cast<int64_t>(bias.size()), params);
  if (name == "reference") {
    weight_ = weight;
  } else {
    const int64_t in_per_group = weight_shape_.n / params.groups, out_per_group = weight_shape_.c;
    const auto at = [&](int64_t o, int64_t c, int ky, int kx) {
      return weight(o / out_per_group * in_per_group + c, o % out_per_group, ky, kx);
    };
    packed_ = std::make_shared<PackedConv>(conv_transpose2d_form(weight_shape_, params), at, bias, name);
  }
}

Shape ConvTranspose2d::output_shape(const Shape& input) const {
  return conv_transpose2d_output_shape(input, weight_shape_, static_cast<int64_t>(bias_.size()), params_);
}

Tensor<float> ConvTranspose2d::operator()(const Tensor<float>& input, ThreadPool& pool) const {
  Tensor<float> output(output_shape(input.shape()));
  (*this)({input.data(), input.shape()}, output.data(), pool);
  return output;
}

void ConvTranspose2d::operator()(const ConstTensorView& input, float* output, ThreadPool& pool) const {
  const Shape shape = output_shape(input.shape);
  if (packed_ != nullptr) return packed_->run(input.data, input.shape, output, shape, pool);
  const Tensor<float> copy(input.shape, std::vector<float>(input.data, input.data + input.shape.count()));
  const Tensor<float> result = conv_transpose2d_reference(copy, weight_, bias_, params_, pool);
  std::copy(result.values().begin(), result.values().end(), output);
}

Tensor<float> conv_transpose2d(const Tensor<float>& input, const Tensor<float>& weight, const std::vector<float>& bias,
                               const ConvTranspose2dParams& params, ThreadPool& pool) {
  conv_transpose2d_output_shape(input.shape(), weight.shape(), static_cast<int64_t>(bias.size()), params);
  return ConvTranspose2d(weight, bias, params)(input, pool);
}

}  // namespace fsrcnn
