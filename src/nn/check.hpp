#pragma once

#include <string_view>

#include "base/tensor.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// Each throws Error(input) with the operator's name, the parameter, its value and the violated rule. Values must also
/// be below 2^31, so that output sizes cannot overflow.
void check_at_least(std::string_view op, std::string_view parameter, const Pair& value, int64_t least);
void check_groups(std::string_view op, int64_t groups, std::string_view channels_name, int64_t channels);
void check_not_empty(std::string_view op, std::string_view tensor_name, const Shape& shape);
void check_bias(std::string_view op, int64_t bias_count, int64_t channels);

/// Checks of an operator's weights and parameters that do not depend on the input.
void check_conv2d(const Shape& weight, int64_t bias_count, const Conv2dParams& params);
void check_conv_transpose2d(const Shape& weight, int64_t bias_count, const ConvTranspose2dParams& params);

}  // namespace fsrcnn
