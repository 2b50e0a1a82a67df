#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "network/element_type.hpp"

namespace fsrcnn {

struct Network;

/// How an integer port represents a value: value = scale * (integer - zero_point). Values are the network's own, in
/// which white is 1.
struct Quantisation {
  double scale = 1;
  int64_t zero_point = 0;
  std::optional<ElementType> type = {};  ///< of the integers; empty: unknown
  bool operator==(const Quantisation&) const = default;
};

/// The least and greatest integer of a type of at most 32 bits; empty for other types.
struct IntegerRange {
  int64_t low, high;
};
std::optional<IntegerRange> integer_range(ElementType type);

/// "scale 0.0123, zero point -128, int8"
std::string to_string(const Quantisation& quantisation);

/// Scales and zero points of a network as one line of JSON: an object whose members are "input" and layers' names, each
/// with "scale", "zero_point" and, if known, "type" ("int8", "uint8", "int16", "uint16", "int32", "uint32"),
/// "weight_scale" (a number, or a list with one for each output channel) and "before_activation" (an object with scale,
/// zero_point and type). Empty if the network has none.
std::string format_scales(const Network& network);

/// Applies such JSON, or text with one value per line, `NAME SCALE ZERO_POINT [TYPE]`, where # starts a comment. NAME
/// is "input" or a layer's name ("mapping 1", "mapping_1"), key ("mid_part.2") or number, from 1 on. Replaces the
/// scales of the named values. Throws Error(model) naming `source`.
void apply_scales(Network& network, std::string_view text, const std::string& source);

}  // namespace fsrcnn
