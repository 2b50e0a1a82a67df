// The fused engine's kernels that activate and make samples, beside plain loops; see tests/support/kernel_check.hpp.

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/fused_kernels.hpp"
#include "support/kernel_check.hpp"
#include "support/kernel_layout.hpp"

namespace fsrcnn::test {
namespace {

template <class Sample>
constexpr SampleType kSampleType = sizeof(Sample) == 1 ? SampleType::u8 : SampleType::u16;
template <>
constexpr SampleType kSampleType<float> = SampleType::f32;

template <class Sample>
KernelRun prepare_output_row(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, scale = random.size(2, 4, 2), positions = 4 * random.size(1, 5, 64);
  constexpr bool kIsFloat = sizeof(Sample) == 4;
  struct State {
    Guarded<float> in, bias;
    Guarded<Sample> out;
    OutputRow row{};
  };
  const Layout from(random, 1, scale, positions, lanes);
  const ptrdiff_t samples = ptrdiff_t{lanes} * positions * scale;
  auto state = std::make_shared<State>(State{from.memory(), Guarded<float>(scale), Guarded<Sample>(samples)});
  State& s = *state;
  random.fill(s.bias, 0, scale);
  const float most = sizeof(Sample) == 1 ? 255.0F : kIsFloat ? 1.0F : random.flip(false) ? 1023.0F : 65535.0F;
  const float factor = kIsFloat ? 1.0F : most;
  for (int phase = 0; phase < scale; ++phase) {
    for (int i = 0; i < positions * lanes; ++i) {
      float& sum = s.in[from.at(0, phase, i)];
      // All of [0, 1] and beyond; exactly between two samples; and what is no number.
      switch (random.of(0, 9)) {
        case 0: sum = (static_cast<float>(random.from(0, 300)) + 0.5F) / factor - s.bias[phase]; break;
        case 1: sum = random.of({NAN, INFINITY, -INFINITY, 1e30F, -1e30F, 0.0F, -0.0F}); break;
        default: sum = random.real(-0.2F, 1.2F) - s.bias[phase]; break;
      }
    }
  }
  s.out.remember();
  for (int lane = 0; lane < lanes; ++lane) {
    for (int p = 0; p < positions; ++p) {
      for (int phase = 0; phase < scale; ++phase) {
        float x = s.in[from.at(0, phase, p * lanes + lane)] + s.bias[phase];
        if (!kIsFloat && std::isnan(x)) x = 0;
        if (!std::isnan(x)) x = std::clamp(x * factor, 0.0F, most);
        s.out.expect((ptrdiff_t{lane} * positions + p) * scale + phase, kIsFloat ? x : std::nearbyint(x));
      }
    }
  }
  s.row = {.sums = s.in.data(),
           .phase_stride = from.channel_stride,
           .bias = s.bias.data(),
           .positions = positions,
           .factor = factor,
           .most = most,
           .out = reinterpret_cast<std::byte*>(s.out.data())};
  return {[state, &kernels, scale] { kernels.output_row(kSampleType<Sample>, scale, state->row); },
          [state] { return state->out.difference(); }};
}

KernelRun prepare_activate(std::string_view cpu, KernelRandom& random) {
  using enum Layer::Activation;
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, vectors = random.size(1, 9, 44);
  const Layer::Activation kinds[] = {none, relu, prelu, clamp, tanh};
  const Layer::Activation activation = kinds[random.of(0, 4)];
  const float slope = activation == relu ? 0 : random.real(-1.5F, 2), low = random.real(-1, 0),
              high = random.real(0, 1);
  auto values =
      std::make_shared<Guarded<float>>(ptrdiff_t{vectors} * lanes, static_cast<size_t>(lanes) * sizeof(float));
  random.fill(*values, 0, ptrdiff_t{vectors} * lanes);
  values->remember();
  const auto before = std::make_shared<std::vector<float>>(values->data(), values->data() + vectors * lanes);
  for (int i = 0; i < vectors * lanes; ++i) {
    const double x = (*before)[static_cast<size_t>(i)];
    double expected = x;
    if (activation == relu || activation == prelu) expected = x > 0 ? x : static_cast<float>(slope * x);
    if (activation == clamp) expected = std::clamp<double>(x, low, high);
    if (activation == tanh) expected = std::tanh(x);
    values->expect(i, expected, activation == tanh ? 1e-6 : 1e-7 * std::abs(expected));
  }
  // In place: each run begins with the same values.
  return {[=, &kernels] {
            std::copy(before->begin(), before->end(), values->data());
            kernels.activate(activation, slope, low, high, vectors, values->data());
          },
          [values] { return values->difference(); }};
}

}  // namespace

std::vector<KernelCase> output_kernel_cases() {
  return {{"activate", prepare_activate},
          {"output_row_u8", prepare_output_row<uint8_t>},
          {"output_row_u16", prepare_output_row<uint16_t>},
          {"output_row_f32", prepare_output_row<float>}};
}

}  // namespace fsrcnn::test
