#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "nn/conv_direct.hpp"
#include "nn/conv_form.hpp"
#include "nn/conv_panels.hpp"

namespace fsrcnn {

/// A convolution, plain or transposed, with its weights packed for an instruction set. The input's shape alone selects
/// one of its two methods, so results do not depend on the number of threads.
class PackedConv {
 public:
  /// cpu: of cpu_names(), but not "reference". bias: [output channel] or empty.
  PackedConv(const ConvForm& form, const WeightAt& weight, const std::vector<float>& bias, std::string_view cpu);

  /// Shapes must fit the form.
  void run(const float* in, const Shape& in_shape, float* out, const Shape& out_shape, ThreadPool& pool) const;

 private:
  ConvForm form_;
  std::vector<float> bias_;
  ConvPanels panels_;
  std::optional<ConvDirect> direct_;
};

}  // namespace fsrcnn
