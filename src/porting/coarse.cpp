#include "porting/coarse.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "porting/precision.hpp"

namespace fsrcnn {
namespace {

/// Bits behind the point that values have as floats: 10 of float16, 7 of bfloat16; 23: more than either.
int mantissa_bits(const Tensor<float>& t) {
  uint32_t used = 0;
  for (const float v : t.values()) {
    if (std::isfinite(v)) used |= std::bit_cast<uint32_t>(v) & 0x7fffffU;
  }
  const int bits = 23 - std::countr_zero(used | 0x800000U);
  return bits <= 7 ? 7 : bits <= 10 ? 10 : 23;
}

void shorten(std::vector<float>& values, int bits) {
  for (float& v : values) {
    if (v == 0 || !std::isfinite(v)) continue;
    const int unit = std::ilogb(v) - bits;
    v = static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(v), -unit)), unit));
  }
}

/// Twice what comes of having every number and every layer's output in a shorter float.
Allowance of_short_floats(const std::vector<LayerPort>& ports, const Tensor<float>& input, int bits) {
  Tensor<float> x = input;
  shorten(x.values(), bits);
  for (LayerPort port : ports) {
    shorten(port.weight.values(), bits);
    shorten(port.bias, bits);
    shorten(port.slope, bits);
    x = compute(port, x);
    shorten(x.values(), bits);
  }
  const Tensor<float> exact = run(ports, input);
  Allowance allowance;
  double squares = 0;
  for (int64_t i = 0; i < x.count(); ++i) {
    const double d = std::abs(static_cast<double>(x.data()[i]) - static_cast<double>(exact.data()[i]));
    allowance.largest = std::max(allowance.largest, d);
    squares += d * d;
  }
  allowance.largest *= 2;
  allowance.rms = 2 * std::sqrt(squares / static_cast<double>(x.count()));
  return allowance;
}

}  // namespace

Allowance allowance_for(const PlacedDump& from, const PlacedDump& dump, const std::vector<LayerPort>& ports,
                        const Tensor<float>& input) {
  // The network's input is what it is.
  const double step_of_input = from.place.layer < 0 ? 0 : from.quantum;
  const LayerPort& last = ports.back();
  double most = 1;
  for (const float s : last.slope) most = std::max(most, std::abs(static_cast<double>(s)));
  // A port in fixed point rounds before the activation, too.
  const bool rounds_twice = last.convolves && last.activates && !last.is_last;
  Allowance allowance;
  const double propagated = error_of_coarse_numbers(ports, input, step_of_input);
  const double before = rounds_twice ? most * dump.quantum : 0;
  allowance.largest = propagated + before;
  // The largest of a picture's noise is some four times its RMS, and twice of it is allowed.
  allowance.rms = propagated / 4 + before / 2;
  std::vector<std::string> parts;
  const int bits = mantissa_bits(dump.values);
  if (bits < 23 && dump.quantum > 0) {
    const Allowance of_floats = of_short_floats(ports, input, bits);
    if (of_floats.largest > allowance.largest) {
      allowance = of_floats;
      parts.push_back(bits == 10 ? "numbers of float16" : "numbers of bfloat16");
    }
  }
  if (allowance.largest == 0) return allowance;
  for (const LayerPort& port : ports) {
    if (const auto decimals = decimals_of(port)) {
      parts.push_back(fmt::format("the model's numbers, which have only {} decimals,", *decimals));
      break;
    }
  }
  const double step = std::max(step_of_input, dump.quantum);
  if (step > 0) parts.push_back(fmt::format("dumps in steps of {:.3g}", step));
  allowance.words =
      fmt::format("{} may make a difference of up to {:.2g}", fmt::join(parts, " and "), allowance.largest);
  return allowance;
}

const NumberForm* form_of_numbers(const std::vector<LayerPort>& ports, const Tensor<float>& input,
                                  const PlacedDump& dump, double tolerance, const NumberForm* first,
                                  double& difference) {
  std::vector<const NumberForm*> forms;
  if (first != nullptr) forms.push_back(first);
  for (const NumberForm& form : number_forms()) {
    if (&form != first) forms.push_back(&form);
  }
  for (const NumberForm* form : forms) {
    std::vector<LayerPort> changed = ports;
    for (LayerPort& port : changed) form->apply(port);
    try {
      difference = largest_difference(run(changed, input), dump.values);
    } catch (const Error&) {  // of another shape
      break;
    }
    if (difference <= tolerance + 0.01 * dump.quantum) return form;
  }
  difference = 0;
  return nullptr;
}

void add_fixed_point(double step, std::vector<Tensor<float>>& inputs, std::vector<std::vector<LayerPort>>& layers) {
  if (step == 0 || step >= 1 || std::ldexp(1, std::ilogb(step)) != step) return;
  for (const double half : {0.5, 0.0}) {
    const auto quantise = [&](std::vector<float>& values) {
      for (float& v : values) v = static_cast<float>(std::floor(v / step + half) * step);
    };
    inputs.push_back(inputs[0]);
    quantise(inputs.back().values());
    layers.push_back(layers[0]);
    for (LayerPort& port : layers.back()) {
      quantise(port.weight.values());
      quantise(port.bias);
      quantise(port.slope);
    }
  }
}

}  // namespace fsrcnn
