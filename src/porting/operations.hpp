#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "porting/port_chain.hpp"
#include "porting/samples.hpp"

namespace fsrcnn {

/// Something that may be done to a layer's output beside what should be.
struct Operation {
  size_t port = 0;
  std::string id, sentence;  ///< "channels_exchanged", "channels 3 and 7 are exchanged"
  TensorOp make;
  double left = 1;  ///< of the squared error, by the linear equations with the best factor
  /// Where it has a number that only the output tells, such as a limit: the operation with that number, and a first
  /// guess.
  std::function<Operation(double)> family = nullptr;
  double guess = 0;
};

/// Operations on the channels of a port's output (exchanged, lost, taken twice, moved on, in another order), on its
/// values (cut off, moved, wrapped, in steps) and on its pixels (late, in pairs, skewed), those that explain most
/// first.
std::vector<Operation> operations_at(const PortChain& right, const Samples& samples, size_t port);

}  // namespace fsrcnn
