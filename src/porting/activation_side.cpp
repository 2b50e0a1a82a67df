#include "porting/activation_side.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace fsrcnn {

void place_by_values(const DumpedNetwork& dumped, const DumpInterpreter& interpreter, PlacedDump& dump,
                     const std::function<Tensor<float>(const PlacedDump&)>& read) {
  const bool activated = dump.place.activated;
  if (dump.place.layer < 0 || dumped.dump_at({dump.place.layer, !activated}) != nullptr) return;
  Chain chain = dumped.chain_to(dump.place);
  if (chain.from == nullptr || !chain.ports.back().bends() || (activated && chain.ports.back().is_last)) return;
  const auto agrees = [&](const Chain& c, const Tensor<float>& input, const PlacedDump& with) {
    try {
      return largest_difference(run(c.ports, input), with.values) <=
             interpreter.tolerance_for(with.values, with.quantum);
    } catch (const Error&) {  // of another shape
      return false;
    }
  };
  chain.ports.back().activates = !activated;
  if (!agrees(chain, read(*chain.from), dump)) return;
  if (!activated) {
    dump.place.activated = true;
    dump.form = "after the activation, by its values";
    return;
  }
  const std::vector<PlacedDump>& all = dumped.dumps();
  const auto next =
      std::find_if(all.begin(), all.end(), [&](const PlacedDump& d) { return d.place.layer > dump.place.layer; });
  if (next == all.end()) return;
  dump.place.activated = false;
  const Chain behind = dumped.chain_to(next->place);
  if (behind.from == &dump && agrees(behind, dump.values, *next)) {
    dump.form = "before the activation, by its values";
  } else {
    dump.place.activated = true;
  }
}

}  // namespace fsrcnn
