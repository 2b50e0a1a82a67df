#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "porting/diagnose.hpp"
#include "porting/layer_port.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {

/// Pixels that a mistake may look further than the right layers.
inline constexpr int64_t kReachOfMistakes = 4;

/// What is left between a dump and what was computed for it.
struct Residual {
  bool fits = false;  ///< false: the shape is another
  double largest = 0, rms = 0;
  double explained = 0;  ///< the share of values that are right to the tolerance
  double either = 0;     ///< the largest that is left if each value may be the right layers' instead
  double unlike = 0;     ///< RMS of what is left after the best factor and offset of each channel
};

/// How far two values are apart; infinite where one alone is not finite, so that NaN hides nowhere.
double difference_of(float a, float b);

/// Layers between two dumps, with what went in and what came out.
class Segment {
 public:
  /// The ports are right; they read `input`, and their result should be `output`.
  Segment(std::vector<LayerPort> ports, const Tensor<float>& input, const Tensor<float>& output, double tolerance);

  const std::vector<LayerPort>& ports() const { return ports_; }
  /// Channels that a port reads and gives.
  int64_t in_channels(size_t port) const { return channels_[port]; }
  int64_t out_channels(size_t port) const { return channels_[port + 1]; }
  /// What a port reads where those before it are right.
  const Tensor<float>& input_of(size_t port) const { return before_[port]; }
  const Tensor<float>& input() const { return input_; }
  const Tensor<float>& output() const { return output_; }
  /// What may be left: what was given, and what coarse numbers explain.
  double tolerance() const { return tolerance_ + allowance_; }

  /// That coarse numbers, which nobody can be blamed for, may be the cause of differences of this size.
  void allow(double difference) { allowance_ = difference; }
  bool is_within_allowance() const { return allowance_ > 0 && right_.fits && right_.largest <= tolerance(); }

  Residual right() const { return right_; }
  /// What a port with mistakes at its last layer makes. Throws Error(input) if shapes do not fit.
  Tensor<float> output_with(const Mistake& mistake) const;
  /// What the right layers make; empty if they cannot read the input.
  const Tensor<float>& right_output() const { return expected_; }
  /// The same with mistakes made at some layers, each a list. If `quick` and the picture is not tiny, only its top left
  /// part is computed where all of them are local; of many layers, by the layers behind those that are not.
  Residual with(const std::vector<std::vector<const Mistake*>>& mistakes, bool quick) const;
  /// Leaves no more than the tolerance, and clearly less than the right layer. Where coarse numbers may be the cause:
  /// no more than without them, and much less.
  bool explains(const Residual& residual) const;
  /// Multiplications and additions, or what takes as long, of a trial, `quick` or on the whole picture.
  double operations(bool quick) const;
  /// Too large for hundreds of trials on the whole of it.
  bool is_large() const { return std::max(input_.shape().h, input_.shape().w) > 192; }

 private:
  /// Of the ports from `first` on; those from `first_cropped` on compute a part of the picture.
  Residual evaluate(const std::vector<LayerPort>& ports, size_t first, size_t first_cropped) const;
  /// The part of what a port reads that cropped layers go on with; empty: it has another shape than it should.
  std::optional<Tensor<float>> part_before(size_t port, const Tensor<float>& whole) const;

  Tensor<float> top_left(const Tensor<float>& t, int64_t scale = 1) const;

  std::vector<LayerPort> ports_;
  std::vector<int64_t> channels_;  // of what each port reads, and of the output
  int64_t factor_ = 1;             // how many times as large the output is
  int64_t part_ = 0;               // pixels a side of the part that is tried first
  int64_t margin_;                 // of a part of a picture: pixels whose results may depend on what is outside
  const Tensor<float>& input_;
  const Tensor<float>& output_;
  double tolerance_, allowance_ = 0;
  Tensor<float> cropped_;                               // empty: the picture is small
  std::vector<Tensor<float>> before_, cropped_before_;  // each layer's input, done right
  Tensor<float> expected_;                              // what the right layers make
  Residual right_;
};

}  // namespace fsrcnn
