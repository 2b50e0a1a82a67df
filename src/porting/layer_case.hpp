#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <Eigen/Dense>

#include "base/tensor.hpp"
#include "porting/linear_system.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {

/// One layer with what it read and what was found for its output: what mistakes are fitted to. The port is the right
/// one, or has mistakes already, beside which another is looked for.
class LayerCase {
 public:
  /// `tolerance`: of the output's values. Shapes must fit.
  LayerCase(const MistakeContext& context, LayerPort port, const Tensor<float>& input, const Tensor<float>& found,
            double tolerance);

  const MistakeContext& context() const { return context_; }
  const LayerPort& port() const { return port_; }
  const Tensor<float>& input() const { return input_; }
  const Tensor<float>& found() const { return found_; }
  double tolerance() const { return tolerance_; }

  /// Whether an activation or clamp lies between the sums and the dump.
  bool bends() const { return bends_; }
  /// What the port makes, and before its activation; and the part that its biases are not in.
  const Tensor<float>& right() const { return right_; }
  const Tensor<float>& linear() const { return linear_; }
  const Tensor<float>& products() const { return products_; }
  /// What was found, before the activation, of values whose sign the port's own tell.
  const Target& found_linear() const { return found_linear_; }

  /// How far the layer looks in its input on each side, in pixels of the output.
  int64_t reach() const { return reach_; }

 private:
  const MistakeContext& context_;
  LayerPort port_;
  const Tensor<float>& input_;
  const Tensor<float>& found_;
  double tolerance_;
  bool bends_ = false;
  Tensor<float> right_, linear_, products_;
  Target found_linear_;
  int64_t reach_ = 0;
};

/// Factors by which features, added to `base`, come nearest to `target`, where values may be outliers: least squares on
/// a sample, repeated without what is far off. Empty: there are too few values, or the features are not independent.
struct Fit {
  std::vector<double> factors;
  double inliers = 0;  ///< the share of the sample that is met to the tolerance
};
/// `where`: of which values the sample is taken; null: of all.
std::optional<Fit> fit_features(const LayerCase& layer, const Tensor<float>& base,
                                const std::vector<const Tensor<float>*>& features,
                                const std::vector<uint8_t>* where = nullptr);

/// The robust line through the points (a, b): b = factor * a + offset. With `through_zero` no offset.
struct Line {
  double factor = 1, offset = 0;
  double inliers = 0;
};
std::optional<Line> fit_line(const std::vector<std::pair<float, float>>& points, double tolerance, bool through_zero);

/// The value that most of these are, and how many: where they lie closest together within `width`.
std::pair<double, size_t> densest(std::vector<double> values, double width);

/// The sum before the activation that gives `value` in a channel: one for each branch that can.
std::vector<double> sums_for(const LayerPort& port, float value, int64_t channel);

/// A factor in words: "2", "1/255", "16/255", "2^-8", "-1", or its digits; `numbers`: 0.5 if it has a name, or else 1.
std::string named_number(double value, double precision, double& numbers);

}  // namespace fsrcnn
