// The guard on overshoot: plain loops, and the engines beside them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "engine/looks.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

std::vector<test::NamedNetwork> guarded_networks() {
  std::vector<test::NamedNetwork> networks = test::other_networks();
  for (const int64_t scale : {2, 3, 4}) {
    networks.push_back({"fsrcnn x" + std::to_string(scale), test::random_network(7, 5, 2, scale, 11)});
  }
  // Without look-ahead: each output pixel is made from one input pixel.
  test::NetworkBuilder pointwise(Colours::luma, 5);
  pointwise.convolution(4, 1), pointwise.with(Layer::Activation::prelu);
  pointwise.convolution(9, 1);
  pointwise.depth_to_space(3);
  networks.push_back({"pointwise", pointwise.finish()});
  return networks;
}

// Pictures of plateaus with noise, so that limits are narrow at some places and wide at others.
Tensor<float> plateaus(int64_t channels, int64_t height, int64_t width, uint32_t seed) {
  Tensor<float> picture = test::random_tensor({1, channels, height, width}, seed, 0, 0.02F);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) picture(0, c, y, x) += (y / 5 * 7 + x / 6 * 3 + c) % 4 * 0.3F;
    }
  }
  return picture;
}

// The loops of one pixel.
TEST(Guard, LimitsToTheRangeOfTheNeighboursWidened) {
  Tensor<float> input({1, 1, 3, 4}, std::vector<float>(12, 0.5F));
  input(0, 0, 1, 0) =
      0.3F;  // a range of 0.2 in columns 0 and 1, with one pixel at its low end; none in columns 2 and 3
  const auto guarded = [&](float guard, float value) {
    Tensor<float> output({1, 1, 6, 8}, std::vector<float>(48, value));
    guard_overshoot(input, guard, output);
    return output;
  };
  EXPECT_NEAR(guarded(1, 0.9F)(0, 0, 3, 2), 0.5125F, 1e-6);
  EXPECT_NEAR(guarded(1, 0.0F)(0, 0, 0, 3), 0.2F, 1e-6);
  EXPECT_EQ(guarded(1, 0.9F)(0, 0, 3, 4), 0.5F);
  EXPECT_EQ(guarded(1, 0.45F)(0, 0, 2, 1), 0.45F);
  EXPECT_NEAR(guarded(0.25F, 0.9F)(0, 0, 3, 2), 0.5125F + 0.75F * 0.3875F, 1e-6);
  EXPECT_EQ(guarded(0, 0.9F), Tensor<float>({1, 1, 6, 8}, std::vector<float>(48, 0.9F)));
}

// The third pixel is near the greatest, and at the least.
TEST(Guard, IsWiderWhereAnEndIsAPeak) {
  float nine[9] = {0.2F, 0.6F, 0.2F, 0.4F, 0.2F, 0.3F, 0.3F, 0.59F, 0.4F};
  const auto [low, high] = guard_range(nine);
  EXPECT_NEAR(low, 0.2F - 0.025F, 1e-6);
  EXPECT_NEAR(high, 0.6F + 0.2F, 1e-6);
  float surface[9] = {0.6F, 0.6F, 0.2F, 0.59F, 0.2F, 0.3F, 0.3F, 0.59F, 0.4F};
  EXPECT_NEAR(guard_range(surface).high, 0.6F + 0.025F + 8 * 0.01F, 1e-6);
}

class GuardedNetworks : public testing::TestWithParam<test::NamedNetwork> {};

TEST_P(GuardedNetworks, AreWhatTheLoopsMake) {
  const Network& network = GetParam().network;
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{1, 1}, {2, 3}, {23, 37}, {3, 70}, {70, 3}, {61, 530}}) {
    const Tensor<float> picture = plateaus(network.channels(), height, width, 7);
    for (const float guard : {1.0F, 0.25F}) {
      Tensor<float> expected = reference_network(network, picture);
      const Tensor<float> unguarded = expected;
      guard_overshoot(picture, guard, expected);
      const bool is_large = height > 20 && width > 20;
      EXPECT_TRUE(!is_large || test::max_difference(expected, unguarded) > 0.01);
      for (const std::string& cpu : cpu_names()) {
        for (const Precision precision : {Precision::fast, Precision::exact}) {
          const Tensor<float> output =
              Engine(network, {.threads = 2, .cpu = cpu, .precision = precision, .guard = guard}).upscale(picture);
          ASSERT_LE(test::max_difference(output, expected), 2e-5)
              << cpu << ", " << width << "x" << height << ", guard " << guard
              << (precision == Precision::exact ? ", exact" : "");
        }
      }
    }
  }
}

TEST_P(GuardedNetworks, DoNotDependOnThreadsStripsRowsAndTheFrameBefore) {
  const Network& network = GetParam().network;
  const Tensor<float> picture = plateaus(network.channels(), 83, 301, 8);
  std::map<std::string, Tensor<float>> of_class;
  for (const std::string& cpu : test::fast_cpus()) {
    const auto options = [&](int threads, int columns) {
      return UpscalerOptions{
          .threads = threads, .cpu = cpu, .strip_columns = columns, .extend_edges = true, .guard = 1};
    };
    Engine one(network, options(1, 0));
    const Tensor<float> once = one.upscale(picture);
    EXPECT_EQ(of_class.try_emplace(one.bits(), once).first->second, once) << cpu;
    for (const int columns : {64, 192, 448}) {
      Engine engine(network, options(3, columns));
      ASSERT_EQ(engine.upscale(picture), once) << cpu << ", strips of " << columns;
      if (network.channels() != 1 || engine.bits() != class_of_bits(cpu)) continue;
      Tensor<float> output(once.shape());
      RowStream stream(engine, 301, 83, {}, {});
      ConstPlane row = plane_of(picture);
      Plane room = plane_of(output);
      row.height = 1;
      for (int64_t y = 0; y < 83; ++y) {
        room.height = stream.completed_by(1);
        stream.push(row, room);
        row.data = row.row(1);
        room.data = room.row(room.height);
      }
      ASSERT_EQ(output, once) << cpu << ", strips of " << columns << ", row by row";

      for (const auto& [y, x] : {std::pair{0, 0}, {82, 300}, {31, 70}, {32, 128}, {64, 150}}) {
        Tensor<float> second = picture;
        second(0, 0, y, x) = 1 - second(0, 0, y, x);
        engine.upscale(plane_of(std::as_const(second)), plane_of(output),
                       {.previous_input = plane_of(picture), .previous_output = plane_of(once)});
        ASSERT_EQ(output, engine.upscale(second)) << cpu << ", " << x << ", " << y;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, GuardedNetworks, testing::ValuesIn(guarded_networks()), [](const auto& test) {
  std::string name;
  for (const char c : test.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
});

// Samples of every type and level, and what is no number.
TEST(Guard, WorksOnEveryTypeOfSample) {
  const Network network = test::random_network(7, 5, 2, 2, 3);
  Tensor<float> picture = plateaus(1, 40, 90, 4);
  for (const std::string& cpu : cpu_names()) {
    Engine engine(network, {.threads = 2, .cpu = cpu, .guard = 1});
    const Tensor<float> floats = engine.upscale(picture);
    for (const bool full_range : {false, true}) {
      std::vector<uint16_t> samples(static_cast<size_t>(floats.count()));
      engine.upscale(plane_of(std::as_const(picture)),
                     {reinterpret_cast<std::byte*>(samples.data()), 180, 80, 360, SampleType::u16, 65535, full_range});
      for (int64_t i = 0; i < floats.count(); ++i) {
        const float luma = floats.data()[i], level = full_range ? (luma * 255 - 16) / 219 : luma;
        ASSERT_NEAR(samples[static_cast<size_t>(i)], 65535 * std::clamp(level, 0.0F, 1.0F), 1) << cpu << " at " << i;
      }
    }
    Tensor<float> with_nan = picture;
    with_nan(0, 0, 20, 50) = std::numeric_limits<float>::quiet_NaN();
    const Tensor<float> guarded = engine.upscale(with_nan);
    const Tensor<float> unguarded = Engine(network, {.threads = 2, .cpu = cpu}).upscale(with_nan);
    for (int64_t i = 0; i < guarded.count(); ++i) {
      ASSERT_EQ(std::isnan(guarded.data()[i]), std::isnan(unguarded.data()[i])) << cpu << " at " << i;
    }
  }
}

// A thin line of ink on cream: beside it nothing is lighter than the guard allows, and further away nothing differs.
TEST(Guard, TakesAwayGhosts) {
  Tensor<float> drawing({1, 1, 60, 60}, std::vector<float>(3600, 0.86F));
  for (int64_t y = 0; y < 60; ++y) drawing(0, 0, y, 30) = 0.1F;
  const Network network = builtin_network("fsrcnn-x2").value();
  const auto farthest = [&](float guard) {
    const Tensor<float> output = Engine(network, {.guard = guard}).upscale(drawing);
    float most = 0;
    // Two input pixels away from the line, and from the picture's padded borders.
    for (int64_t x = 30; x < 90; ++x) {
      if (x < 58 || x >= 64) most = std::max(most, std::abs(output(0, 0, 60, x) - 0.86F));
    }
    return most;
  };
  EXPECT_GT(farthest(0), 0.002F);
  EXPECT_LT(farthest(1), 1e-6F);
  EXPECT_LT(farthest(0.5F), 0.6F * farthest(0));
}

}  // namespace
}  // namespace fsrcnn
