#pragma once

#include <functional>
#include <string>

#include "porting/explanation.hpp"
#include "porting/solve.hpp"

namespace fsrcnn {

struct Mistake;

/// A mistake that explains most of a difference without explaining all; null: none does.
struct NearlyExplains {
  const Mistake* mistake = nullptr;
  double rms = 0;                                           ///< what is left with it
  const std::pair<Tensor<float>, double>* input = nullptr;  ///< what solve_input gives; null: not solved for
};

/// Solves for the kernels, biases, slopes or the input of the one layer between two dumps, alone and beside a mistake,
/// and tells in `result` which of them cannot have made the output.
void solve_for_parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
                          const std::function<void(const std::string&)>& tell, Explanation& result);

/// The file of the slides' folder, or, of a network that it does not hold, the parameter in words. `kind`: "kernel",
/// "bias" or "prelu".
std::string name_of_parameter(const Layer& layer, const std::string& kind, int64_t a, int64_t b);

/// Of kernels that were found to be others, files that hold what another one should: "A holds what B should."
std::vector<std::string> misplaced_files(const Layer& layer, const LayerPort& port, const Solution& solution);

/// The largest difference that the right layers leave, for people.
std::string difference_without(const Segment& segment);

}  // namespace fsrcnn
