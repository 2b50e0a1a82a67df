#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "porting/number_type.hpp"

namespace fsrcnn {

/// How a sum becomes a value's steps in int8: (sum * multiplier + 2^(shift - 1)) >> shift.
/// |multiplier| is 0 or from 2^30 to 2^31 - 1, shift from 1 to 62.
struct Rescale {
  int64_t multiplier, shift;
};

/// The rescaling by `factor`; less than 2^-32 is 0. Throws Error(limit) if it is 2^30 or more.
Rescale rescale_by(double factor);

/// A layer in integers. Whole numbers are kept in float64, which adds them up exactly: check_integers() sees to that.
struct IntegerLayer {
  Tensor<double> weight = {};                ///< the network's shape; of an interpolation (1, 1, factor, 5)
  std::vector<double> bias = {};             ///< (out); of fixed point a word
  std::array<int64_t, 2> operands = {1, 1};  ///< what an addition multiplies its operands with
  int64_t low = 0, high = 0;                 ///< what the output is clamped to at the end
  std::vector<int64_t> slope = {};           ///< fixed point: words
  int shift = 0;                             ///< fixed point: fraction bits that a sum has more than a word
  double scale = 1;                          ///< of the output: a value v stands for (v - zero) * scale
  int64_t zero = 0;                          ///< of the output
  std::vector<double> weight_scale = {};     ///< int8, for each output channel: what a step of its kernel stands for
  std::vector<Rescale> positive = {}, negative = {};  ///< int8, for each output channel: of sums from 0, and below
  double table_scale = 0;           ///< int8, tanh: what a step of the table's index stands for; index 128 is 0
  std::vector<int64_t> table = {};  ///< int8, tanh: 256 values
};

/// A network in integers: words of fixed point, or int8: u8 values with a scale and a zero point, s8 kernels with a
/// scale for each output channel, s32 sums.
struct IntegerNetwork {
  Network network;
  std::optional<FixedPoint> fixed = {};  ///< empty: int8
  double input_scale = 1.0 / 255;
  std::vector<IntegerLayer> layers = {};

  /// Of the value that a layer reads.
  double scale_of(int from) const {
    return from == kNetworkInput ? input_scale : layers[static_cast<size_t>(from)].scale;
  }
  int64_t zero_of(int from) const { return from == kNetworkInput ? 0 : layers[static_cast<size_t>(from)].zero; }
  /// Fraction bits of an interpolation's weights along one axis.
  int interpolation_bits() const { return fixed ? 14 : 10; }
};

/// Words of weights, biases, slopes and results as `trace` has them: the result of each step is rounded. An
/// interpolation's weights are rounded to 14 fraction bits.
IntegerNetwork fixed_point_network(const Network& network, const FixedPoint& type);

/// The ranges of values are those that the float32 network has on `input` (1, channels, H, W); input and output have 0
/// to 255 for 0 to 1. Throws Error(limit) if a sum may need more than 32 bits.
IntegerNetwork int8_network(const Network& network, const Tensor<float>& input);

/// The input in integers, and each layer's output after its activation, of the last after the clamp: whole numbers.
std::vector<Tensor<double>> run_integers(const IntegerNetwork& network, const Tensor<float>& input);

}  // namespace fsrcnn
