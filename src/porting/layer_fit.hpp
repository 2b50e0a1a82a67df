#pragma once

#include <Eigen/Dense>

#include "porting/changes.hpp"
#include "porting/port_chain.hpp"
#include "porting/samples.hpp"

namespace fsrcnn {

struct Operation;

/// A port that brings a chain nearer to what was found.
struct LayerFit {
  Change change;  ///< of its parameters; without directions: none
  Eigen::VectorXd coefficients;
  LayerPort port;
  Distance left;
  const Operation* operation = nullptr;  ///< what it does beside that
};

/// Coefficients by least squares, kept small where the data does not tell them.
Eigen::VectorXd least_squares(const Eigen::MatrixXf& columns, const Eigen::VectorXf& residual);

/// The port with a change of its parameters.
LayerFit fit_at(const PortChain& right, const Window& window, const Change& change, Eigen::VectorXd coefficients);

/// The best of a fit and those at some parts of the way to other coefficients.
LayerFit towards(const PortChain& right, const Window& window, const LayerFit& from, const Eigen::VectorXd& by);

/// Improves a fit by up to `steps` of Gauss and Newton's method through the layers behind it, until no value is further
/// than `enough` from what was found or nothing gets better.
LayerFit improved(const PortChain& right, const Window& window, LayerFit from, double enough, int steps);

}  // namespace fsrcnn
