#pragma once

#include <optional>
#include <utility>

#include "base/tensor.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// The input that gives this output of a layer with one input channel, by conjugate gradients; and the largest
/// difference that remains.
std::pair<Tensor<float>, double> solve_input(const LayerPort& port, const Tensor<float>& output);

/// What may be left of the output, in tolerances, with an input that was solved for.
inline constexpr double kMostLeftOfInput = 30;

/// What a port did to the picture's values, if it is the same for each: the power that they were raised to.
struct ValueCurve {
  std::optional<double> power;          ///< empty: another curve
  float quarter, half, three_quarters;  ///< what becomes of such values, as near as the picture tells
};
/// Empty: equal values of `given` became different ones of `solved`.
std::optional<ValueCurve> value_curve(const Tensor<float>& given, const Tensor<float>& solved);

}  // namespace fsrcnn
