#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "network/state_dict.hpp"

namespace fsrcnn {

/// Weights as one text of numbers, for compilers of C and of hardware:
///
///     c_header  an array `static const float first_part_0_weight[1400]` for each tensor, 8 numbers a line
///     mem       float32's bits as 8 hexadecimal digits a line, for Verilog's $readmemh
///     coe       the same for Xilinx' block memory generator (memory_initialization_radix 16)
///
/// A comment before each tensor has its name and shape, "first_part.0.weight (56, 1, 5, 5)", and others the metadata,
/// "metadata scale 2"; reading needs them.
enum class WordForm { c_header, mem, coe };

/// `source` names the file in messages. Throws Error(model).
StateDict parse_word_file(std::string_view text, WordForm form, const std::string& source);

std::string format_word_file(const StateDict& state_dict, WordForm form);

}  // namespace fsrcnn
