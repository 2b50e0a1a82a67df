#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "network/element_type.hpp"

namespace fsrcnn {

/// A tensor of any rank from a file of weights, row-major.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
  ElementType type = ElementType::f32;  ///< of the file
  bool operator==(const NamedTensor&) const = default;
};

/// Contents of a file of weights: PyTorch's state_dict, in the file's order, and metadata ("scale": "2").
struct StateDict {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes = {};  ///< messages: which part of the file was read

  const NamedTensor* find(std::string_view name) const;
};

/// "(56, 1, 9, 9)"
std::string to_string(const std::vector<int64_t>& shape);

/// The product of the extents. Throws Error(model) naming the tensor if one is negative or the product is over 2^28:
/// shapes come from files.
int64_t checked_element_count(std::string_view tensor, const std::vector<int64_t>& shape);

}  // namespace fsrcnn
