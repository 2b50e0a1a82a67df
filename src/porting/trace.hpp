#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "model/model.hpp"
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

/// "feature extraction", "PReLU" -> "feature_extraction_prelu": a dump's name without its number.
std::string dump_name(const std::string& layer, const std::string& step);

/// One tensor that was written.
struct TraceEntry {
  std::string file, layer, step;
  Shape shape;
  double min, max, mean;
};

/// Writes every tensor on the way of luma (1, 1, H, W) through the network, numbered in order, and within the
/// deconvolution each step of the slides: zeros inserted, padded, kernel turned, the sum of each channel, their sum;
/// and manifest.json, which tells of each file: layer, step, shape, layout, type, min, max, mean, SHA-256, how to read
/// it. The folder appears whole or not at all. The model must have a scale.
/// Throws Error(usage) if `layers` leave nothing, Error(input), Error(io).
std::vector<TraceEntry> write_trace(const Model& model, const Tensor<float>& luma, const TraceOptions& options,
                                    const std::filesystem::path& folder);

/// A model whose weights, biases and slopes are rounded to the type.
Model quantised(Model model, const FixedPoint& type);

}  // namespace fsrcnn
