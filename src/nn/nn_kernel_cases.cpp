// The kernels of nn beside plain loops; see tests/support/kernel_check.hpp.

#include <memory>

#include "nn/gemm.hpp"
#include "nn/interleave.hpp"
#include "support/kernel_check.hpp"

namespace fsrcnn::test {
namespace {

struct GemmShape {
  int outputs, channels, taps, vectors, batch;
  bool aligned;  // inputs, as in the fused engine; ConvDirect's are not
  bool bias, slope, accumulate;
};

KernelRun prepare_gemm(std::string_view cpu, KernelRandom& random, const GemmShape& shape) {
  struct State {
    Guarded<float> in, weights, out, bias, slope;
    std::vector<ptrdiff_t> offsets;
    Gemm gemm;
  };
  const GemmKernels& kernels = *gemm_kernels(cpu);
  const int lanes = kernels.lanes, floats = shape.vectors * lanes;
  // Odd distances between channels and batches, but for what must be aligned.
  const auto odd = [&] { return shape.aligned ? random.of(0, 2) * lanes : random.of(0, 40); };
  std::vector<ptrdiff_t> offsets;
  ptrdiff_t reach = 0;
  for (int t = 0; t < shape.taps; ++t) {
    offsets.push_back(shape.aligned ? random.of(0, 5) * lanes : random.of(0, 70));
    reach = std::max(reach, offsets.back());
  }
  const ptrdiff_t in_channel = reach + floats + odd(), in_batch = shape.channels * in_channel + odd();
  const ptrdiff_t out_channel = floats + random.of(0, 2) * lanes;
  const ptrdiff_t out_batch = shape.outputs * out_channel + random.of(0, 2) * lanes;
  const ptrdiff_t weights_batch = ptrdiff_t{shape.taps} * shape.channels * shape.outputs + random.of(0, 3);
  const size_t alignment = static_cast<size_t>(lanes) * sizeof(float);
  const ptrdiff_t in_size = (shape.batch - 1) * in_batch + (shape.channels - 1) * in_channel + reach + floats;
  const ptrdiff_t out_size = (shape.batch - 1) * out_batch + (shape.outputs - 1) * out_channel + floats;
  auto state = std::make_shared<State>(
      State{Guarded<float>(in_size, shape.aligned ? alignment : sizeof(float)),
            Guarded<float>((shape.batch - 1) * weights_batch + ptrdiff_t{shape.taps} * shape.channels * shape.outputs),
            Guarded<float>(out_size, alignment),
            Guarded<float>(shape.outputs),
            Guarded<float>(shape.outputs),
            offsets,
            {}});
  State& s = *state;
  random.fill(s.bias, 0, shape.outputs);
  for (int o = 0; o < shape.outputs; ++o) s.slope[o] = random.real(-1.5F, 1);
  for (int b = 0; b < shape.batch; ++b) {
    random.fill(s.weights, b * weights_batch, ptrdiff_t{shape.taps} * shape.channels * shape.outputs);
    for (int c = 0; c < shape.channels; ++c) {
      for (const ptrdiff_t offset : offsets) random.fill(s.in, b * in_batch + c * in_channel + offset, floats);
    }
    if (!shape.accumulate) continue;
    for (int o = 0; o < shape.outputs; ++o) random.fill(s.out, b * out_batch + o * out_channel, floats);
  }
  s.out.remember();
  for (int b = 0; b < shape.batch; ++b) {
    for (int o = 0; o < shape.outputs; ++o) {
      for (int i = 0; i < floats; ++i) {
        const ptrdiff_t at = b * out_batch + o * out_channel + i;
        Sum sum;
        sum.add(shape.accumulate ? s.out[at] : shape.bias ? s.bias[o] : 0);
        for (int t = 0; t < shape.taps; ++t) {
          for (int c = 0; c < shape.channels; ++c) {
            sum.add(double{s.in[b * in_batch + c * in_channel + offsets[static_cast<size_t>(t)] + i]} *
                    s.weights[b * weights_batch + (ptrdiff_t{t} * shape.channels + c) * shape.outputs + o]);
          }
        }
        const bool exact = random.values() == Values::integers && !shape.slope;
        if (shape.slope) sum = sum.prelu(s.slope[o]);
        s.out.expect(at, sum.value, exact ? 0 : sum.tolerance());
      }
    }
  }
  s.gemm = {.in = s.in.data(),
            .in_channel_stride = in_channel,
            .channels = shape.channels,
            .taps = shape.taps,
            .tap_offsets = s.offsets.data(),
            .weights = s.weights.data(),
            .out = s.out.data(),
            .out_channel_stride = out_channel,
            .bias = shape.bias ? s.bias.data() : nullptr,
            .slope = shape.slope ? s.slope.data() : nullptr,
            .accumulate = shape.accumulate,
            .vectors = shape.vectors,
            .batch = shape.batch,
            .in_batch_stride = in_batch,
            .weights_batch_stride = weights_batch,
            .out_batch_stride = out_batch};
  return {[state, &kernels, shape] { kernels.gemm(shape.outputs, state->gemm); },
          [state] { return state->out.difference(); },
          2.0 * shape.batch * shape.outputs * floats * shape.taps * shape.channels};
}

// As the fused engine calls it: 1x1 layers, the tail's products, and Winograd's 36 points.
KernelRun prepare_gemm_1x1(std::string_view cpu, KernelRandom& random) {
  const int most = gemm_kernels(cpu)->most_outputs;
  return prepare_gemm(cpu, random,
                      {.outputs = random.size(1, most, std::min(12, most)),
                       .channels = random.size(1, 60, 56),
                       .taps = 1,
                       .vectors = random.size(1, 9, 8),
                       .batch = 1,
                       .aligned = true,
                       .bias = random.flip(true),
                       .slope = random.flip(true),
                       .accumulate = false});
}

KernelRun prepare_gemm_points(std::string_view cpu, KernelRandom& random) {
  const int most = gemm_kernels(cpu)->most_outputs, lanes = gemm_kernels(cpu)->lanes;
  return prepare_gemm(cpu, random,
                      {.outputs = random.size(1, most, std::min(12, most)),
                       .channels = random.size(1, 16, 12),
                       .taps = 1,
                       .vectors = random.size(1, 4, 16 / lanes),
                       .batch = random.size(1, 36, 36),
                       .aligned = true,
                       .bias = false,
                       .slope = false,
                       .accumulate = false});
}

// As ConvDirect calls it: pixels in vectors, at any place.
KernelRun prepare_gemm_taps(std::string_view cpu, KernelRandom& random) {
  const int most = gemm_kernels(cpu)->most_outputs;
  return prepare_gemm(cpu, random,
                      {.outputs = random.size(1, most, std::min(12, most)),
                       .channels = random.size(1, 8, 12),
                       .taps = random.size(1, 25, 9),
                       .vectors = random.size(1, 9, 16),
                       .batch = 1,
                       .aligned = false,
                       .bias = random.flip(false),
                       .slope = random.flip(false),
                       .accumulate = random.flip(true)});
}

KernelRun prepare_interleave(std::string_view cpu, KernelRandom& random) {
  struct State {
    Guarded<float> in, out;
  };
  const InterleaveKernels& kernels = *interleave_kernels(cpu);
  const int rows = random.size(1, 9, 2), count = random.size(0, 70, 4096);
  const ptrdiff_t stride = count + random.of(0, 5);
  auto state = std::make_shared<State>(
      State{Guarded<float>((rows - 1) * stride + count), Guarded<float>(ptrdiff_t{rows} * count)});
  State& s = *state;
  for (int r = 0; r < rows; ++r) random.fill(s.in, r * stride, count);
  s.out.remember();
  for (int r = 0; r < rows; ++r) {
    for (int i = 0; i < count; ++i) s.out.expect(ptrdiff_t{i} * rows + r, s.in[r * stride + i]);
  }
  return {[state, &kernels, rows, stride, count] {
            kernels.interleave(rows, state->in.data(), stride, count, state->out.data());
          },
          [state] { return state->out.difference(); }};
}

}  // namespace

std::vector<KernelCase> nn_kernel_cases() {
  return {{"gemm_1x1", prepare_gemm_1x1},
          {"gemm_points", prepare_gemm_points},
          {"gemm_taps", prepare_gemm_taps},
          {"interleave", prepare_interleave}};
}

}  // namespace fsrcnn::test
