#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include "porting/port_chain.hpp"
#include "porting/samples.hpp"

namespace fsrcnn {

/// Something that may be wrong with what a layer gives, without a name: fields that are added to its output, each times
/// a number that is solved for. What it explains tells the layer, if not the cause.
struct FieldFamily {
  size_t port = 0;
  std::string words;  ///< of its output, "values are mixed with those of their neighbours"
  Eigen::Index size = 0;
  /// The linear equations for the numbers.
  std::function<Eigen::MatrixXf(const Samples&)> columns;
  std::function<Tensor<float>(const Eigen::VectorXd&)> sum;
};

/// Another curve; neighbours, by the parity of rows and columns; other channels; rows, columns; slopes across the
/// picture; what lies beyond its edges.
std::vector<FieldFamily> field_families(const PortChain& right, size_t port);

/// Numbers of a family that bring a chain nearer to what was found.
struct FamilyFit {
  const FieldFamily* family = nullptr;
  Eigen::VectorXd numbers;
  LayerPort port;  ///< with the fields added
  Distance left;
};

/// All numbers 0.
FamilyFit without_fields(const PortChain& right, const Window& window, const FieldFamily& family);

/// By up to `steps` of Gauss and Newton's method, until no value is further than `enough` from what was found.
FamilyFit improved(const PortChain& right, const Window& window, FamilyFit fit, double enough, int steps);

/// A family with what the linear equations leave of the squared error.
using RankedFamily = std::pair<double, FieldFamily>;

/// Of each port the families that leave least are begun, and those that come nearest go on. `families`: sorted.
std::vector<FamilyFit> best_fits(const PortChain& right, const Window& window,
                                 const std::vector<RankedFamily>& families, double enough);

}  // namespace fsrcnn
