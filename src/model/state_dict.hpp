#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fsrcnn {

/// A tensor of any rank as files of weights hold them, row-major.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
  bool operator==(const NamedTensor&) const = default;
};

/// What a file of weights says: PyTorch's state_dict, in the file's order, and the file's remarks ("scale": "2").
struct StateDict {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;

  const NamedTensor* find(std::string_view name) const;
};

/// "(56, 1, 9, 9)"
std::string to_string(const std::vector<int64_t>& shape);

/// The product of the extents. Throws Error(model) naming the tensor if one is negative or the product is over 2^28:
/// shapes come from files.
int64_t checked_element_count(std::string_view tensor, const std::vector<int64_t>& shape);

}  // namespace fsrcnn
