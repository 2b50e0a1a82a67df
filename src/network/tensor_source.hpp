#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// Takes tensors out of a state_dict by name, checks them, and remembers which were taken. Throws Error(model).
class TensorSource {
 public:
  TensorSource(const StateDict& state_dict, const std::string& source) : state_dict_(state_dict), source_(source) {}

  const NamedTensor& find(const std::string& name) const;
  /// The values, all of them finite, of a tensor of one of these shapes.
  const std::vector<float>& take(const std::string& name, const std::vector<std::vector<int64_t>>& shapes);
  /// A tensor of four axes.
  Tensor<float> take_kernel(const std::string& name);
  void check_nothing_is_left() const;

 private:
  std::string names() const;

  const StateDict& state_dict_;
  const std::string& source_;
  std::set<std::string> taken_;
};

}  // namespace fsrcnn
