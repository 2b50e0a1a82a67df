#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/formats/onnx_attributes.hpp"
#include "network/formats/onnx_numbers.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {

/// Of what operators make; a graph's own tensors may have more.
constexpr int64_t kMostOnnxComputed = 1 << 22;
constexpr size_t kMostOnnxNumberAxes = 8;

/// How many numbers a shape has; -1: far too many, or an extent is negative.
inline int64_t onnx_count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > kMostOnnxComputed * 64 / extent)) return -1;
    count *= extent;
  }
  return count;
}

/// A node all of whose inputs are numbers, and what the operators on numbers ask of it.
class OnnxOperands {
 public:
  OnnxOperands(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs, int64_t opset,
               const std::string& source)
      : node_(node), inputs_(inputs), opset_(opset), source_(source) {}

 protected:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    refuse_node(source_, node_, "{}", fmt::format(text, std::forward<Args>(args)...));
  }
  OnnxAttributes attributes(std::initializer_list<std::string_view> known) const { return {node_, source_, known}; }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const OnnxNumbers& input(size_t i) const {
    if (!has(i)) refuse("lacks its input {}", i);
    return *inputs_[i];
  }
  /// An input of integers that no picture changes.
  std::vector<int64_t> integers(size_t i) const {
    const OnnxNumbers& numbers = input(i);
    if (!numbers.is_constant() || numbers.shape.size() > 1) {
      refuse("has an input {} that is not a list of constants", i);
    }
    std::vector<int64_t> values;
    for (const double v : numbers.values) values.push_back(to_integer(v));
    return values;
  }
  int64_t checked_count(const std::vector<int64_t>& shape) const {
    const int64_t count = onnx_count(shape);
    if (count < 0 || count > kMostOnnxComputed || shape.size() > kMostOnnxNumberAxes) {
      refuse("produces numbers of shape {}, which is too large", to_string(shape));
    }
    return count;
  }
  int64_t axis_of(int64_t axis, size_t rank) const {
    const auto axes = static_cast<int64_t>(rank);
    if (axis < -axes || axis >= axes) refuse("has the axis {}, but only {} axes", axis, axes);
    return axis < 0 ? axis + axes : axis;
  }

  /// The numbers at these places of the first input.
  OnnxNumbers pick(std::vector<int64_t> shape, const std::vector<int64_t>& places) const {
    const OnnxNumbers& from = *inputs_[0];
    OnnxNumbers to{std::move(shape), {}, {}, from.type};
    for (const int64_t place : places) {
      to.values.push_back(from.values[static_cast<size_t>(place)]);
      if (!from.units.empty()) to.units.push_back(from.units[static_cast<size_t>(place)]);
    }
    return to;
  }
  /// places[i] of an output is the index into an input of this shape of the number that `index` tells.
  template <class Map>
  std::vector<int64_t> places_of(const std::vector<int64_t>& shape, const Map& index) const {
    std::vector<int64_t> at(shape.size(), 0), places;
    const int64_t count = checked_count(shape);
    for (int64_t i = 0; i < count; ++i) {
      places.push_back(index(at));
      for (size_t axis = at.size(); axis-- > 0;) {
        if (++at[axis] < shape[axis]) break;
        at[axis] = 0;
      }
    }
    return places;
  }
  static std::vector<int64_t> strides_of(const std::vector<int64_t>& shape) {
    std::vector<int64_t> strides(shape.size(), 1);
    for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
    return strides;
  }

  std::vector<int64_t> broadcast(const std::vector<int64_t>& a, const std::vector<int64_t>& b) const {
    std::vector<int64_t> shape(std::max(a.size(), b.size()), 1);
    const auto extent = [&](const std::vector<int64_t>& of, size_t i) {
      return i + of.size() < shape.size() ? 1 : of[i + of.size() - shape.size()];
    };
    for (size_t i = 0; i < shape.size(); ++i) {
      const int64_t x = extent(a, i), y = extent(b, i);
      if (x != y && x != 1 && y != 1) refuse("reads numbers of shapes {} and {}", to_string(a), to_string(b));
      shape[i] = x == 1 ? y : x;
    }
    return shape;
  }
  /// Places in an input of shape `from` that is broadcast to `shape`.
  std::vector<int64_t> broadcast_places(const std::vector<int64_t>& from, const std::vector<int64_t>& shape) const {
    const std::vector<int64_t> strides = strides_of(from);
    const size_t offset = shape.size() - from.size();
    return places_of(shape, [&](const auto& at) {
      int64_t place = 0;
      for (size_t i = 0; i < from.size(); ++i) place += from[i] == 1 ? 0 : at[i + offset] * strides[i];
      return place;
    });
  }

  const OnnxNode& node_;
  const std::vector<const OnnxNumbers*>& inputs_;
  int64_t opset_;
  const std::string& source_;
};

}  // namespace fsrcnn
