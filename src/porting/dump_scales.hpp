#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "network/quantisation.hpp"

namespace fsrcnn {

/// Scales of integer dumps, by the scale_key of their files.
using DumpScales = std::map<std::string, Quantisation>;

/// Reads {"conv1": 0.05, "conv2.npy": {"scale": 0.05, "zero_point": 3}, "conv3": [0.05, 3]}, also within "scales", or
/// text with lines of NAME SCALE [ZERO_POINT]. Empty: it has none.
DumpScales parse_dump_scales(std::string_view text);

/// "Dumps/Conv1.npy" -> "conv1"; a dot within a name is none of a suffix: "body.1".
std::string scale_key(std::string_view name);

/// Whether a file is called like one of scales: "scales.json", "act_scales.txt", "quant_params.json".
bool is_called_scales(const std::string& stem);

}  // namespace fsrcnn
