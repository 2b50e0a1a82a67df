#include "network/tensor_source.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace fsrcnn {

const NamedTensor& TensorSource::find(const std::string& name) const {
  const NamedTensor* tensor = state_dict_.find(name);
  if (tensor == nullptr) {
    fail(ErrorCode::model, "{}: tensor '{}' is missing; the file has {}", source_, name, names());
  }
  return *tensor;
}

const std::vector<float>& TensorSource::take(const std::string& name, const std::vector<std::vector<int64_t>>& shapes) {
  const NamedTensor& tensor = find(name);
  std::string expected;
  for (const std::vector<int64_t>& shape : shapes) expected += (expected.empty() ? "" : " or ") + to_string(shape);
  if (std::find(shapes.begin(), shapes.end(), tensor.shape) == shapes.end()) {
    fail(ErrorCode::model, "{}: tensor '{}' has shape {}; expected {}", source_, name, to_string(tensor.shape),
         expected);
  }
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    if (!std::isfinite(tensor.values[i])) {
      fail(ErrorCode::model, "{}: tensor '{}' has the value {} at index {}; weights must be finite", source_, name,
           tensor.values[i], i);
    }
  }
  taken_.insert(name);
  return tensor.values;
}

Tensor<float> TensorSource::take_kernel(const std::string& name) {
  const std::vector<int64_t>& shape = find(name).shape;
  if (shape.size() != 4) {
    fail(ErrorCode::model, "{}: tensor '{}' has shape {}; a convolution needs four axes", source_, name,
         to_string(shape));
  }
  return {Shape{shape[0], shape[1], shape[2], shape[3]}, take(name, {shape})};
}

void TensorSource::check_nothing_is_left() const {
  for (const NamedTensor& tensor : state_dict_.tensors) {
    if (!taken_.contains(tensor.name)) {
      fail(ErrorCode::model, "{}: unexpected tensor '{}' {}; this seems to be a different network", source_,
           tensor.name, to_string(tensor.shape));
    }
  }
}

std::string TensorSource::names() const {
  std::string list;
  for (size_t i = 0; i < state_dict_.tensors.size() && i < 4; ++i) {
    list += fmt::format("{}'{}'", i == 0 ? "" : ", ", state_dict_.tensors[i].name);
  }
  if (state_dict_.tensors.size() > 4) list += fmt::format(" and {} more", state_dict_.tensors.size() - 4);
  return list.empty() ? "no tensors at all" : list;
}

}  // namespace fsrcnn
