#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"

namespace fsrcnn::test {

/// A port of the network as a newcomer writes it: plain loops in double, the deconvolution by the slides' recipe,
/// sharing no code with the library; and with mistakes, by the ids that `diagnose` has for them, each at a layer.
struct NewcomersPort {
  const Network& model;
  std::set<std::pair<std::string, size_t>> mistakes = {};
  Tensor<float> other_picture = {};  ///< for "input_of_another_picture"

  /// What the port writes for each layer, after its activation; the last is the output.
  std::vector<Tensor<float>> run(const Tensor<float>& luma) const;

 private:
  bool has(const std::string& mistake, size_t layer) const { return mistakes.contains({mistake, layer}); }
  Tensor<double> layer(size_t index, const Tensor<double>& x) const;
  double weight(size_t index, int64_t out, int64_t in, int64_t ky, int64_t kx) const;
  double bias(size_t index, int64_t out) const;
  double slope(size_t index, int64_t out) const;
  /// Where what is rounded: "weights" (biases and slopes too) or "kernels".
  double rounded(const std::string& what, size_t index, double value) const;
};

}  // namespace fsrcnn::test
