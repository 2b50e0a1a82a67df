#include "porting/upscaled_dump.hpp"

#include <cmath>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace fsrcnn {

bool is_of_upscale(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump,
                   const Tensor<float>& expected, double tolerance) {
  const PlacedDump* const input = dumped.dump_at({kNetworkInput, true});
  if (!dump.is_picture || !is_output(network, dump.place) || input == nullptr) return false;
  try {
    Engine engine(network, {.extend_edges = true, .guard = 1});
    const Tensor<float> made = engine.upscale(input->values);
    if (made.shape() != dump.values.shape() || expected.shape() != made.shape()) return false;
    for (int64_t i = 0; i < made.count(); ++i) {
      // Where its colours are cut off, the dump has the network's own values.
      const float v = dump.values.data()[i];
      if (std::abs(made.data()[i] - v) > tolerance && v != expected.data()[i]) return false;
    }
    return true;
  } catch (const Error&) {  // only a part of a network
    return false;
  }
}

}  // namespace fsrcnn
