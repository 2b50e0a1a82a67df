#include "engine/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>

#include "base/cpu.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "network/formats/safetensors.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/sweep.hpp"

namespace fsrcnn {
namespace {

// Of full scale, against the same network in float64.
constexpr double kTolerance = 1e-5;

Tensor<double> truth(const Network& network, const Tensor<float>& luma) {
  return reference_network(network, test::to_double(luma));
}

double error(const Tensor<float>& output, const Tensor<double>& expected) {
  return test::max_difference(test::to_double(output), expected);
}

TEST(Engine, RunsWhatIsNamed) {
  const Network network = test::random_network(4, 2, 1, 2, 1);
  for (const std::string& cpu : cpu_names()) EXPECT_EQ(Engine(network, {.cpu = cpu}).cpu(), cpu);
  test::set_environment("FSRCNN_CPU", "reference");
  EXPECT_EQ(Engine(network).cpu(), "reference");
  EXPECT_EQ(Engine(network, {.cpu = cpu_names()[0]}).cpu(), cpu_names()[0]);
  test::set_environment("FSRCNN_CPU", "z80");
  EXPECT_TRUE(test::error_of([&] { Engine engine(network); }).starts_with("2: FSRCNN_CPU: unknown CPU 'z80'"));
  test::set_environment("FSRCNN_CPU", nullptr);
  EXPECT_EQ(Engine(network).cpu(), cpu_names()[0]);
  EXPECT_TRUE(test::error_of([&] { Engine engine(network, {.cpu = "z80"}); }).starts_with("2: unknown CPU 'z80'"));
}

// Every instruction set has code of its own, of which a name alone would not tell: without fused multiply-adds, or with
// direct sums instead of transforms, some bits differ.
TEST(Engine, InstructionSetsDifferWhereTheyMust) {
  const Network network = builtin_network("fsrcnn-x2").value();
  const Tensor<float> luma = test::random_tensor({1, 1, 40, 50}, 1);
  const Tensor<float> reference = Engine(network, {.cpu = "reference"}).upscale(luma);
  EXPECT_EQ(reference, reference_network(network, luma));
  for (const std::string& cpu : test::fast_cpus()) {
    const Tensor<float> fast = Engine(network, {.cpu = cpu}).upscale(luma);
    EXPECT_NE(fast, reference) << cpu;
    EXPECT_NE(fast, Engine(network, {.cpu = cpu, .precision = Precision::exact}).upscale(luma)) << cpu;
  }
}

struct Dialect {
  const char* name;
  int64_t d, s, m, scale;
  PaddingMode padding = PaddingMode::zeros;
  bool one_slope = false;
  bool biases = true;
  int64_t sub_pixel_kernel = 0;  // 0: deconvolution
  int64_t border = 0;            // of the deconvolution's input
};

void PrintTo(const Dialect& dialect, std::ostream* out) { *out << dialect.name; }

Network network_of(const Dialect& dialect, uint32_t seed) {
  Network network = test::random_network(dialect.d, dialect.s, dialect.m, dialect.scale, seed);
  Layer& tail = network.layers.back();
  for (Layer& layer : network.layers) {
    layer.conv.padding_mode = dialect.padding;
    if (dialect.one_slope && !layer.slope.empty()) layer.slope.erase(layer.slope.begin() + 1, layer.slope.end());
    if (!dialect.biases && &layer != &tail) layer.bias.clear();
  }
  const int64_t k = dialect.sub_pixel_kernel, scale = dialect.scale, phases = scale * scale;
  if (k == 0) {
    tail.border = dialect.border;
    tail.conv_transpose.padding = {4 + scale * dialect.border, 4 + scale * dialect.border};
    return network;
  }
  const float bound = 0.3F / std::sqrt(static_cast<float>(dialect.d * k * k));
  tail.op = Layer::Op::convolution;
  tail.weight = test::random_tensor({phases, dialect.d, k, k}, seed, -bound, bound);
  tail.bias = test::random_tensor({1, 1, 1, phases}, seed, 0.4F, 0.6F).values();
  tail.conv.padding = {k / 2, k / 2};
  const int before = static_cast<int>(network.layers.size()) - 1;
  network.layers.push_back({.op = Layer::Op::depth_to_space, .inputs = {before}, .factor = scale});
  return network;
}

class EngineDialect : public testing::TestWithParam<Dialect> {};

// Every width to 67 and every height to 40, which are all remainders of a vector, a tile and a strip; strips as narrow
// as they can be, so that most pictures have several.
TEST_P(EngineDialect, AgreesWithTheReferenceAtEverySize) {
  const Network network = network_of(GetParam(), 11);
  std::vector<std::unique_ptr<Engine>> engines;
  for (const std::string& cpu : test::fast_cpus()) {
    for (const Precision precision : {Precision::fast, Precision::exact}) {
      engines.push_back(std::make_unique<Engine>(
          network, UpscalerOptions{.threads = 1, .cpu = cpu, .precision = precision, .strip_columns = 64}));
    }
  }
  // A step of 5 has all remainders of a tile, too.
  for (int64_t i = 0; i < 67; i += test::kEmulated ? 5 : 1) {
    const int64_t width = 1 + i, height = 1 + i * 7 % 40;
    const Tensor<float> luma = test::random_tensor({1, 1, height, width}, static_cast<uint32_t>(i));
    const Tensor<double> expected = truth(network, luma);
    for (const auto& engine : engines) {
      ASSERT_LE(error(engine->upscale(luma), expected), kTolerance) << engine->cpu() << " " << width << "x" << height;
    }
  }
}

TEST_P(EngineDialect, IsTheSameForAnyThreadsStripsRowsAndInstructionSetsOfAClass) {
  const Network network = network_of(GetParam(), 12);
  const Tensor<float> luma = test::random_tensor({1, 1, 83, 301}, 5);
  const int64_t scale = network.scale;
  for (const Precision precision : {Precision::fast, Precision::exact}) {
    std::map<std::string, Tensor<float>> of_class;
    for (const std::string& cpu : test::fast_cpus()) {
      const Tensor<float> once = Engine(network, {.threads = 1, .cpu = cpu, .precision = precision}).upscale(luma);
      EXPECT_EQ(of_class.try_emplace(class_of_bits(cpu), once).first->second, once) << cpu;
      for (const int threads : {1, 2, 3, 7}) {
        for (const int columns : {64, 128, 192, 512}) {
          Engine engine(network, {.threads = threads, .cpu = cpu, .precision = precision, .strip_columns = columns});
          ASSERT_EQ(engine.upscale(luma), once) << cpu << " " << threads << " threads, strips of " << columns;
          Tensor<float> streamed(once.shape());
          int64_t rows = 0;
          RowStream stream(
              engine, 301, 83, plane_of(luma), plane_of(streamed), [&](std::span<const ConstPlane> planes) {
                const ConstPlane& some = planes.front();
                std::memcpy(streamed.row(0, 0, rows), some.data, static_cast<size_t>(some.height * some.stride_bytes));
                rows += some.height;
              });
          for (int64_t y = 0; y < 83; y += threads) {  // one by one with one thread
            ConstPlane some = plane_of(luma);
            some.data = some.row(y);
            some.height = std::min<int64_t>(threads, 83 - y);
            stream.push(some);
          }
          EXPECT_EQ(rows, scale * 83);
          ASSERT_EQ(streamed, once) << cpu << " " << threads << " threads, strips of " << columns;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EngineDialect,
    testing::Values(Dialect{"x2", 7, 5, 2, 2}, Dialect{"x3", 9, 3, 1, 3}, Dialect{"x4", 6, 4, 3, 4},
                    Dialect{"x2_replicate", 8, 6, 2, 2, PaddingMode::replicate},
                    Dialect{"x3_replicate_one_slope", 5, 7, 1, 3, PaddingMode::replicate, true},
                    Dialect{"x2_border", 6, 5, 1, 2, PaddingMode::replicate, true, true, 0, 1},
                    Dialect{"x3_border", 6, 3, 2, 3, PaddingMode::replicate, true, true, 0, 1},
                    Dialect{"x4_border", 5, 4, 1, 4, PaddingMode::replicate, false, true, 0, 1},
                    Dialect{"x4_one_slope_no_biases", 15, 13, 1, 4, PaddingMode::zeros, true, false},
                    Dialect{"x2_sub_pixel_1", 6, 3, 1, 2, PaddingMode::zeros, false, true, 1},
                    Dialect{"x3_sub_pixel_3_replicate", 6, 3, 1, 3, PaddingMode::replicate, false, true, 3},
                    Dialect{"x2_sub_pixel_5_replicate", 6, 3, 2, 2, PaddingMode::replicate, false, true, 5},
                    Dialect{"x4_sub_pixel_5", 6, 3, 1, 4, PaddingMode::zeros, false, true, 5}),
    [](const auto& test) { return std::string(test.param.name); });

class EngineModels : public testing::TestWithParam<Dialect> {};

TEST_P(EngineModels, RandomWeightsOfTheFieldsSizes) {
  const Network network = network_of(GetParam(), 13);
  const Tensor<float> luma = test::random_tensor({1, 1, 45, 150}, 6);
  const Tensor<double> expected = truth(network, luma);
  for (const std::string& cpu : test::fast_cpus()) {
    for (const Precision precision : {Precision::fast, Precision::exact}) {
      EXPECT_LE(error(Engine(network, {.cpu = cpu, .precision = precision}).upscale(luma), expected), kTolerance)
          << cpu;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EngineModels,
                         testing::Values(Dialect{"x2_56_12_4", 56, 12, 4, 2}, Dialect{"x3_56_12_4", 56, 12, 4, 3},
                                         Dialect{"x4_56_12_4", 56, 12, 4, 4}, Dialect{"x2_32_5_1", 32, 5, 1, 2},
                                         Dialect{"x4_16_12_4", 16, 12, 4, 4}, Dialect{"x2_64_16_0", 64, 16, 0, 2}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Engine, ShippedModelsAreWithinTheirTolerance) {
  // Black and white noise is the worst case.
  Tensor<float> luma = test::random_tensor({1, 1, 80, 160}, 7);
  for (float& value : luma.values()) value = std::round(value);
  for (const BuiltinModel& builtin : builtin_models()) {
    const Network network = builtin_network(builtin.name).value();
    EXPECT_EQ(network.scale, builtin.scale) << builtin.name;
    const Tensor<double> expected = truth(network, luma);
    for (const std::string& cpu : test::fast_cpus()) {
      EXPECT_LE(error(Engine(network, {.cpu = cpu}).upscale(luma), expected), kTolerance) << builtin.name << " " << cpu;
    }
  }
}

TEST(Engine, RunsShippedModelsAsPyTorchDoes) {
  const std::vector<std::byte> bytes = test::golden("shipped_models.safetensors");
  const StateDict outputs = parse_safetensors(bytes, "shipped_models");
  ASSERT_EQ(outputs.tensors.size(), 1 + builtin_models().size());
  const Tensor<float> luma = test::to_tensor(*outputs.find("input"));
  for (const BuiltinModel& builtin : builtin_models()) {
    std::string file(builtin.name);
    std::replace(file.begin(), file.end(), '-', '_');
    const NamedTensor* expected = outputs.find(file);
    ASSERT_NE(expected, nullptr) << file;
    const Tensor<float> output = Engine(builtin_network(builtin.name).value()).upscale(luma);
    EXPECT_LE(test::max_difference(output, test::to_tensor(*expected)), kTolerance) << file;
  }
}

}  // namespace
}  // namespace fsrcnn
