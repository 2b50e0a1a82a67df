#include "network/formats/onnx_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

/// Of what operators make; a graph's own tensors may have more.
constexpr int64_t kMostComputed = 1 << 22;
constexpr size_t kMostNumberAxes = 8;

int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > kMostComputed * 64 / extent)) return -1;
    count *= extent;
  }
  return count;
}

class Runner {
 public:
  Runner(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs, int64_t opset, const std::string& source)
      : node_(node), inputs_(inputs), opset_(opset), source_(source) {}

  std::optional<OnnxNumbers> run() {
    const std::string& op = node_.op;
    if (inputs_.empty() || inputs_[0] == nullptr) return std::nullopt;
    if (op == "Cast") return cast();
    if (op == "Reshape") return reshape();
    if (op == "Transpose") return transpose();
    if (op == "Unsqueeze") return unsqueeze();
    if (op == "Squeeze") return squeeze();
    if (op == "Concat") return concatenate();
    if (op == "Slice") return slice();
    if (op == "Gather") return gather();
    if (op == "Expand") return expand();
    if (op == "ConstantOfShape") return constant_of_shape();
    if (op == "Shape") return shape_of();
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Equal" || op == "Min" || op == "Max") {
      return combine();
    }
    if (op == "Neg" || op == "Floor" || op == "Ceil" || op == "Round" || op == "Sqrt" || op == "Abs") return change();
    if (op == "Where") return where();
    if (op == "ReduceProd") return product();
    return std::nullopt;
  }

 private:
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
    const int64_t count = count_of(shape);
    if (count < 0 || count > kMostComputed || shape.size() > kMostNumberAxes) {
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
    OnnxNumbers to{std::move(shape), {}, {}, from.integers};
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

  OnnxNumbers cast() const {
    const OnnxAttributes a = attributes({"to", "saturate", "round_mode"});
    const std::optional<ElementType> type = onnx_element_type(a.integer("to", 0));
    if (!type) refuse("casts to an unsupported type");
    OnnxNumbers to = input(0);
    const bool floats = *type == ElementType::f16 || *type == ElementType::bf16 || *type == ElementType::f32 ||
                        *type == ElementType::f64;
    to.integers = !floats;
    for (size_t i = 0; !floats && i < to.values.size(); ++i) {
      const double whole = *type == ElementType::boolean ? (to.values[i] != 0 ? 1 : 0) : std::trunc(to.values[i]);
      if (to.unit(i) != OnnxUnit::one && whole != to.values[i]) refuse("rounds a size that depends on the picture");
      to.values[i] = whole;
    }
    return to;
  }

  OnnxNumbers reshape() const {
    const OnnxAttributes a = attributes({"allowzero", "shape"});
    OnnxNumbers to = input(0);
    std::vector<int64_t> shape = opset_ < 5 ? a.integers("shape", {}) : integers(1);
    const auto count = static_cast<int64_t>(to.values.size());
    int64_t known = 1, open = -1;
    if (shape.size() > kMostNumberAxes) refuse("makes {} axes", shape.size());
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
    if (count_of(shape) != count) refuse("reshapes {} numbers to {}", count, to_string(shape));
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
    if (list.size() > kMostNumberAxes) refuse("has {} axes", list.size());
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
    if (to.shape.size() > kMostNumberAxes) refuse("makes {} axes", to.shape.size());
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
    OnnxNumbers to{first.shape, {}, {}, first.integers};
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
      if (s == 0 || std::abs(s) > kMostComputed) refuse("has a step of {}", s);
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

  OnnxNumbers expand() const {
    const std::vector<int64_t> shape = broadcast(input(0).shape, integers(1));
    return pick(shape, broadcast_places(input(0).shape, shape));
  }

  OnnxNumbers constant_of_shape() const {
    double value = 0;
    bool whole = false;
    OnnxAttributes(node_, source_, {"value"});
    for (const OnnxAttribute& a : node_.attributes) {
      if (!a.tensor || a.tensor->values.size() != 1) refuse("has a value that is not a single number");
      value = a.tensor->values[0];
      whole = a.tensor->type != ElementType::f32 && a.tensor->type != ElementType::f16 &&
              a.tensor->type != ElementType::f64 && a.tensor->type != ElementType::bf16;
    }
    const std::vector<int64_t> shape = integers(0);
    return {shape, std::vector<double>(static_cast<size_t>(checked_count(shape)), value), {}, whole};
  }

  OnnxNumbers shape_of() const {
    OnnxAttributes(node_, source_, {});
    const std::vector<int64_t>& shape = input(0).shape;
    return {{static_cast<int64_t>(shape.size())}, {shape.begin(), shape.end()}, {}, true};
  }

  OnnxNumbers combine() const {
    OnnxAttributes(node_, source_, {});
    if (inputs_.size() != 2) refuse("has {} inputs; 2 are supported", inputs_.size());
    const OnnxNumbers &a = input(0), &b = input(1);
    OnnxNumbers to{broadcast(a.shape, b.shape), {}, {}, a.integers && b.integers};
    const std::vector<int64_t> left = broadcast_places(a.shape, to.shape), right = broadcast_places(b.shape, to.shape);
    for (size_t i = 0; i < left.size(); ++i) {
      const auto l = static_cast<size_t>(left[i]), r = static_cast<size_t>(right[i]);
      OnnxUnit unit = OnnxUnit::one;
      to.values.push_back(combine(a.values[l], a.unit(l), b.values[r], b.unit(r), to.integers, unit));
      to.units.push_back(unit);
    }
    if (to.is_constant()) to.units.clear();
    return to;
  }
  double combine(double x, OnnxUnit of_x, double y, OnnxUnit of_y, bool whole, OnnxUnit& unit) const {
    const std::string& op = node_.op;
    const bool both_one = of_x == OnnxUnit::one && of_y == OnnxUnit::one;
    if (op == "Mul" && (of_x == OnnxUnit::one || of_y == OnnxUnit::one)) {
      unit = of_x == OnnxUnit::one ? of_y : of_x;
      return x * y;
    }
    if (op == "Div" && (of_y == OnnxUnit::one || of_y == of_x)) {
      if (y == 0) refuse("divides by 0");
      unit = of_y == of_x ? OnnxUnit::one : of_x;
      const double quotient = x / y;
      if (whole && unit != OnnxUnit::one && quotient != std::trunc(quotient)) {
        refuse("rounds a size that depends on the picture");
      }
      return whole ? std::trunc(quotient) : quotient;
    }
    if ((op == "Add" || op == "Sub") && (of_x == of_y || x == 0 || y == 0)) {
      const double sum = op == "Add" ? x + y : x - y;
      unit = sum == 0 || both_one ? OnnxUnit::one : x == 0 ? of_y : of_x;
      return sum;
    }
    if (op == "Equal" && both_one) return x == y ? 1 : 0;
    // A size is never -1, which is what exporters ask.
    if (op == "Equal" && (of_x == OnnxUnit::one ? x : y) < 0) return 0;
    if (op == "Min" && both_one) return std::min(x, y);
    if (op == "Max" && both_one) return std::max(x, y);
    refuse("computes with sizes that depend on the picture");
  }

  OnnxNumbers change() const {
    OnnxAttributes(node_, source_, {});
    OnnxNumbers to = input(0);
    for (size_t i = 0; i < to.values.size(); ++i) {
      double& x = to.values[i];
      const double before = x;
      x = node_.op == "Neg"     ? -x
          : node_.op == "Floor" ? std::floor(x)
          : node_.op == "Ceil"  ? std::ceil(x)
          : node_.op == "Round" ? std::nearbyint(x)
          : node_.op == "Abs"   ? std::abs(x)
                                : std::sqrt(x);
      if (to.unit(i) != OnnxUnit::one && x != before) refuse("rounds a size that depends on the picture");
    }
    return to;
  }

  OnnxNumbers where() const {
    OnnxAttributes(node_, source_, {});
    const OnnxNumbers &condition = input(0), &a = input(1), &b = input(2);
    if (!condition.is_constant()) refuse("selects by a size that depends on the picture");
    OnnxNumbers to{broadcast(broadcast(condition.shape, a.shape), b.shape), {}, {}, a.integers};
    const std::vector<int64_t> choice = broadcast_places(condition.shape, to.shape),
                               left = broadcast_places(a.shape, to.shape), right = broadcast_places(b.shape, to.shape);
    for (size_t i = 0; i < choice.size(); ++i) {
      const bool first = condition.values[static_cast<size_t>(choice[i])] != 0;
      const OnnxNumbers& from = first ? a : b;
      const auto place = static_cast<size_t>(first ? left[i] : right[i]);
      to.values.push_back(from.values[place]);
      to.units.push_back(from.unit(place));
    }
    if (to.is_constant()) to.units.clear();
    return to;
  }

  /// Of a list: the number of elements of a shape.
  OnnxNumbers product() const {
    const OnnxAttributes a = attributes({"axes", "keepdims", "noop_with_empty_axes"});
    const OnnxNumbers& from = input(0);
    if (from.shape.size() != 1 || !from.is_constant()) refuse("multiplies something other than a list of constants");
    double all = 1;
    for (const double v : from.values) all *= v;
    return {a.integer("keepdims", 1) != 0 ? std::vector<int64_t>{1} : std::vector<int64_t>{}, {all}, {}, from.integers};
  }

  const OnnxNode& node_;
  const std::vector<const OnnxNumbers*>& inputs_;
  int64_t opset_;
  const std::string& source_;
};

}  // namespace

bool OnnxNumbers::is_constant() const {
  return std::all_of(units.begin(), units.end(), [](OnnxUnit u) { return u == OnnxUnit::one; });
}

std::optional<OnnxNumbers> run_on_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                          int64_t opset, const std::string& source) {
  return Runner(node, inputs, opset, source).run();
}

int64_t to_integer(double value) {
  if (!(value > -9.2e18)) return INT64_MIN;
  return value < 9.2e18 ? static_cast<int64_t>(value) : INT64_MAX;
}

}  // namespace fsrcnn
