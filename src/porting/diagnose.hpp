#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "model/model.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// A tensor that a port (or the framework it is compared with) wrote.
struct Dump {
  std::string name;  ///< of its place in the network, as parse_place() knows it
  std::string file;
  TensorFile tensor;
};

/// A tensor on the way through the network.
struct NetworkPlace {
  int64_t layer = -1;     ///< -1: the input
  bool activated = true;  ///< after the activation, of the tail after the clamp
  auto operator<=>(const NetworkPlace&) const = default;
};

/// The place that a name means: "input"; a layer ("expanding", "mapping_2"), with "_convolution" or "_prelu" behind it;
/// a key of the state_dict ("mid_part.10": before, "mid_part.11": after the activation); "mid", the deconvolution's
/// input; "deconvolution", before the clamp; "preds", after it. A number in front and a suffix are left out, so that a
/// file of `trace` names its place. Empty for anything else.
std::optional<NetworkPlace> parse_place(const Model& model, const std::string& name);

struct DiagnoseRequest {
  const Model* model = nullptr;       ///< with a scale; its layers may be the last ones of a network only
  std::optional<Tensor<float>> luma;  ///< the network's input
  std::map<std::string, std::shared_ptr<const Tensor<float>>> wrong_lumas = {};  ///< of mistakes.hpp
  std::vector<Dump> dumps;
  double tolerance = 1e-5;  ///< times a dump's full scale
};

/// A line of the table of layers.
struct LayerFinding {
  std::string layer, step, file;
  Shape shape = {0, 0, 0, 0};
  /// The largest, against what the layers before it make of the last dump; infinite: of another shape; NaN: a value of
  /// the dump is not finite.
  double difference = 0, tolerance = 0;
  bool agrees = false;
  std::string cause = {};  ///< what explains it, if it does not agree
};

/// Mistakes that were tried, together, at a layer.
struct Hypothesis {
  std::string layer;
  std::vector<std::string> ids, sentences;
  double largest = 0, rms = 0;  ///< what it leaves unexplained; infinite if the shape is another
  bool explains = false;
};

struct Diagnosis {
  bool right = true;
  std::string verdict;                ///< a sentence
  std::string layer;                  ///< the first that differs
  std::vector<std::string> mistakes;  ///< ids; "not_finite"; "kernels", "bias", "slopes", "input" if found by solving
  std::vector<std::string> files;  ///< kernels (or biases) that did not make the output: "kernel/last/kernel17_0.txt"
  std::vector<std::string> same_result;  ///< sentences of other mistakes that would explain it too
  std::vector<std::string> notes;
  std::vector<LayerFinding> layers;
  std::vector<Hypothesis> hypotheses;  ///< of the first layer that differs, the best ones first
};

/// Follows the dumps through the network. Each is compared with what the layers make of the dump before it, so that one
/// mistake is not taken for many. Where one differs, the mistakes on record are tried alone and in pairs at each layer
/// on the way; if none explains it, the layer's parameters or input are solved for. `tell` hears what is being done.
/// Throws Error(usage) for a dump whose name means no place, Error(input) if there is nothing to compare.
Diagnosis diagnose(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell = nullptr);

}  // namespace fsrcnn
