#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "network/network.hpp"
#include "porting/evidence.hpp"
#include "porting/network_place.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// A tensor that a port (or the framework it is compared with) wrote.
struct Dump {
  std::string name;  ///< of its place in the network, as parse_place() knows it
  std::string file;
  TensorFile tensor;
  bool is_picture = false;  ///< the file is one
  std::string matched =
      {};  ///< how the file was known to be of this place, where its name does not say it: "by number"
  std::optional<Quantisation> integers_of = {};  ///< the scale that is stated for its integers
};

struct DiagnoseRequest {
  const Network* network = nullptr;    ///< with a scale; its layers may be the last ones of a network only
  std::optional<Tensor<float>> input;  ///< the network's
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
  std::string cause = {};               ///< what explains it, if it does not agree
  std::string matched = {}, form = {};  ///< how the file's place was known; how its values were read, and what explains
                                        ///< small differences: "NHWC, by its shape", "weights of bfloat16"
  std::optional<Evidence> evidence = {};  ///< if it does not agree, and has the expected shape
  std::shared_ptr<const Tensor<float>> expected = nullptr, found = nullptr;  ///< what the evidence is of
};

/// A file that was given but not compared.
struct UnusedFile {
  std::string file, reason;
  bool may_differ = false;  ///< it may hold what a layer wrote, which was not compared
};

/// Mistakes that were tried, together, at a layer.
struct Hypothesis {
  std::string layer;
  std::vector<std::string> ids, sentences;
  double largest = 0, rms = 0;  ///< what it leaves unexplained; infinite if the shape is another
  bool explains = false;
  double explained =
      0;  ///< the share of the values that it explains (of a part of the picture, if it explains not all)
};

struct Diagnosis {
  bool right = true;
  std::string verdict;                ///< a sentence
  std::string partly = {};            ///< a cause that explains a part of the values, where none explains all
  std::string layer;                  ///< the first that differs
  std::vector<std::string> mistakes;  ///< ids; "not_finite"; "kernels", "bias", "slopes", "input" if found by solving
  std::vector<std::string> files;  ///< kernels (or biases) that did not make the output: "kernel/last/kernel17_0.txt"
  std::vector<std::string> same_result;  ///< sentences of other mistakes that would explain it too
  std::vector<std::string> notes;
  std::vector<LayerFinding> layers;
  std::vector<UnusedFile> unused;      ///< filled by who reads the files
  std::vector<Hypothesis> hypotheses;  ///< of the first layer that differs, the best ones first
};

/// Follows the dumps through the network. Each is compared with what the layers make of the dumps before it, so that
/// one mistake is not taken for many. Where one differs and a chain of layers leads to it from one dump, the mistakes
/// on record are tried alone and in pairs at each layer on the way; if none explains it, the layer's parameters or
/// input are solved for. Where values are added on the way, it is told that it differs, and whether a summand is
/// missing. `tell` hears what is being done. Throws Error(usage) for a dump whose name means no place, Error(input) if
/// there is nothing to compare.
Diagnosis diagnose(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell = nullptr);

}  // namespace fsrcnn
