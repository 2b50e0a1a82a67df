#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "porting/diagnose.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// What is known around a segment that differs.
struct ExplainContext {
  const Network* network = nullptr;
  bool output_is_activated = true;
  double quantum = 0;
  std::map<std::string, std::shared_ptr<const Tensor<float>>> maps;  ///< of layers before, done right, by their name
  std::map<std::string, const Tensor<float>*> other_dumps;           ///< with as many values, by their place
  const Tensor<float>* activated = nullptr;  ///< the dump of the same layer from after its activation, if there is one
  std::map<std::string, std::shared_ptr<const Tensor<float>>> wrong_lumas;
  std::shared_ptr<const Tensor<float>> picture;  ///< the network's input; null: unknown
  std::string input_file, output_file;
  bool singles_only = false;  ///< neither pairs are tried nor parameters solved for, which takes most of the time
};

/// Why a segment's output is what it is.
struct Explanation {
  std::string layer, verdict, short_cause;
  std::vector<std::string> ids, files, same_result, notes;
  std::vector<Hypothesis> hypotheses;
  std::string partial = {};       ///< a cause that explains a part of the values, where none explains all
  bool output_form_only = false;  ///< the values are right, but are written in a wrong form
};

/// Tries the mistakes one at a time, at one layer and at all, then in pairs at each layer; then solves.
Explanation explain(const Segment& segment, const ExplainContext& context,
                    const std::function<void(const std::string&)>& tell);

}  // namespace fsrcnn
