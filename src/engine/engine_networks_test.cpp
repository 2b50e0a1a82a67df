// Networks of any layers through the engine.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "engine/reference_network.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

class EngineNetworks : public testing::TestWithParam<test::NamedNetwork> {};

TEST_P(EngineNetworks, AreWhatTheReferenceMakes) {
  const Network& network = GetParam().network;
  // Narrower than a strip, of an odd size; smaller than the network's reach; several strips and bands.
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{23, 37}, {1, 1}, {3, 70}, {70, 3}, {61, 530}}) {
    const Tensor<float> input = test::random_tensor({1, network.channels(), height, width}, 7);
    const Tensor<double> expected = reference_network(network, test::to_double(input));
    for (const std::string& cpu : cpu_names()) {
      for (const Precision precision : {Precision::fast, Precision::exact}) {
        const Tensor<float> output = Engine(network, {.threads = 2, .cpu = cpu, .precision = precision}).upscale(input);
        // Of full scale.
        EXPECT_LE(test::max_difference(test::to_double(output), expected), 1e-5)
            << GetParam().name << ", " << cpu << ", " << width << "x" << height
            << (precision == Precision::exact ? ", exact" : "");
      }
    }
  }
}

TEST_P(EngineNetworks, DoNotDependOnThreadsAndStrips) {
  const Network& network = GetParam().network;
  const Tensor<float> input = test::random_tensor({1, network.channels(), 50, 700}, 8);
  for (const std::string& cpu : {cpu_names().front(), cpu_names()[cpu_names().size() - 2]}) {
    const Tensor<float> expected = Engine(network, {.threads = 1, .cpu = cpu}).upscale(input);
    for (const int columns : {64, 192, 448}) {
      EXPECT_EQ(Engine(network, {.threads = 3, .cpu = cpu, .strip_columns = columns}).upscale(input), expected)
          << GetParam().name << ", " << cpu << ", " << columns;
    }
  }
}

// What is not a number spoils what depends on it, and nothing else; integers are 0 where floats are NaN.
TEST_P(EngineNetworks, KeepNaNsToTheirReceptiveField) {
  const Network& network = GetParam().network;
  const int64_t channels = network.channels();
  Tensor<float> input = test::random_tensor({1, channels, 60, 90}, 9);
  input(0, channels - 1, 31, 47) = std::numeric_limits<float>::quiet_NaN();
  const Tensor<double> reference = reference_network(network, test::to_double(input));
  const Tensor<float> output = Engine(network).upscale(input);
  int64_t spoilt = 0;
  for (int64_t i = 0; i < output.count(); ++i) {
    // Of a value that ReLU or a phase without such a tap hides, the engine may still say that it is unknown.
    EXPECT_TRUE(!std::isnan(reference.data()[i]) || std::isnan(output.data()[i])) << GetParam().name << ", " << i;
    spoilt += std::isnan(output.data()[i]) ? 1 : 0;
  }
  const int64_t side = network.scale * (2 * network.halo() + 1);
  EXPECT_GT(spoilt, 0);
  EXPECT_LE(spoilt, side * side * channels);

  for (const std::string& cpu : cpu_names()) {
    Engine engine(network, {.cpu = cpu});
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      input(0, channels - 1, 31, 47) = bad;
      const Tensor<float> floats = engine.upscale(input);
      std::vector<uint8_t> integers(static_cast<size_t>(floats.count()), 7);
      std::vector<ConstPlane> from;
      std::vector<Plane> to;
      const auto [n, c, h, w] = floats.shape();
      for (int64_t k = 0; k < c; ++k) {
        from.push_back(plane_of(std::as_const(input), k));
        auto* const data = reinterpret_cast<std::byte*>(integers.data() + k * h * w);
        to.push_back({data, w, h, static_cast<ptrdiff_t>(w), SampleType::u8, 255});
      }
      engine.upscale(from.data(), to.data());
      for (int64_t i = 0; i < floats.count(); ++i) {
        if (std::isnan(reference.data()[i])) {
          ASSERT_TRUE(std::isnan(floats.data()[i])) << GetParam().name << ", " << cpu << ", " << bad << " at " << i;
        }
        if (std::isnan(floats.data()[i])) {
          ASSERT_EQ(integers[static_cast<size_t>(i)], 0)
              << GetParam().name << ", " << cpu << ", " << bad << " at " << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, EngineNetworks, testing::ValuesIn(test::other_networks()), [](const auto& test) {
  std::string name;
  for (const char c : test.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
});

}  // namespace
}  // namespace fsrcnn
