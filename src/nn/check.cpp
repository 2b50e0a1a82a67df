#include "nn/check.hpp"

#include <string>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargest = INT32_MAX;

}  // namespace

void check_at_least(std::string_view op, std::string_view parameter, const Pair& value, int64_t least) {
  if (value.h < least || value.w < least || value.h > kLargest || value.w > kLargest) {
    fail(ErrorCode::input, "{}: {} is ({}, {}), but each must be from {} to {}", op, parameter, value.h, value.w, least,
         kLargest);
  }
}

void check_groups(std::string_view op, int64_t groups, std::string_view channels_name, int64_t channels) {
  if (groups < 1) fail(ErrorCode::input, "{}: groups is {}, but must be at least 1", op, groups);
  if (channels % groups != 0) {
    fail(ErrorCode::input, "{}: {} is {}, not a multiple of groups = {}", op, channels_name, channels, groups);
  }
}

void check_not_empty(std::string_view op, std::string_view tensor_name, const Shape& shape) {
  if (shape.n < 0 || shape.c < 1 || shape.h < 1 || shape.w < 1 || shape.c > kLargest || shape.h > kLargest ||
      shape.w > kLargest) {
    fail(ErrorCode::input, "{}: the {} has shape {}, but channels, height and width must be from 1 to {}", op,
         tensor_name, to_string(shape), kLargest);
  }
  if (shape.n > kLargest) {
    fail(ErrorCode::input, "{}: the {} has shape {}, but its first axis must be at most {}", op, tensor_name,
         to_string(shape), kLargest);
  }
}

void check_bias(std::string_view op, int64_t bias_count, int64_t channels) {
  if (bias_count != 0 && bias_count != channels) {
    fail(ErrorCode::input, "{}: the bias has {} values for {} output channels; give one per channel, or none", op,
         bias_count, channels);
  }
}

}  // namespace fsrcnn
