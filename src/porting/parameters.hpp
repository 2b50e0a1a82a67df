#pragma once

#include <functional>
#include <string>

#include "porting/explanation.hpp"

namespace fsrcnn {

struct Mistake;

/// A mistake that explains most of a difference without explaining all; null: none does.
struct NearlyExplains {
  const Mistake* mistake = nullptr;
  double rms = 0;  ///< what is left with it
};

/// Solves for the kernels, biases, slopes or the input of the one layer between two dumps, alone and beside a mistake,
/// and tells in `result` which of them cannot have made the output.
void solve_for_parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
                          const std::function<void(const std::string&)>& tell, Explanation& result);

/// The largest difference that the right layers leave, for people.
std::string difference_without(const Segment& segment);

}  // namespace fsrcnn
