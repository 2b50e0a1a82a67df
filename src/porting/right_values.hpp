#pragma once

#include <map>
#include <optional>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "porting/network_place.hpp"

namespace fsrcnn {

/// What a network makes of an input at all its places, computed when it is first asked for.
class RightValues {
 public:
  /// Without an input, or with one that the network cannot read, nothing is known.
  RightValues(const Network& network, const std::optional<Tensor<float>>& input) : network_(network), input_(input) {}

  /// Null: unknown.
  const Tensor<float>* at(const NetworkPlace& place) const;

  /// How much a dump, NCHW or NHWC or without a shape, is like the value at a place: the correlation of what channels
  /// have beside their means, which neither a scale nor a zero point changes. Empty: unknown.
  std::optional<double> likeness(const Tensor<float>& dump, const NetworkPlace& place) const;

 private:
  void compute_all() const;

  const Network& network_;
  const std::optional<Tensor<float>>& input_;
  mutable bool is_computed_ = false;
  mutable std::map<NetworkPlace, Tensor<float>> values_;
};

}  // namespace fsrcnn
