// The fast conv2d and conv_transpose2d against the references, on random shapes.

#include <gtest/gtest.h>

#include <cmath>

#include "base/cpu.hpp"
#include "nn/conv2d.hpp"
#include "nn/conv_direct.hpp"
#include "nn/conv_form.hpp"
#include "nn/conv_panels.hpp"
#include "nn/conv_transpose2d.hpp"
#include "nn/gemm.hpp"
#include "nn/interleave.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/sweep.hpp"

namespace fsrcnn {
namespace {

using test::to_double;

constexpr float kGuard = -7777;

Tensor<double> absolute(const Tensor<float>& tensor) {
  Tensor<double> result = to_double(tensor);
  for (double& v : result.values()) v = std::abs(v);
  return result;
}

// An output with guards around it, to be written as far as the shape says.
template <class Op>
Tensor<float> run_guarded(const Op& op, const Tensor<float>& input, const Shape& shape, ThreadPool& pool) {
  constexpr int64_t kGuards = 64;
  std::vector<float> values(static_cast<size_t>(shape.count() + 2 * kGuards), kGuard);
  op(ConstTensorView{input.data(), input.shape()}, values.data() + kGuards, pool);
  for (int64_t i = 0; i < kGuards; ++i) {
    EXPECT_EQ(values[static_cast<size_t>(i)], kGuard) << "written before the output";
    EXPECT_EQ(values[values.size() - 1 - static_cast<size_t>(i)], kGuard) << "written behind the output";
  }
  return Tensor<float>(shape, {values.begin() + kGuards, values.end() - kGuards});
}

// Whether `op` and the truth differ by no more than float32's rounding of a sum of `products` products: each addition
// is off by at most eps / 2 of a partial sum, which is at most `magnitude`, the sum of absolute products.
void expect_rounding_only(const Tensor<float>& result, const Tensor<double>& truth, const Tensor<double>& magnitude,
                          int64_t products) {
  ASSERT_EQ(result.shape(), truth.shape());
  const double rounding = static_cast<double>(products + 2) * 6e-8;
  for (int64_t i = 0; i < result.count(); ++i) {
    ASSERT_LE(std::abs(result.data()[i] - truth.data()[i]), rounding * magnitude.data()[i] + 1e-30)
        << "at " << i << " of " << to_string(result.shape()) << ": " << result.data()[i] << " for " << truth.data()[i];
  }
}

using test::first_seed;

class RandomPairs : public test::Random {
 public:
  using test::Random::Random;
  Pair pair(int64_t low, int64_t high) { return {from(low, high), from(low, high)}; }
  std::vector<float> bias(int64_t count) {
    return from(0, 1) == 0 ? std::vector<float>()
                           : test::random_tensor({1, 1, 1, count}, from(0, 1000), -1, 1).values();
  }
};

// Small pictures mostly, some wide ones; few channels mostly, some many.
struct RandomCase {
  Shape input;
  int64_t in_per_group, out_per_group, groups;
  Pair kernel;

  explicit RandomCase(RandomPairs& random) : kernel(random.pair(1, 6)) {
    const int64_t most = random.of<int64_t>({3, 3, 8, 40});
    in_per_group = random.from(1, most);
    out_per_group = random.from(1, random.of<int64_t>({3, 3, most, 70}));
    groups = random.of<int64_t>({1, 1, 1, 2, 5});
    if (random.from(0, 5) == 0) kernel = random.of<Pair>({{9, 9}, {1, 16}, {2, 2}, {1, 1}, {12, 3}});
    input = {random.from(1, 3), groups * in_per_group, random.from(1, 12), random.from(1, 12)};
    if (random.from(0, 6) == 0) input.n = 17;
    if (random.from(0, 3) == 0) input.w = random.from(20, 150);
    if (random.from(0, 5) == 0) input.h = input.w = 1;
    if (input.count() > 20000) input.n = 1;
  }
};

template <class Op>
void expect_same_on_any_threads(const Op& op, const Tensor<float>& input, const Tensor<float>& result) {
  static ThreadPool three(3);
  EXPECT_EQ(run_guarded(op, input, result.shape(), three), result) << "3 threads differ from 1";
}

// Both ways, whichever would be chosen for the shape.
void expect_both_ways(const ConvForm& form, const WeightAt& weight, const std::vector<float>& bias,
                      const std::string& cpu, const Tensor<float>& input, const Tensor<double>& truth,
                      const Tensor<double>& magnitude, int64_t products) {
  if (cpu == "reference") return;
  const auto expect_way = [&](const auto& way) {
    const auto run = [&](const ConstTensorView& in, float* out, ThreadPool& pool) {
      // Where no tap reaches, it is PackedConv that writes the bias.
      for (int64_t i = 0; i < truth.count(); ++i) {
        const int64_t plane = truth.shape().h * truth.shape().w;
        out[i] = bias.empty() ? 0 : bias[static_cast<size_t>(i / plane % truth.shape().c)];
      }
      way.run(in.data, in.shape, out, truth.shape(), pool);
    };
    ThreadPool one(1);
    const Tensor<float> result = run_guarded(run, input, truth.shape(), one);
    expect_rounding_only(result, truth, magnitude, products);
    expect_same_on_any_threads(run, input, result);
  };
  expect_way(ConvPanels(form, weight, bias, *gemm_kernels(cpu)));
  const ConvDirect direct(form, weight, bias, *gemm_kernels(cpu), *interleave_kernels(cpu));
  if (std::isfinite(direct.cost(input.shape(), truth.shape()))) expect_way(direct);
}

constexpr uint32_t kSeeds = test::some_of(300);

TEST(FastConvolution, Conv2dAgreesWithTheReference) {
  ThreadPool one(1);
  uint32_t compared = 0;
  for (uint32_t seed = first_seed(); seed < first_seed() + kSeeds; ++seed) {
    SCOPED_TRACE(fmt::format("FSRCNN_TEST_SEED={}", seed));
    RandomPairs random(seed);
    const RandomCase c(random);
    const Conv2dParams params{.stride = random.of<Pair>({{1, 1}, {1, 1}, random.pair(1, 3), random.pair(1, 7)}),
                              .padding = random.of<Pair>({{0, 0}, random.pair(0, 3), random.pair(0, 14)}),
                              .dilation = random.of<Pair>({{1, 1}, {1, 1}, random.pair(1, 5)}),
                              .groups = c.groups,
                              .padding_mode = random.of({PaddingMode::zeros, PaddingMode::replicate})};
    const Shape weight_shape{c.groups * c.out_per_group, c.in_per_group, c.kernel.h, c.kernel.w};
    const std::vector<float> bias = random.bias(weight_shape.n);
    const Tensor<float> input = test::random_tensor(c.input, seed, -1, 1);
    const Tensor<float> weight = test::random_tensor(weight_shape, seed + 1, -1, 1);
    Tensor<double> truth;
    try {
      truth = conv2d_reference(to_double(input), to_double(weight), to_double(bias), params);
    } catch (const Error& e) {
      EXPECT_EQ(test::error_of([&] { conv2d(input, weight, bias, params); }), std::string("3: ") + e.what());
      continue;
    }
    const std::vector<double> absolute_bias = absolute({{1, 1, 1, static_cast<int64_t>(bias.size())}, bias}).values();
    const Tensor<double> magnitude = conv2d_reference(absolute(input), absolute(weight), absolute_bias, params);
    for (const std::string& cpu : cpu_names()) {
      SCOPED_TRACE(cpu);
      const Conv2d op(weight, bias, params, cpu);
      const Tensor<float> result = run_guarded(op, input, truth.shape(), one);
      const int64_t products = weight_shape.c * weight_shape.h * weight_shape.w;
      expect_rounding_only(result, truth, magnitude, products);
      expect_same_on_any_threads(op, input, result);
      const auto at = [&](int64_t o, int64_t i, int ky, int kx) { return weight(o, i, ky, kx); };
      expect_both_ways(conv2d_form(weight_shape, params), at, bias, cpu, input, truth, magnitude, products);
      if (::testing::Test::HasFatalFailure()) return;
    }
    ++compared;
  }
  EXPECT_GE(compared, kSeeds / 2);
}

// Sizes far beyond any tile: the way that gathers pixels must take these.
TEST(FastConvolution, TakesTapsThatAreFarApart) {
  const Tensor<float> input({1, 1, 1, 1}, {3});
  const Tensor<float> weight({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  constexpr int64_t kFar = 1 << 30;
  EXPECT_EQ(conv2d(input, weight, {}, {.padding = {kFar, kFar}, .dilation = {kFar, kFar}}),
            Tensor<float>({1, 1, 1, 1}, {15}));
  EXPECT_EQ(conv2d(input, weight, {},
                   {.padding = {kFar, kFar}, .dilation = {kFar, kFar}, .padding_mode = PaddingMode::replicate}),
            Tensor<float>({1, 1, 1, 1}, {135}));
  EXPECT_EQ(conv_transpose2d(input, weight, {}, {.padding = {kFar, kFar}, .dilation = {kFar, kFar}}),
            Tensor<float>({1, 1, 1, 1}, {15}));
}

TEST(FastConvolution, ConvTranspose2dAgreesWithTheReference) {
  ThreadPool one(1);
  uint32_t compared = 0;
  for (uint32_t seed = first_seed(); seed < first_seed() + kSeeds; ++seed) {
    SCOPED_TRACE(fmt::format("FSRCNN_TEST_SEED={}", seed));
    RandomPairs random(seed);
    const RandomCase c(random);
    ConvTranspose2dParams params{.stride = random.of<Pair>({{1, 1}, {2, 2}, random.pair(1, 4), random.pair(1, 9)}),
                                 .padding = random.of<Pair>({{0, 0}, random.pair(0, 3), random.pair(0, 8)}),
                                 .output_padding = {0, 0},
                                 .dilation = random.of<Pair>({{1, 1}, {1, 1}, random.pair(1, 5)}),
                                 .groups = c.groups};
    params.output_padding = {random.from(0, std::max(params.stride.h, params.dilation.h) - 1),
                             random.from(0, std::max(params.stride.w, params.dilation.w) - 1)};
    const Shape weight_shape{c.groups * c.in_per_group, c.out_per_group, c.kernel.h, c.kernel.w};
    const std::vector<float> bias = random.bias(c.groups * c.out_per_group);
    const Tensor<float> input = test::random_tensor(c.input, seed, -1, 1);
    const Tensor<float> weight = test::random_tensor(weight_shape, seed + 1, -1, 1);
    Tensor<double> truth;
    try {
      truth = conv_transpose2d_reference(to_double(input), to_double(weight), to_double(bias), params);
    } catch (const Error& e) {
      EXPECT_EQ(test::error_of([&] { conv_transpose2d(input, weight, bias, params); }), std::string("3: ") + e.what());
      continue;
    }
    const std::vector<double> absolute_bias = absolute({{1, 1, 1, static_cast<int64_t>(bias.size())}, bias}).values();
    const Tensor<double> magnitude =
        conv_transpose2d_reference(absolute(input), absolute(weight), absolute_bias, params);
    for (const std::string& cpu : cpu_names()) {
      SCOPED_TRACE(cpu);
      const ConvTranspose2d op(weight, bias, params, cpu);
      const Tensor<float> result = run_guarded(op, input, truth.shape(), one);
      const int64_t products = c.in_per_group * weight_shape.h * weight_shape.w;
      expect_rounding_only(result, truth, magnitude, products);
      expect_same_on_any_threads(op, input, result);
      const auto at = [&](int64_t o, int64_t i, int ky, int kx) {
        return weight(o / c.out_per_group * c.in_per_group + i, o % c.out_per_group, ky, kx);
      };
      expect_both_ways(conv_transpose2d_form(weight_shape, params), at, bias, cpu, input, truth, magnitude, products);
      if (::testing::Test::HasFatalFailure()) return;
    }
    ++compared;
  }
  EXPECT_GE(compared, kSeeds / 2);
}

}  // namespace
}  // namespace fsrcnn
