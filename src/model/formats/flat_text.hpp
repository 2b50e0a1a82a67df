#pragma once

#include <filesystem>

#include "model/state_dict.hpp"

namespace fsrcnn {

/// Folders of texts whose files have a tensor's values one after the other, in OIHW order, and no shape: d, s and m
/// come from the numbers of biases.
///
/// DeepC's set, the one that most ports in C and for FPGAs start from: weights_layer1.txt, biasess_layer1.txt (sic),
/// ... It has neither slopes nor the last bias; here they are slopes_layer1.txt, ... (or slopes.txt, one for each
/// layer) and biasess_layer<last>.txt. Its network pads by replication, the deconvolution's input by a border of one
/// pixel; a file zero_padding.txt or no_border.txt says that this one does not.
bool is_deepc_folder(const std::filesystem::path& folder);
/// Throws Error(model) naming the file that is missing or wrong.
StateDict read_deepc(const std::filesystem::path& folder);
void write_deepc(const StateDict& state_dict, const std::filesystem::path& folder);

/// The set of the ZCU102 ports: for each tensor of the state_dict signed integers in decimals, one a line
/// (first_part_0_weight.txt, first_part_0_bias.txt), with what they stand for: (word - zero point) * scale, in
/// first_part_0_w_scale.txt, first_part_0_w_zp.txt and first_part_0_b_scale.txt. The words may also be hexadecimal, in
/// two's complement, in first_part_0_weight.hex and its like.
bool is_zcu102_folder(const std::filesystem::path& folder);
/// Throws Error(model) naming the file that is missing or wrong.
StateDict read_zcu102(const std::filesystem::path& folder);
/// Kernels and slopes are rounded to 8 bits, biases to 24, each tensor by its largest magnitude, with zero point 0.
void write_zcu102(const StateDict& state_dict, const std::filesystem::path& folder, bool hex);

}  // namespace fsrcnn
