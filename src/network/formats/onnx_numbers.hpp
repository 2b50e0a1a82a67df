#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "network/formats/onnx_attributes.hpp"
#include "network/formats/onnx_graph.hpp"

namespace fsrcnn {

/// The unit of a number in a graph: 1, or an extent of the input, which depends on the picture.
enum class OnnxUnit : uint8_t { one, batch, height, width };

/// Numbers that do not need the picture's values: weights, and computed sizes.
struct OnnxNumbers {
  std::vector<int64_t> shape;
  std::vector<double> values;
  std::vector<OnnxUnit> units = {};  ///< of each value; empty: all are 1
  ElementType type = ElementType::f32;
  std::vector<double> scales = {};  ///< of DequantizeLinear's output: along an axis, or one for all
  int64_t scales_axis = 0;

  OnnxUnit unit(size_t i) const { return units.empty() ? OnnxUnit::one : units[i]; }
  bool is_constant() const;
};

/// Runs an operator on numbers, with which exporters compute sizes, margins and kernels. Empty: not such an operator.
/// Throws Error(model) by `refuse` if it is one in an unsupported form.
std::optional<OnnxNumbers> run_on_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                          int64_t opset, const std::string& source);

/// The same for those of them that only move numbers.
std::optional<OnnxNumbers> rearrange_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                             int64_t opset, const std::string& source);

/// The same for QuantizeLinear and DequantizeLinear.
std::optional<OnnxNumbers> quantise_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                            const std::string& source);

/// A number as an integer, cut to the ends of int64_t.
int64_t to_integer(double value);

}  // namespace fsrcnn
