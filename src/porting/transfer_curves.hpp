#pragma once

#include <functional>
#include <string>
#include <vector>

namespace fsrcnn {

/// What a port may do to the values of a picture.
struct TransferCurve {
  std::string id, sentence;  ///< {} stands for what goes through the curve: "the input"
  std::function<float(float)> f;
};
std::vector<TransferCurve> transfer_curves();

}  // namespace fsrcnn
