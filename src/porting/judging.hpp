#pragma once

#include <optional>
#include <string>

#include "porting/dumped_network.hpp"
#include "porting/evidence.hpp"
#include "porting/explanation.hpp"

namespace fsrcnn {

/// The largest magnitude of the finite values.
double full_scale(const Tensor<float>& t);

std::optional<int64_t> first_not_finite(const Tensor<float>& t);

/// "channel 2, row 5, column 7 (nan)"
std::string place_of(const Tensor<float>& t, int64_t i);

/// What can be said without looking for a cause, because no cause can be told from such values: a dump that is one
/// value everywhere, or a few values that are wrong where all others are right. Empty: causes may be looked for.
/// `layers`: that lie between the dump before and this one; of several none is said to be the first that differs.
std::optional<Explanation> explained_by_evidence(const Evidence& evidence, const std::string& layer, size_t layers);

/// The verdict where no cause was found: the place and the size, and what they have in common. `layers`: as above.
std::string place_verdict(const LayerFinding& finding, const PlacedDump& dump, const Shape& expected, size_t layers);

/// "mapping 2 comes in steps of 1/4: coarser than the others": a dump that has far fewer levels than all others, the
/// output apart, which may be a picture of 8 bits. Empty: none has.
struct CoarseDump {
  std::string layer, sentence;
};
std::optional<CoarseDump> coarser_than_others(const Network& network, const std::vector<PlacedDump>& dumps);

}  // namespace fsrcnn
