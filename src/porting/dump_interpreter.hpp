#pragma once

#include "porting/dump_reading.hpp"
#include "porting/dumped_network.hpp"

namespace fsrcnn {

/// Decides how each dump of a network is meant, one after the other: what was learned of one helps with the next.
class DumpInterpreter {
 public:
  /// `tolerance`: times a dump's full scale.
  DumpInterpreter(const Network& network, const DumpedNetwork& dumped, double tolerance)
      : network_(network), dumped_(dumped), tolerance_(tolerance) {}

  /// How far values may be from the right ones: half a step of the dump, too.
  double tolerance_for(const Tensor<float>& values, double step) const;

  /// Takes the reading of a dump that agrees with what is expected, or else the likeliest.
  void interpret(PlacedDump& dump, const Tensor<float>& expected);

  /// Whether its shape may come of padding that is missing.
  bool may_lack_padding(const PlacedDump& dump, const Shape& expected) const;

 private:
  void take_common_step(Reading& reading, const PlacedDump& dump, const Tensor<float>& expected);

  const Network& network_;
  const DumpedNetwork& dumped_;
  double tolerance_;
  double common_step_ = 0;  // of the first dump in integers without a stated scale
};

}  // namespace fsrcnn
