#include "porting/integer_dumps.hpp"

#include <fmt/format.h>

namespace fsrcnn {

std::optional<Requantisation> judge_integers(const Network& network, const PlacedDump& from, const PlacedDump& dump,
                                             const std::vector<LayerPort>& ports, const Tensor<float>& input) {
  if (!dump.integers_of || ports.size() != 1 || !ports[0].convolves || !ports[0].has_weight()) return std::nullopt;
  const std::vector<double>& weight_scales = network.layers[ports[0].layer].weight_scales;
  std::optional<double> multiplier;
  if (from.integers_of && weight_scales.size() == 1) {
    multiplier = from.integers_of->scale * weight_scales[0] / dump.integers_of->scale;
  }
  return requantisation_of(ports[0], input, dump.values, *dump.integers_of, multiplier);
}

Explanation explanation_of(const Requantisation& found, const PlacedDump& dump, const std::string& layer) {
  Explanation explanation;
  explanation.layer = layer;
  explanation.ids = found.ids;
  explanation.short_cause = found.sentence;
  explanation.verdict =
      fmt::format("In {}, {}. With this all values of {} come out to a step{}.", layer, found.sentence, dump.file,
                  found.how.empty() ? "" : fmt::format(" ({})", found.how));
  if (!found.same_result.empty()) explanation.same_result.push_back(fmt::format("{}: {}", layer, found.same_result));
  return explanation;
}

}  // namespace fsrcnn
