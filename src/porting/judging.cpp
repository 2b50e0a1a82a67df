#include "porting/judging.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/evidence_parts.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kFewValues = 3;
constexpr double kFewLevels = 32;        // of a dump's full scale: fewer are conspicuous
constexpr double kLevelsOfOutput = 200;  // the same of an output: some fewer than those of 8 bits
constexpr double kFarCoarser = 8;        // than all others

std::string causes_of_constant(double value) {
  if (value == 0) {
    return "It may be a buffer that was cleared but never written (or read before it was), a file of another layer's "
           "size, or values that are all cut off: by a clamp, a ReLU, or a shift that leaves no bits.";
  }
  return "It may be a buffer that was filled but never written, or values that are all cut off at this end: a scale "
         "that is too large, an accumulator or a type that overflows, or a clamp to another range.";
}

/// Of several layers behind one dump nobody knows which begins to differ.
std::string differs_words(const std::string& layer, size_t layers) {
  return layers > 1 ? fmt::format("The output of {} differs", layer) : layer + " differs first";
}

}  // namespace

double full_scale(const Tensor<float>& t) {
  double largest = 0;
  for (const float v : t.values()) {
    if (std::isfinite(v)) largest = std::max(largest, std::abs(static_cast<double>(v)));
  }
  return largest;
}

std::optional<int64_t> first_not_finite(const Tensor<float>& t) {
  const auto found = std::find_if_not(t.values().begin(), t.values().end(), [](float v) { return std::isfinite(v); });
  if (found == t.values().end()) return std::nullopt;
  return found - t.values().begin();
}

std::string place_of(const Tensor<float>& t, int64_t i) {
  const Shape s = t.shape();
  return fmt::format("channel {}, row {}, column {} ({})", i / (s.h * s.w) % s.c, i / s.w % s.h, i % s.w, t.data()[i]);
}

std::optional<Explanation> explained_by_evidence(const Evidence& evidence, const std::string& layer, size_t layers) {
  Explanation explanation;
  if (const Fact* constant = evidence.fact("constant")) {
    const double value = constant->numbers[0];
    explanation.short_cause = fmt::format("it is {:.6g} everywhere", value);
    explanation.verdict = fmt::format(
        "{}: it is {:.6g} everywhere, where values from {:.4g} to {:.4g} are expected; no cause "
        "can be told from one value. {}",
        differs_words(layer, layers), value, evidence.expected_low, evidence.expected_high, causes_of_constant(value));
    return explanation;
  }
  if (evidence.differing > kFewValues || evidence.shape.count() < 256) return std::nullopt;
  explanation.short_cause = evidence.place;
  explanation.verdict = fmt::format(
      "{}: {}; no cause can be told from so few values. A memory that is written twice or read "
      "too early, or a changed file, come to mind.",
      differs_words(layer, layers), evidence.sentence);
  return explanation;
}

std::string place_verdict(const LayerFinding& finding, const PlacedDump& dump, const Shape& expected, size_t layers) {
  const std::string differs = differs_words(finding.layer, layers);
  if (!finding.evidence) {
    return fmt::format("{}: {} has shape {}, but {} is expected; no cause found.", differs, dump.file,
                       to_string(dump.values.shape()), to_string(expected));
  }
  return fmt::format("{}: {}; no cause found{}.", differs, finding.evidence->sentence,
                     layers > 1 ? ", and which of the layers before it is wrong cannot be told" : "");
}

std::optional<CoarseDump> coarser_than_others(const Network& network, const std::vector<PlacedDump>& dumps) {
  const auto coarseness = [](const PlacedDump& d) { return d.quantum / std::max(full_scale(d.values), 1e-30); };
  for (const PlacedDump& dump : dumps) {
    // An output has 8 bits.
    const double few = is_output(network, dump.place) ? kLevelsOfOutput : kFewLevels;
    if (dump.place.layer < 0 || coarseness(dump) * few < 1) continue;
    size_t others = 0;
    const bool is_coarsest = std::all_of(dumps.begin(), dumps.end(), [&](const PlacedDump& other) {
      if (&other == &dump || other.place.layer < 0 || is_output(network, other.place)) return true;
      ++others;
      return kFarCoarser * coarseness(other) < coarseness(dump);
    });
    if (!is_coarsest || others == 0) continue;
    const std::string layer = layer_of(network, dump.place);
    return CoarseDump{layer,
                      fmt::format("{} comes in steps of {}: coarser than the others; all its values are right to "
                                  "what these steps explain.",
                                  layer, words_of_step(dump.quantum))};
  }
  return std::nullopt;
}

}  // namespace fsrcnn
