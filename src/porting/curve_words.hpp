#pragma once

#include <string>

#include "base/tensor.hpp"

namespace fsrcnn {

/// "each value is a function (a curve) of the right one alone: 0.25 -> 0.31, ..."; "": it is not, or nothing differs.
std::string curve_words(const Tensor<float>& right, const Tensor<float>& found, double tolerance);

}  // namespace fsrcnn
