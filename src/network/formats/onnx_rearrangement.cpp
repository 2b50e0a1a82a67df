#include <algorithm>
#include <numeric>
#include <utility>

#include "network/formats/onnx_operands.hpp"

namespace fsrcnn {
namespace {

/// The operators that move numbers and change none.
class Rearrangement : private OnnxOperands {
 public:
  using OnnxOperands::OnnxOperands;

  std::optional<OnnxNumbers> run() {
    const std::string& op = node_.op;
    if (op == "Reshape") return reshape();
    if (op == "Transpose") return transpose();
    if (op == "Unsqueeze") return unsqueeze();
    if (op == "Squeeze") return squeeze();
    if (op == "Concat") return concatenate();
    if (op == "Slice") return slice();
    if (op == "Gather") return gather();
    if (op == "Expand") return expand();
    return std::nullopt;
  }

 private:
  OnnxNumbers reshape() const {
    const OnnxAttributes a = attributes({"allowzero", "shape"});
    OnnxNumbers to = input(0);
    std::vector<int64_t> shape = opset_ < 5 ? a.integers("shape", {}) : integers(1);
    const auto count = static_cast<int64_t>(to.values.size());
    int64_t known = 1, open = -1;
    if (shape.size() > kMostOnnxNumberAxes) refuse("makes {} axes", shape.size());
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0 && a.integer("allowzero", 0) == 0) shape[i] = i < to.shape.size() ? to.shape[i] : 0;
      if (shape[i] < -1 || (shape[i] == -1 && open >= 0)) refuse("reshapes to {}", to_string(shape));
      if (shape[i] == -1) {
        open = static_cast<int64_t>(i);
      } else if (shape[i] > count && count > 0) {
        refuse("reshapes {} numbers to {}", count, to_string(shape));
      } else {
        known = shape[i] == 0 ? 0 : known > count ? known : known * shape[i];
      }
    }
    if (open >= 0 && known > 0) shape[static_cast<size_t>(open)] = count / known;
    if (onnx_count(shape) != count) refuse("reshapes {} numbers to {}", count, to_string(shape));
    to.shape = shape;
    return to;
  }

  OnnxNumbers transpose() const {
    const OnnxNumbers& from = input(0);
    std::vector<int64_t> order(from.shape.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
    order = attributes({"perm"}).integers("perm", order, order.size());
    const std::vector<int64_t> strides = strides_of(from.shape);
    std::vector<int64_t> shape, steps, sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < order.size(); ++i) {
      if (sorted[i] != static_cast<int64_t>(i)) refuse("has the order {}", to_string(order));
      shape.push_back(from.shape[static_cast<size_t>(order[i])]);
      steps.push_back(strides[static_cast<size_t>(order[i])]);
    }
    return pick(shape, places_of(shape, [&](const auto& at) {
                  return std::inner_product(at.begin(), at.end(), steps.begin(), int64_t{0});
                }));
  }

  std::vector<int64_t> axes(const OnnxAttributes& a, size_t rank) const {
    std::vector<int64_t> list = a.has("axes") ? a.integers("axes", {}) : has(1) ? integers(1) : std::vector<int64_t>();
    if (list.size() > kMostOnnxNumberAxes) refuse("has {} axes", list.size());
    for (int64_t& axis : list) axis = axis_of(axis, rank == 0 ? list.size() : rank);
    std::sort(list.begin(), list.end());
    if (std::adjacent_find(list.begin(), list.end()) != list.end()) refuse("names an axis twice");
    return list;
  }
  OnnxNumbers unsqueeze() const {
    const OnnxAttributes a = attributes({"axes"});
    OnnxNumbers to = input(0);
    const size_t added = a.has("axes") ? a.integers("axes", {}).size() : integers(1).size();
    for (const int64_t axis : axes(a, to.shape.size() + added)) to.shape.insert(to.shape.begin() + axis, 1);
    if (to.shape.size() > kMostOnnxNumberAxes) refuse("makes {} axes", to.shape.size());
    return to;
  }
  OnnxNumbers squeeze() const {
    const OnnxAttributes a = attributes({"axes"});
    OnnxNumbers to = input(0);
    std::vector<int64_t> list = axes(a, to.shape.size());
    if (!a.has("axes") && !has(1)) {
      for (size_t i = 0; i < to.shape.size(); ++i) {
        if (to.shape[i] == 1) list.push_back(static_cast<int64_t>(i));
      }
    }
    for (size_t i = list.size(); i-- > 0;) {
      if (to.shape[static_cast<size_t>(list[i])] != 1)
        refuse("drops an axis whose extent is not 1, of shape {}", to_string(to.shape));
      to.shape.erase(to.shape.begin() + list[i]);
    }
    return to;
  }

  OnnxNumbers concatenate() const {
    const OnnxNumbers& first = input(0);
    const OnnxAttributes a = attributes({"axis"});
    const auto axis = static_cast<size_t>(axis_of(a.integer("axis", opset_ < 4 ? 1 : 0), first.shape.size()));
    OnnxNumbers to{first.shape, {}, {}, first.type};
    to.shape[axis] = 0;
    int64_t outer = 1;
    for (size_t i = 0; i < axis; ++i) outer *= first.shape[i];
    bool units = false;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      std::vector<int64_t> shape = input(i).shape;
      if (shape.size() != first.shape.size()) refuse("joins numbers of different shapes");
      to.shape[axis] += shape[axis];
      shape[axis] = first.shape[axis];
      if (shape != first.shape) refuse("joins numbers of different shapes");
      units = units || !input(i).units.empty();
      checked_count(to.shape);
    }
    for (int64_t block = 0; block < outer; ++block) {
      for (const OnnxNumbers* from : inputs_) {
        const auto size = static_cast<int64_t>(from->values.size()) / outer;
        for (int64_t i = block * size; i < (block + 1) * size; ++i) {
          to.values.push_back(from->values[static_cast<size_t>(i)]);
          if (units) to.units.push_back(from->unit(static_cast<size_t>(i)));
        }
      }
    }
    return to;
  }

  OnnxNumbers slice() const {
    const OnnxNumbers& from = input(0);
    const OnnxAttributes a = attributes({"axes", "starts", "ends"});
    const bool by_inputs = opset_ >= 10;
    const std::vector<int64_t> starts = by_inputs ? integers(1) : a.integers("starts", {});
    const std::vector<int64_t> ends = by_inputs ? integers(2) : a.integers("ends", {});
    std::vector<int64_t> of(starts.size()), steps(starts.size(), 1);
    std::iota(of.begin(), of.end(), 0);
    if (by_inputs ? has(3) : a.has("axes")) of = by_inputs ? integers(3) : a.integers("axes", {});
    if (by_inputs && has(4)) steps = integers(4);
    if (ends.size() != starts.size() || of.size() != starts.size() || steps.size() != starts.size()) {
      refuse("has lists of different lengths");
    }
    std::vector<int64_t> shape = from.shape, first(shape.size(), 0), step(shape.size(), 1);
    for (size_t i = 0; i < starts.size(); ++i) {
      const auto axis = static_cast<size_t>(axis_of(of[i], shape.size()));
      const int64_t n = from.shape[axis], s = steps[i];
      if (s == 0 || std::abs(s) > kMostOnnxComputed) refuse("has a step of {}", s);
      const auto place = [&](int64_t at, int64_t low, int64_t high) {
        return std::clamp(at < 0 ? std::max(at, -n - 1) + n : at, low, high);
      };
      const int64_t begin = s > 0 ? place(starts[i], 0, n) : place(starts[i], -1, n - 1);
      const int64_t end = s > 0 ? place(ends[i], 0, n) : place(ends[i], -1, n - 1);
      first[axis] = begin;
      step[axis] = s;
      shape[axis] = std::max<int64_t>(0, s > 0 ? (end - begin + s - 1) / s : (begin - end - s - 1) / -s);
    }
    const std::vector<int64_t> strides = strides_of(from.shape);
    return pick(shape, places_of(shape, [&](const auto& at) {
                  int64_t place = 0;
                  for (size_t i = 0; i < at.size(); ++i) place += (first[i] + at[i] * step[i]) * strides[i];
                  return place;
                }));
  }

  OnnxNumbers gather() const {
    const OnnxNumbers &from = input(0), &indices = input(1);
    const auto axis = static_cast<size_t>(axis_of(attributes({"axis"}).integer("axis", 0), from.shape.size()));
    if (!indices.is_constant()) refuse("gathers at indices that depend on the picture");
    std::vector<int64_t> shape(from.shape.begin(), from.shape.begin() + static_cast<ptrdiff_t>(axis));
    shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
    shape.insert(shape.end(), from.shape.begin() + static_cast<ptrdiff_t>(axis) + 1, from.shape.end());
    std::vector<int64_t> places;
    const int64_t count = checked_count(shape), inner = strides_of(from.shape)[axis], n = from.shape[axis];
    const auto chosen = static_cast<int64_t>(indices.values.size());
    for (int64_t i = 0; i < count; ++i) {
      int64_t index = to_integer(indices.values[static_cast<size_t>(i / inner % chosen)]);
      if (index < -n || index >= n) refuse("gathers at {} of {}", index, n);
      index += index < 0 ? n : 0;
      places.push_back((i / inner / chosen * n + index) * inner + i % inner);
    }
    return pick(shape, places);
  }

  OnnxNumbers expand() const {
    const std::vector<int64_t> shape = broadcast(input(0).shape, integers(1));
    return pick(shape, broadcast_places(input(0).shape, shape));
  }
};

}  // namespace

std::optional<OnnxNumbers> rearrange_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                             int64_t opset, const std::string& source) {
  return Rearrangement(node, inputs, opset, source).run();
}

}  // namespace fsrcnn
