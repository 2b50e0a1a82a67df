#include "network/formats/onnx_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "network/formats/onnx_operands.hpp"

namespace fsrcnn {
namespace {

/// Values are doubles, which hold these integers exactly.
constexpr double kMostExact = 9007199254740992;  // 2^53

bool is_exact(double integer) { return std::abs(integer) <= kMostExact; }

/// The integer of a type whose low bits these are: how runtimes cast and overflow.
template <class T>
double low_bits_as(uint64_t bits) {
  return static_cast<double>(static_cast<T>(bits));
}
double low_bits(uint64_t bits, ElementType type) {
  switch (type) {
    case ElementType::u8: return low_bits_as<uint8_t>(bits);
    case ElementType::i8: return low_bits_as<int8_t>(bits);
    case ElementType::u16: return low_bits_as<uint16_t>(bits);
    case ElementType::i16: return low_bits_as<int16_t>(bits);
    case ElementType::u32: return low_bits_as<uint32_t>(bits);
    case ElementType::i32: return low_bits_as<int32_t>(bits);
    case ElementType::u64: return low_bits_as<uint64_t>(bits);
    case ElementType::boolean: return bits != 0 ? 1 : 0;
    default: return low_bits_as<int64_t>(bits);
  }
}

bool is_signed(ElementType type) {
  return type == ElementType::i8 || type == ElementType::i16 || type == ElementType::i32 || type == ElementType::i64;
}

/// The least integer of a type, and one more than the greatest.
double end_of(ElementType type) {
  return std::ldexp(1.0, static_cast<int>(8 * bytes_of(type)) - (is_signed(type) ? 1 : 0));
}
double least_of(ElementType type) { return is_signed(type) ? -end_of(type) : 0; }

/// The operators that compute: each number as its type computes it.
class Computation : private OnnxOperands {
 public:
  using OnnxOperands::OnnxOperands;

  std::optional<OnnxNumbers> run() {
    const std::string& op = node_.op;
    if (op == "Cast") return cast();
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
  OnnxNumbers cast() const {
    const OnnxAttributes a = attributes({"to", "saturate", "round_mode"});
    const std::optional<ElementType> type = onnx_element_type(a.integer("to", 0));
    if (!type) refuse("casts to an unsupported type");
    OnnxNumbers to = input(0);
    to.type = *type;
    for (size_t i = 0; i < to.values.size(); ++i) {
      if (to.unit(i) == OnnxUnit::one) {
        to.values[i] = cast(to.values[i], input(0).type, *type);
      } else if (!is_float(*type) && (bytes_of(*type) < 4 || to.values[i] != std::trunc(to.values[i]))) {
        refuse("rounds a size that depends on the picture");
      }
    }
    return to;
  }
  double cast(double value, ElementType from, ElementType to) const {
    if (from == to) return value;
    if (is_float(to)) return rounded(value, to);
    if (to == ElementType::boolean) return value != 0 ? 1 : 0;
    const double whole = std::trunc(value);
    if (whole >= least_of(to) && whole < end_of(to)) return whole;
    if (is_float(from)) {
      refuse("casts {:.9g} to {}, which holds {:.0f} to {:.0f}; what comes of it differs between runtimes", value,
             to_string(to), least_of(to), end_of(to) - 1);
    }
    return low_bits(bits_of(value), to);
  }
  /// Of an integer.
  uint64_t bits_of(double value) const {
    if (!is_exact(value)) refuse("computes with the integer {:.0f}; integers of at most 53 bits are supported", value);
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  }

  OnnxNumbers constant_of_shape() const {
    double value = 0;
    ElementType type = ElementType::f32;
    OnnxAttributes(node_, source_, {"value"});
    for (const OnnxAttribute& a : node_.attributes) {
      if (!a.tensor || a.tensor->values.size() != 1) refuse("has a value that is not a single number");
      value = a.tensor->values[0];
      type = a.tensor->type;
    }
    const std::vector<int64_t> shape = integers(0);
    return {shape, std::vector<double>(static_cast<size_t>(checked_count(shape)), value), {}, type};
  }

  OnnxNumbers shape_of() const {
    OnnxAttributes(node_, source_, {});
    const std::vector<int64_t>& shape = input(0).shape;
    return {{static_cast<int64_t>(shape.size())}, {shape.begin(), shape.end()}, {}, ElementType::i64};
  }

  OnnxNumbers combine() const {
    OnnxAttributes(node_, source_, {});
    if (inputs_.size() != 2) refuse("has {} inputs; 2 are supported", inputs_.size());
    const OnnxNumbers &a = input(0), &b = input(1);
    if (a.type != b.type) {
      refuse("combines {} with {}; both inputs must have the same type", to_string(a.type), to_string(b.type));
    }
    OnnxNumbers to{broadcast(a.shape, b.shape), {}, {}, node_.op == "Equal" ? ElementType::boolean : a.type};
    const std::vector<int64_t> left = broadcast_places(a.shape, to.shape), right = broadcast_places(b.shape, to.shape);
    for (size_t i = 0; i < left.size(); ++i) {
      const auto l = static_cast<size_t>(left[i]), r = static_cast<size_t>(right[i]);
      OnnxUnit unit = OnnxUnit::one;
      const bool both_one = a.unit(l) == OnnxUnit::one && b.unit(r) == OnnxUnit::one;
      to.values.push_back(both_one ? combine(a.values[l], b.values[r], a.type)
                                   : combine_sizes(a.values[l], a.unit(l), b.values[r], b.unit(r), a.type, unit));
      to.units.push_back(unit);
    }
    if (to.is_constant()) to.units.clear();
    return to;
  }
  double combine(double x, double y, ElementType type) const { return combine(node_.op, x, y, type); }
  double combine(std::string_view op, double x, double y, ElementType type) const {
    if (op == "Equal") return x == y ? 1 : 0;
    if (op == "Min") return std::min(x, y);
    if (op == "Max") return std::max(x, y);
    if (op == "Div" && y == 0) refuse("divides by 0");
    if (is_float(type)) {
      return rounded(op == "Mul" ? x * y : op == "Div" ? x / y : op == "Add" ? x + y : x - y, type);
    }
    const uint64_t a = bits_of(x), b = bits_of(y);
    const uint64_t result = op == "Mul"   ? a * b
                            : op == "Div" ? static_cast<uint64_t>(static_cast<int64_t>(a) / static_cast<int64_t>(b))
                            : op == "Add" ? a + b
                                          : a - b;
    return checked(low_bits(result, type));
  }
  /// An integer that is a result.
  double checked(double value) const {
    if (!is_exact(value)) refuse("makes the integer {:.0f}; integers of at most 53 bits are supported", value);
    return value;
  }
  /// One or both are sizes that depend on the picture.
  double combine_sizes(double x, OnnxUnit of_x, double y, OnnxUnit of_y, ElementType type, OnnxUnit& unit) const {
    const std::string& op = node_.op;
    if (op == "Mul" && (of_x == OnnxUnit::one || of_y == OnnxUnit::one)) {
      unit = of_x == OnnxUnit::one ? of_y : of_x;
      return x * y;
    }
    if (op == "Div" && (of_y == OnnxUnit::one || of_y == of_x)) {
      if (y == 0) refuse("divides by 0");
      unit = of_y == of_x ? OnnxUnit::one : of_x;
      const double quotient = x / y;
      if (is_float(type)) return quotient;
      if (unit != OnnxUnit::one && quotient != std::trunc(quotient)) {
        refuse("rounds a size that depends on the picture");
      }
      return std::trunc(quotient);
    }
    if ((op == "Add" || op == "Sub") && (of_x == of_y || x == 0 || y == 0)) {
      const double sum = op == "Add" ? x + y : x - y;
      unit = sum == 0 ? OnnxUnit::one : x == 0 ? of_y : of_x;
      return sum;
    }
    // A size is never -1, which is what exporters ask.
    if (op == "Equal" && (of_x == OnnxUnit::one ? x : y) < 0) return 0;
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
      if (to.unit(i) != OnnxUnit::one) {
        if (x != before) refuse("rounds a size that depends on the picture");
      } else if (is_float(to.type)) {
        x = rounded(x, to.type);
      } else if (x != before) {
        x = low_bits(bits_of(std::trunc(x)), to.type);
      }
    }
    return to;
  }

  OnnxNumbers where() const {
    OnnxAttributes(node_, source_, {});
    const OnnxNumbers &condition = input(0), &a = input(1), &b = input(2);
    if (!condition.is_constant()) refuse("selects by a size that depends on the picture");
    OnnxNumbers to{broadcast(broadcast(condition.shape, a.shape), b.shape), {}, {}, a.type};
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
    for (const double v : from.values) all = combine("Mul", all, v, from.type);
    return {a.integer("keepdims", 1) != 0 ? std::vector<int64_t>{1} : std::vector<int64_t>{}, {all}, {}, from.type};
  }
};

}  // namespace

bool OnnxNumbers::is_constant() const {
  return std::all_of(units.begin(), units.end(), [](OnnxUnit u) { return u == OnnxUnit::one; });
}

std::optional<OnnxNumbers> run_on_numbers(const OnnxNode& node, const std::vector<const OnnxNumbers*>& inputs,
                                          int64_t opset, const std::string& source) {
  if (inputs.empty() || inputs[0] == nullptr) return std::nullopt;
  std::optional<OnnxNumbers> moved = rearrange_numbers(node, inputs, opset, source);
  return moved ? moved : Computation(node, inputs, opset, source).run();
}

int64_t to_integer(double value) {
  if (!(value > -9.2e18)) return INT64_MIN;
  return value < 9.2e18 ? static_cast<int64_t>(value) : INT64_MAX;
}

}  // namespace fsrcnn
