#pragma once

#include <filesystem>

#include "network/state_dict.hpp"

namespace fsrcnn {

/// Text folders whose files list a tensor's values in OIHW order, without shapes: d, s and m come from the numbers of
/// biases.
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
/// (first_part_0_weight.txt, first_part_0_bias.txt), with their meaning, (word - zero point) * scale, in
/// first_part_0_w_scale.txt, first_part_0_w_zp.txt and first_part_0_b_scale.txt. The words may also be hexadecimal, in
/// two's complement, in first_part_0_weight.hex and its like. Sets without slopes are networks with ReLU, whose
/// convolutions in the middle may have other numbers (mid_part_3, mid_part_6). Where there are scales of the outputs
/// (first_part_2_out_scale.txt) and none of the biases, these count in products of pixels of 0 to 255, or of outputs,
/// and weights. Scales and zero points stand in the metadata as "quantisation" (quantisation.hpp).
bool is_zcu102_folder(const std::filesystem::path& folder);
/// Throws Error(model) naming the file that is missing or wrong.
StateDict read_zcu102(const std::filesystem::path& folder);
/// Kernels and slopes are rounded to 8 bits, biases to 24, each tensor by its largest magnitude, with zero point 0.
void write_zcu102(const StateDict& state_dict, const std::filesystem::path& folder, bool hex);

}  // namespace fsrcnn
