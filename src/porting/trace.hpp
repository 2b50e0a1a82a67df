#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "porting/number_type.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

struct TraceOptions {
  /// What everything is computed in. Fixed point: weights, input and the result of every step are rounded to words; the
  /// sums within a step are exact, as in an accumulator that is wide enough.
  NumberType type = {};
  TensorFormat format = TensorFormat::npy;
  std::vector<std::string> layers = {};          ///< parts of names of layers or steps that are wanted; empty: all
  std::string model_name = {}, input_name = {};  ///< for the manifest
};

/// "feature extraction", "PReLU" -> "feature_extraction_prelu": a dump's name without its number. What might not be in
/// a file's name becomes '_'.
std::string dump_name(const std::string& layer, const std::string& step);

/// One tensor that was written.
struct TraceEntry {
  std::string file, layer, step;
  Shape shape;
  double min, max, mean;
};

/// Writes every tensor on the way of `input` (1, channels, H, W) through the network, numbered in order, and within
/// each transposed convolution the steps of the slides: zeros inserted, padded, kernel turned, the sum of each input
/// channel (the outputs of channel 0 first), their sum; and manifest.json, which has the layers and, for each file:
/// layer, step, shape, layout, type, min, max, mean, SHA-256, how to read it. The folder appears whole or not at all.
/// The network must have a scale. Throws Error(usage) if `layers` leave nothing or the type is too wide for exact sums,
/// Error(input), Error(io).
std::vector<TraceEntry> write_trace(const Network& network, const Tensor<float>& input, const TraceOptions& options,
                                    const std::filesystem::path& folder);

/// A network whose weights, biases and slopes are rounded to the type.
Network quantised(Network network, const FixedPoint& type);

}  // namespace fsrcnn
