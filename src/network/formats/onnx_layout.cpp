#include <algorithm>
#include <utility>

#include "network/formats/onnx_reader.hpp"

namespace fsrcnn {

bool OnnxReader::run_layout(const OnnxNode& node) {
  const std::string& op = node.op;
  if (op == "Identity") {
    set(node, picture(node, 0));
  } else if (op == "Dropout") {
    const OnnxAttributes a(node, source_, {"ratio", "seed", "is_test", "consumed_inputs"});
    if (has_input(node, 2) && constant(node, 2).values != std::vector<double>{0}) refuse(node, "is in training mode");
    if (graph_.opset < 7) a.require("is_test", 1);
    set(node, picture(node, 0));
  } else if (op == "Cast") {
    const OnnxAttributes a(node, source_, {"to", "saturate", "round_mode"});
    if (!is_onnx_float(a.integer("to", 0))) refuse(node, "rounds a picture to integers, which is not supported");
    set(node, picture(node, 0));
  } else if (op == "Shape") {
    values_[node.outputs[0]] = std::make_shared<const OnnxNumbers>(shape_of(picture(node, 0), node, source_));
  } else if (op == "Reshape") {
    const OnnxAttributes a(node, source_, {"allowzero", "shape"});
    OnnxNumbers shape;
    if (graph_.opset < 5) {
      const std::vector<int64_t> list = a.integers("shape", {});
      shape = {{static_cast<int64_t>(list.size())}, {list.begin(), list.end()}, {}, ElementType::i64};
    } else {
      const Value& input = value(node, 1);
      if (!std::holds_alternative<Numbers>(input)) refuse(node, "has a shape that is not made of numbers");
      shape = *std::get<Numbers>(input);
    }
    // Then 0 is an extent, of a picture without pixels.
    if (a.integer("allowzero", 0) != 0 && std::count(shape.values.begin(), shape.values.end(), 0) > 0) {
      refuse(node, "reshapes a picture to an extent of 0");
    }
    set(node, reshape(picture(node, 0), shape, sizes_, node, source_));
  } else if (op == "Transpose") {
    set(node, transpose(picture(node, 0), node, source_));
  } else if (op == "Unsqueeze" || op == "Squeeze") {
    const OnnxAttributes a(node, source_, {"axes"});
    const std::vector<int64_t> axes = has_input(node, 1) ? integers(node, 1) : a.integers("axes", {});
    set(node, op == "Squeeze" ? squeeze(picture(node, 0), axes, node, source_)
                              : unsqueeze(picture(node, 0), axes, node, source_));
  } else if (op == "Expand" || op == "Tile") {
    run_expand(node);
  } else if (op == "Concat") {
    run_concatenation(node);
  } else {
    return false;
  }
  return true;
}

void OnnxReader::run_expand(const OnnxNode& node) {
  const OnnxAttributes a(node, source_, {});
  OnnxPicture result = picture(node, 0);
  const Value& input = value(node, 1);
  if (!std::holds_alternative<Numbers>(input)) refuse(node, "has a shape that is not made of numbers");
  const OnnxNumbers& numbers = *std::get<Numbers>(input);
  const size_t rank = numbers.values.size(), axes = result.axes.size();
  const bool tile = node.op == "Tile";
  if (rank > axes || (tile && rank != axes)) refuse(node, "has {} numbers for {} axes", rank, axes);
  for (size_t i = 0; i < rank; ++i) {
    const size_t axis = i + axes - rank;
    const auto& atoms = result.axes[axis];
    const bool channels = std::all_of(atoms.begin(), atoms.end(),
                                      [](const auto& atom) { return atom.kind == OnnxPicture::Atom::Kind::channel; });
    const bool single =
        channels && std::all_of(atoms.begin(), atoms.end(), [](const auto& x) { return x.extent == 1; });
    if (numbers.unit(i) != OnnxUnit::one) {
      if (channels || tile) refuse(node, "repeats axis {} by a factor that depends on the picture's size", axis);
      continue;
    }
    // Expand only changes extents of 1.
    if (!tile && !single) continue;
    result = repeat(result, axis, to_integer(numbers.values[i]), node, source_);
  }
  set(node, result);
}

/// Of the same picture, several times.
void OnnxReader::run_concatenation(const OnnxNode& node) {
  const OnnxPicture& first = picture(node, 0);
  const auto rank = static_cast<int64_t>(first.axes.size());
  const OnnxAttributes a(node, source_, {"axis"});
  const int64_t told = a.integer("axis", 1), axis = told < 0 ? told + rank : told;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const bool same = std::holds_alternative<OnnxPicture>(value(node, i)) && picture(node, i).layer == first.layer &&
                      picture(node, i).axes == first.axes;
    if (!same) refuse(node, "joins the channels of different pictures, which is not supported");
  }
  if (axis < 0 || axis >= rank) refuse(node, "has the axis {}, but only {} axes", told, rank);
  OnnxPicture result =
      repeat(first, static_cast<size_t>(axis), static_cast<int64_t>(node.inputs.size()), node, source_);
  // Every input but one is a reader that stays.
  set(node, std::move(result));
}

}  // namespace fsrcnn
