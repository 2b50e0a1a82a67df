#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/threads.hpp"

// What Engine does with planes of all types: levels, strides, guards, frames like the one before, what is not a number.

namespace fsrcnn {
namespace {

constexpr std::byte kGuard{0xA5};

/// A plane in the middle of guard bytes, its rows apart by an odd number of samples more than they are wide.
struct GuardedPlane {
  GuardedPlane(int64_t width, int64_t height, SampleType type, float one, bool full_range = false) {
    const int64_t sample = bytes_of(type);
    const auto stride = static_cast<ptrdiff_t>((width + 7) * sample);
    bytes.assign(static_cast<size_t>(stride * (height + 2)), kGuard);
    plane = {bytes.data() + stride + 3 * sample, width, height, stride, type, one, full_range};
  }
  ConstPlane view() const { return const_view(plane); }
  /// Whether all bytes but the plane's are as they were.
  bool guards_stand() const {
    std::vector<std::byte> copy = bytes;
    for (int64_t y = 0; y < plane.height; ++y) {
      std::byte* row = copy.data() + (plane.row(y) - bytes.data());
      std::fill(row, row + plane.width * bytes_of(plane.type), kGuard);
    }
    return std::all_of(copy.begin(), copy.end(), [](std::byte b) { return b == kGuard; });
  }
  double at(int64_t y, int64_t x) const {
    const std::byte* p = plane.row(y) + x * bytes_of(plane.type);
    if (plane.type == SampleType::u8) return static_cast<double>(*p);
    if (plane.type == SampleType::f32) return *reinterpret_cast<const float*>(p);
    return *reinterpret_cast<const uint16_t*>(p);
  }
  void set(int64_t y, int64_t x, double value) const {
    std::byte* p = plane.row(y) + x * bytes_of(plane.type);
    if (plane.type == SampleType::u8) *reinterpret_cast<uint8_t*>(p) = static_cast<uint8_t>(value);
    if (plane.type == SampleType::u16) *reinterpret_cast<uint16_t*>(p) = static_cast<uint16_t>(value);
    if (plane.type == SampleType::f32) *reinterpret_cast<float*>(p) = static_cast<float>(value);
  }

  std::vector<std::byte> bytes;
  Plane plane;
};

struct Format {
  SampleType type;
  float one;
  bool full_range = false;

  // The network's luma that a sample stands for, and the sample of a luma.
  double luma(double sample) const {
    return full_range ? (16 + 219 * sample / static_cast<double>(one)) / 255 : sample / static_cast<double>(one);
  }
  double sample(double luma) const {
    const auto white = static_cast<double>(one);
    return std::clamp(full_range ? (255 * luma - 16) / 219 * white : luma * white, 0.0, white);
  }
};

constexpr Format kFormats[] = {{SampleType::u8, 255},       {SampleType::u16, 1020},       {SampleType::u16, 65280},
                               {SampleType::u16, 65535},    {SampleType::f32, 1},          {SampleType::f32, 255},
                               {SampleType::u8, 255, true}, {SampleType::u16, 1023, true}, {SampleType::f32, 1, true}};

TEST(EnginePlanes, EveryTypeAtBothEndsWithStridesAndGuards) {
  const Network network = test::random_network(6, 4, 1, 3, 21);
  std::mt19937 random(1);
  for (const std::string& cpu : cpu_names()) {
    Engine engine(network, {.threads = 2, .cpu = cpu});
    for (const Format& from : kFormats) {
      for (const Format& to : kFormats) {
        const int64_t width = 5 + random() % 90, height = 1 + random() % 20;
        GuardedPlane input(width, height, from.type, from.one, from.full_range);
        GuardedPlane output(3 * width, 3 * height, to.type, to.one, to.full_range);
        Tensor<double> luma({1, 1, height, width});
        for (int64_t y = 0; y < height; ++y) {
          for (int64_t x = 0; x < width; ++x) {
            input.set(y, x, static_cast<double>(random() % (static_cast<uint32_t>(from.one) + 1)));
            luma(0, 0, y, x) = from.luma(input.at(y, x));
          }
        }
        engine.upscale(input.view(), output.plane);
        EXPECT_TRUE(output.guards_stand()) << cpu;
        const Tensor<double> expected = reference_network(network, luma);
        // An integer is off by one half of a level, and where rounding may go either way by the network's error too.
        const double tolerance = to.one * 1e-5 + (to.type == SampleType::f32 ? 0 : 0.5);
        for (int64_t y = 0; y < 3 * height; ++y) {
          for (int64_t x = 0; x < 3 * width; ++x) {
            ASSERT_NEAR(output.at(y, x), to.sample(expected(0, 0, y, x)), tolerance)
                << cpu << " at " << x << ", " << y << " of " << 3 * width << "x" << 3 * height;
          }
        }
      }
    }
  }
}

// A whole receptive field of the reference becomes NaN, or 0 as integers, and not a pixel more; not even by a tile of
// the transforms.
TEST(EnginePlanes, WhatIsNotANumberStaysInItsReceptiveField) {
  for (const int64_t scale : {2, 3, 4}) {
    const Network network = test::random_network(8, 5, 2, scale, 22);
    const auto with = [](float bad) {
      Tensor<float> luma = test::random_tensor({1, 1, 50, 140}, 9);
      for (const auto& [y, x] : {std::pair{0, 0}, {17, 63}, {18, 64}, {49, 139}, {33, 9}}) luma(0, 0, y, x) = bad;
      return luma;
    };
    const Tensor<float> field = reference_network(network, with(NAN)), outside = reference_network(network, with(0));
    for (const std::string& cpu : cpu_names()) {
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        Engine engine(network, {.threads = 2, .cpu = cpu, .strip_columns = 64});
        const Tensor<float> output = engine.upscale(with(bad));
        for (int64_t i = 0; i < output.count(); ++i) {
          const int64_t y = i / (scale * 140), x = i % (scale * 140);
          if (!std::isnan(field.data()[i])) {
            ASSERT_NEAR(output.data()[i], outside.data()[i], 1e-5) << cpu << " " << bad << " at " << x << ", " << y;
          } else {
            ASSERT_TRUE(std::isnan(output.data()[i])) << cpu << " " << bad << " at " << x << ", " << y;
          }
        }
        const Tensor<float> input = with(bad);
        for (const auto& [type, one] : {std::pair{SampleType::u8, 255.0F}, {SampleType::u16, 65535.0F}}) {
          GuardedPlane plane(scale * 140, scale * 50, type, one);
          engine.upscale(plane_of(input), plane.plane);
          for (int64_t i = 0; i < output.count(); ++i) {
            const int64_t y = i / (scale * 140), x = i % (scale * 140);
            const float value = output.data()[i];
            ASSERT_NEAR(plane.at(y, x), std::isnan(value) ? 0 : value * one, 0.5 + 1e-5 * one)
                << cpu << " " << bad << " at " << x << ", " << y << " of " << one;
          }
        }
      }
    }
  }
}

TEST(EnginePlanes, UnchangedPartsOfAFrameAreCopied) {
  const Network network = test::random_network(6, 4, 2, 2, 23);
  const int64_t width = 400, height = 300;
  for (const int threads : {1, 3}) {
    Engine engine(network, {.threads = threads, .strip_columns = 128});
    const Tensor<float> first = test::random_tensor({1, 1, height, width}, 10);
    Tensor<float> first_out = engine.upscale(first);
    const auto upscale_after = [&](const Tensor<float>& second, Tensor<float>& out) {
      return engine.upscale(plane_of(second), plane_of(out),
                            {.previous_input = plane_of(first), .previous_output = plane_of(std::as_const(first_out))});
    };
    Tensor<float> out(first_out.shape());
    FrameStatistics statistics = upscale_after(first, out);
    EXPECT_EQ(out, first_out);
    EXPECT_GT(statistics.strips, 8);
    EXPECT_EQ(statistics.strips_copied, statistics.strips);

    // Any one pixel that changes is seen, as is its influence on the parts around.
    for (const auto& [y, x] : {std::pair{0, 0}, {299, 399}, {150, 200}, {31, 127}, {32, 128}, {64, 90}, {96, 300}}) {
      Tensor<float> second = first;
      second(0, 0, y, x) = 1 - second(0, 0, y, x);
      statistics = upscale_after(second, out);
      EXPECT_EQ(out, engine.upscale(second)) << x << ", " << y;
      EXPECT_LT(statistics.strips_copied, statistics.strips);
      EXPECT_GT(statistics.strips_copied, statistics.strips / 2);
    }
    // The copy is a copy: what was before shows.
    std::fill(first_out.values().begin(), first_out.values().end(), 0.25F);
    upscale_after(first, out);
    EXPECT_EQ(out, first_out);
  }
}

#if FSRCNN_TESTS_THREADS
TEST(EnginePlanes, SeveralFramesAtOnce) {
  const Network network = test::random_network(6, 4, 2, 2, 24);
  Engine engine(network, {.threads = 3});
  std::vector<Tensor<float>> frames, expected, results(8);
  for (uint32_t i = 0; i < 8; ++i) {
    frames.push_back(test::random_tensor({1, 1, 60 + i, 90 + 40 * i}, i));
    expected.push_back(engine.upscale(frames.back()));
  }
  std::vector<std::jthread> callers;
  for (size_t i = 0; i < 8; ++i) callers.emplace_back([&, i] { results[i] = engine.upscale(frames[i]); });
  callers.clear();
  EXPECT_EQ(results, expected);
}
#endif

TEST(EnginePlanes, TellsProgressAndStops) {
  const Network network = test::random_network(6, 4, 2, 2, 25);
  const Tensor<float> luma = test::random_tensor({1, 1, 600, 500}, 11);
  for (const char* cpu : {"", "reference"}) {
    Engine engine(network, {.threads = 3, .cpu = cpu, .strip_columns = 64});
    std::vector<double> shares;
    engine.upscale(luma, {.progress = [&](double share) { shares.push_back(share); }});
    EXPECT_GE(shares.size(), 2U);
    EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
    EXPECT_EQ(shares.back(), 1);

    std::stop_source source;
    double reached = 0;
    const auto stop_at_once = [&](double share) {
      reached = share;
      source.request_stop();
    };
    EXPECT_EQ(test::error_of([&] { engine.upscale(luma, {.progress = stop_at_once, .stop = source.get_token()}); }),
              "7: upscaling was cancelled");
    EXPECT_LT(reached, 1);
    EXPECT_EQ(engine.upscale(luma).shape(), (Shape{1, 1, 1200, 1000}));  // it is fit for the next
  }
}

TEST(EnginePlanes, MeasuresItsStages) {
  Engine engine(builtin_network("fsrcnn-x2").value());
  const Tensor<float> luma = test::random_tensor({1, 1, 64, 64}, 12);
  Tensor<float> out({1, 1, 128, 128});
  const FrameStatistics statistics = engine.upscale(plane_of(luma), plane_of(out), {.measure_stages = true});
  for (const double seconds :
       {statistics.seconds.input, statistics.seconds.feature_extraction, statistics.seconds.mapping,
        statistics.seconds.expanding, statistics.seconds.deconvolution, statistics.seconds.output}) {
    EXPECT_GT(seconds, 0);
    EXPECT_LT(seconds, 10);
  }
}

TEST(EnginePlanes, RefusesWhatDoesNotFit) {
  Engine engine(builtin_network("fsrcnn-x2").value());
  EXPECT_EQ(test::error_of([&] {
              engine.upscale(Tensor<float>({1, 3, 4, 4}));
            }),
            "3: the network expects an input of shape (1, 1, H, W), got (1, 3, 4, 4)");
  EXPECT_EQ(test::error_of([&] {
              engine.upscale(Tensor<float>({1, 1, 0, 4}));
            }),
            "3: the network expects an input of shape (1, 1, H, W), got (1, 1, 0, 4)");
  Tensor<float> in({1, 1, 4, 4}), out({1, 1, 8, 9});
  EXPECT_EQ(test::error_of([&] { engine.upscale(plane_of(std::as_const(in)), plane_of(out)); }),
            "3: a 4x4 plane at scale 2 needs an output of 8x8, but it is 9x8");
  out = Tensor<float>({1, 1, 8, 8});
  EXPECT_EQ(test::error_of([&] {
              engine.upscale(plane_of(std::as_const(in)), plane_of(out),
                             {.previous_input = plane_of(std::as_const(in))});
            }),
            "3: the previous frame needs both input and output, or neither");
  RowStream stream(engine, 4, 4, plane_of(std::as_const(in)), plane_of(out), [](std::span<const ConstPlane>) {});
  stream.push(plane_of(std::as_const(in)));
  EXPECT_EQ(test::error_of([&] { stream.push(plane_of(std::as_const(in))); }),
            "3: pushed 4 rows, but the picture has 4 and 4 were already pushed");
  EXPECT_EQ(test::error_of([&] { stream.push(plane_of(std::as_const(out))); }),
            "3: pushed rows of 8 samples of 4 bytes, but the picture's rows have 4 of 4 bytes");
}

}  // namespace
}  // namespace fsrcnn
