#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "base/plane.hpp"
#include "base/tensor.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// A border that has no end: PaddingMode::replicate.
inline constexpr int kEndless = std::numeric_limits<int>::max() / 2;

/// Input rows (or columns) relative to an output's that are read.
struct TapRange {
  int first, last;
  int count() const { return last - first + 1; }
};

/// A linear part of a value: a convolution of another value, or a copy of its channels.
struct LoweredTerm {
  int input = 0;  ///< index of a value
  /// (out, in, rows, columns): output (y, x) reads input (y + rows.first + i, x + columns.first + j). Empty: a copy.
  Tensor<double> weight = {};
  TapRange rows{0, 0}, columns{0, 0};
  std::vector<int> copied = {};  ///< of a copy: the input's channel for each output
  int border = 0;                ///< pixels outside the picture that are its edge; beyond them are zeros
  /// Phases of a transposed convolution have taps in a part of the range; empty: all have all. Of each output.
  std::vector<TapRange> rows_of = {}, columns_of = {};

  bool is_copy() const { return !copied.empty(); }
  /// Reads only the pixel at its own position, so nothing outside the picture.
  bool is_pointwise() const { return rows.first == 0 && rows.last == 0 && columns.first == 0 && columns.last == 0; }
};

/// A feature map at the picture's own size: activation(bias + the sum of its terms).
struct LoweredValue {
  int channels = 0;
  std::vector<LoweredTerm> terms = {};
  std::vector<float> bias = {};  ///< one for each channel
  Layer::Activation activation = Layer::Activation::none;
  std::vector<float> slope = {};  ///< one for each channel
  float low = 0, high = 1;
};

/// A network whose values all have the picture's size. Larger values become channels, one for each sub-pixel, so depth
/// to space, transposed convolutions and interpolations are convolutions to more channels.
struct LoweredNetwork {
  int scale = 1;
  int colours = 1;  ///< planes in and out
  Levels levels = Levels::limited_luma;
  std::vector<LoweredValue> values = {};  ///< the first is the input, the last the output
  /// Of output channel k: plane k / scale^2, sub-pixel column k % scale^2 / scale, sub-pixel row k % scale.
};

/// Empty if a layer works at a larger size in a way that no convolution at the picture's size can express, or has
/// groups or a dilated transposed kernel. The network must pass check_network.
std::optional<LoweredNetwork> lower(const Network& network);

}  // namespace fsrcnn
