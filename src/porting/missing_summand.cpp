#include "porting/missing_summand.hpp"

#include <fmt/format.h>

namespace fsrcnn {

Explanation explain_sum(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump, double tolerance) {
  Explanation explanation;
  const Layer& layer = dumped.layer_at(dump.place);
  if (layer.op != Layer::Op::add) {
    explanation.notes.push_back(
        fmt::format("Values are added before {}; give --feature for what {} reads, to have mistakes tried.", dump.file,
                    layer.name));
    return explanation;
  }
  LayerPort port = right_port(network, static_cast<size_t>(dump.place.layer));
  port.activates = dump.place.activated;
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const auto kept = dumped.dump_or_value({place_of_layer(network, layer.inputs[i]), true});
    if (!kept || largest_difference(compute(port, *kept), dump.values) > tolerance) continue;
    const int64_t missing = place_of_layer(network, layer.inputs[1 - i]);
    explanation.ids = {"summand_missing"};
    explanation.layer = layer.name;
    explanation.short_cause = fmt::format("{} is not added", layer_of(network, {missing}));
    explanation.verdict = fmt::format("In {}, {}: {} is {} alone.", layer.name, explanation.short_cause, dump.file,
                                      layer_of(network, {place_of_layer(network, layer.inputs[i])}));
    break;
  }
  return explanation;
}

}  // namespace fsrcnn
