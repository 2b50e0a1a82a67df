#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/network.hpp"

namespace fsrcnn {

/// What a dump's name may say of its layer.
enum class DumpRole {
  none,
  input,
  output,
  feature_extraction,
  shrinking,
  mapping,
  expanding,
  transposed_convolution,
  interpolation,
  depth_to_space,
  addition
};

/// What it may say of the activation. `convolution` is a word that people also use for the whole layer.
enum class DumpState { unknown, convolution, before, after };

/// A name in parts: "layer3_mapping_0_relu" is of role mapping, after the activation, with the numbers 3 and, behind
/// the role, 0.
struct DumpWords {
  std::vector<std::string> tokens;   ///< words of letters and numbers, in lower case
  std::vector<std::string> numbers;  ///< behind the role's word, or else all
  DumpRole role = DumpRole::none;
  DumpState state = DumpState::unknown;
  std::string others;  ///< words that say none of this; names that differ in numbers and state alone have the same

  bool has(std::string_view word) const;
};

/// Words of letters and numbers, in lower case: "06_Mapping_1.prelu" -> "06", "mapping", "1", "prelu".
std::vector<std::string> tokens_of(const std::string& name);
bool is_number(const std::string& token);

DumpWords words_of_dump(const std::string& name);

/// The role that a layer has by its operator or, of an FSRCNN, by its name; none: a convolution like others.
DumpRole role_of(const Layer& layer);

}  // namespace fsrcnn
