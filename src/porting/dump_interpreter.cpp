#include "porting/dump_interpreter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "porting/judging.hpp"

namespace fsrcnn {
namespace {

constexpr double kSameStep = 0.02;  // two steps that may be one, each found from its dump's values

}  // namespace

double DumpInterpreter::tolerance_for(const Tensor<float>& values, double step) const {
  return tolerance_ * std::max(full_scale(values), 1e-30) + step / 2 * 1.001;
}

void DumpInterpreter::interpret(PlacedDump& dump, const Tensor<float>& expected) {
  const bool integers = are_integers(dump.values);
  if (integers) dump.integers_of = dumped_.stated_at(dump.place);
  std::vector<Reading> readings = readings_of(dump.values, expected, dump.is_picture, dump.integers_of);
  if (integers && !dump.integers_of && !readings.empty()) take_common_step(readings[0], dump, expected);
  if (dump.integers_of && is_output(network_, dump.place)) {
    // A port may write pixels, whatever the scale of its last sums.
    constexpr Quantisation kPixels = {1.0 / 255, 0, ElementType::u8};
    const Reading pixels = readings_of(dump.values, expected, false, kPixels).front();
    if (largest_difference(pixels.values, expected) < largest_difference(readings[0].values, expected)) {
      readings[0] = pixels;
      dump.integers_of = kPixels;
    }
  }
  if (readings.empty()) {
    const double tolerance = tolerance_for(dump.values, dump.quantum);
    auto part = filled_up_reading(dump.values, expected, tolerance);
    if (!part && !may_lack_padding(dump, expected.shape())) part = cropped_reading(dump.values, expected, tolerance);
    if (!part) return;
    readings.push_back(std::move(*part));
  }
  const auto agrees = std::find_if(readings.begin(), readings.end(), [&](const Reading& r) {
    return largest_difference(r.values, expected) <= tolerance_for(r.values, r.step);
  });
  Reading& reading = agrees == readings.end() ? readings.front() : *agrees;
  // Where the right values lie on the same grid (an interpolated picture of 8 bits), nothing was rounded to it.
  if (!dump.integers_of && reading.step > 0 && step_of_dump(expected) > 0.99 * reading.step) reading.step = 0;
  dump.values = std::move(reading.values);
  dump.quantum = reading.step;
  dump.form += (dump.form.empty() || reading.form.empty() ? "" : ", ") + reading.form;
}

/// Integers whose scale is not stated: that of the dumps before them, if it fits as well as one of their own.
void DumpInterpreter::take_common_step(Reading& reading, const PlacedDump& dump, const Tensor<float>& expected) {
  if (common_step_ > 0 && std::abs(reading.step / common_step_ - 1) < kSameStep) {
    std::vector<Reading> same = readings_of(dump.values, expected, false, Quantisation{common_step_, 0, {}});
    if (!same.empty() && squares_between(same[0].values, expected) <= 1.5 * squares_between(reading.values, expected)) {
      reading = std::move(same[0]);
    }
  }
  if (common_step_ == 0 && reading.form.find("integers, value = q ") != std::string::npos) common_step_ = reading.step;
}

/// Its shape is that of a convolution without padding, or a transposed one without output_padding: a mistake.
bool DumpInterpreter::may_lack_padding(const PlacedDump& dump, const Shape& expected) const {
  const Shape s = dump.values.shape();
  const int64_t high = expected.h - s.h, wide = expected.w - s.w;
  if (s.c != expected.c || s.n != 1 || high < 0 || wide < 0) return false;
  if (is_output(network_, dump.place)) return high < network_.scale && wide < network_.scale;
  // Padding that is missing makes the output smaller, too.
  if (const PlacedDump* const input = dumped_.dump_at({kNetworkInput, true})) {
    const Shape whole = input->values.shape();
    for (const PlacedDump& other : dumped_.dumps()) {
      const Shape o = other.values.shape();
      if (is_output(network_, other.place) && o.h == network_.scale * whole.h && o.w == network_.scale * whole.w) {
        return false;
      }
    }
  }
  int64_t padding = 0;
  for (const LayerPort& port : dumped_.chain_to(dump.place).ports)
    padding += 2 * std::max(port.padding.h, port.padding.w);
  return high == wide && high <= padding;
}

}  // namespace fsrcnn
