#pragma once

#include <optional>

#include <Eigen/Dense>

namespace fsrcnn {

/// Parameters x for which each row of a x is `found` where it is above 0, and found / slope where it is below: the sums
/// of a channel whose slope below 0 leaves open which. Signs and parameters are found in turns, beginning with the
/// signs of a `likely` and of others. Empty: none leaves no more than the tolerance.
std::optional<Eigen::VectorXd> search_signs(const Eigen::MatrixXd& a, const Eigen::VectorXd& found, double slope,
                                            const Eigen::VectorXd& likely, double tolerance);

}  // namespace fsrcnn
