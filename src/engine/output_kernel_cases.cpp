// The fused engine's kernels that activate, guard and make samples, beside plain loops; see
// tests/support/kernel_check.hpp.

#include <algorithm>
#include <array>
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

KernelRun prepare_guard_limits(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, positions = random.size(1, 20, 44), floats = positions * lanes;
  struct State {
    Guarded<float> in, low, high;
  };
  const Layout from(random, 3, 1, positions + 2, lanes), to(random, 1, 1, positions, lanes);
  auto state = std::make_shared<State>(State{from.memory(), to.memory(), to.memory()});
  State& s = *state;
  from.fill(s.in, random);
  // Half of the pixels are one of three, so that some of the nine are alike.
  for (ptrdiff_t i = 0; random.flip(false) && i < from.size(); ++i) {
    if (random.flip(true)) s.in[i] = random.of({-0.25F, 0.5F, 0.75F});
  }
  for (int i = 0; i < floats; ++i) {
    std::array<float, 9> nine{};
    for (int k = 0; k < 9; ++k) nine[static_cast<size_t>(k)] = s.in[from.at(k / 3, 0, k % 3 * lanes + i)];
    std::sort(nine.begin(), nine.end());
    const float range = nine[8] - nine[0];
    s.low.expect(i, nine[0] - std::min(0.5F * range, 0.0625F * range + 8 * (nine[2] - nine[0])));
    s.high.expect(i, nine[8] + std::min(0.5F * range, 0.0625F * range + 8 * (nine[8] - nine[6])));
  }
  GuardLimits limits{.rows = {}, .positions = positions, .low = s.low.data(), .high = s.high.data()};
  for (int row = 0; row < 3; ++row) limits.rows[row] = s.in.data() + from.at(row, 0, lanes);
  return {[state, limits, &kernels] { kernels.guard_limits(limits); },
          [state] { return state->low.difference() + state->high.difference(); }};
}

KernelRun prepare_guard_row(std::string_view cpu, KernelRandom& random) {
  const FusedKernels& kernels = *fused_kernels(cpu);
  const int lanes = kernels.lanes, phases = random.size(1, 16, 4), positions = random.size(1, 20, 44);
  const int floats = positions * lanes;
  const float kept = random.of({0.0F, 0.0F, 0.25F, 1.0F});
  struct State {
    Guarded<float> sums, bias, low, high;
    std::vector<float> before;
  };
  const Layout layout(random, 1, phases, positions, lanes), row(random, 1, 1, positions, lanes);
  auto state = std::make_shared<State>(State{layout.memory(), Guarded<float>(phases), row.memory(), row.memory(), {}});
  State& s = *state;
  random.fill(s.bias, 0, phases);
  for (int i = 0; i < floats; ++i) {
    s.low[i] = random.real(-0.5F, 1);
    s.high[i] = s.low[i] + random.real(0, 1);
  }
  for (int phase = 0; phase < phases; ++phase) {
    for (int i = 0; i < floats; ++i) {
      float& sum = s.sums[layout.at(0, phase, i)];
      sum = random.of(0, 9) == 0 ? random.of({NAN, INFINITY, -INFINITY, 1e30F, -1e30F, 0.0F})
                                 : random.real(-0.5F, 1.5F) - s.bias[phase];
      const float x = sum + s.bias[phase], inside = std::clamp(x, 0.0F, 1.0F);
      const float limited = std::clamp(inside, s.low[i], s.high[i]);
      s.sums.expect(layout.at(0, phase, i), limited + kept * (inside - limited));
    }
  }
  s.sums.remember();
  s.before.assign(s.sums.data(), s.sums.data() + layout.size());
  const GuardRow guard{.sums = s.sums.data(),
                       .phase_stride = layout.channel_stride,
                       .bias = s.bias.data(),
                       .phases = phases,
                       .positions = positions,
                       .low = s.low.data(),
                       .high = s.high.data(),
                       .kept = kept};
  // In place: each run begins with the same values.
  return {[state, guard, &kernels] {
            std::copy(state->before.begin(), state->before.end(), state->sums.data());
            kernels.guard_row(guard);
          },
          [state] { return state->sums.difference(); }};
}

}  // namespace

std::vector<KernelCase> output_kernel_cases() {
  return {{"activate", prepare_activate},
          {"guard_limits", prepare_guard_limits},
          {"guard_row", prepare_guard_row},
          {"output_row_u8", prepare_output_row<uint8_t>},
          {"output_row_u16", prepare_output_row<uint16_t>},
          {"output_row_f32", prepare_output_row<float>}};
}

}  // namespace fsrcnn::test
