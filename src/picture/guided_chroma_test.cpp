#include "picture/guided_chroma.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/cpu.hpp"
#include "picture/colour.hpp"
#include "picture/resample.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

/// Y, Cb and Cr with another luma, enlarged: (1, 3, H, W).
Tensor<float> guided(const Tensor<float>& ycbcr, const Tensor<float>& luma, std::string_view cpu, int64_t block = 1000,
                     bool at_once = false) {
  const auto [n, c, h, w] = ycbcr.shape();
  const auto [ln, lc, height, width] = luma.shape();
  Tensor<float> large({1, 3, height, width});
  std::copy_n(luma.plane(0, 0), height * width, large.plane(0, 0));
  GuidedChroma chroma(w, h, width, height, cpu);
  int64_t y = 0;
  for (int64_t first = 0; first < h; first += block) {
    const int64_t rows = std::min(block, h - first);
    const auto plane = [&, w = w](int64_t k) {
      return ConstPlane{reinterpret_cast<const std::byte*>(ycbcr.row(0, k, first)), w, rows,
                        w * static_cast<ptrdiff_t>(sizeof(float))};
    };
    chroma.push(plane(0), plane(1), plane(2));
    if (at_once && first + rows < h) continue;
    for (; y < chroma.completed(); ++y)
      chroma.compute_row(y, luma.row(0, 0, y), large.row(0, 1, y), large.row(0, 2, y));
    chroma.drop(y);
  }
  EXPECT_EQ(y, height);
  return large;
}

Tensor<float> only_plane(const Tensor<float>& planes, int64_t k) {
  const auto [n, c, h, w] = planes.shape();
  return {{1, 1, h, w}, {planes.plane(0, k), planes.plane(0, k) + h * w}};
}

/// Noise in small steps on two colours that meet: slopes of all kinds.
Tensor<float> edges(int64_t height, int64_t width, uint32_t seed) {
  Tensor<float> planes = test::random_tensor({1, 3, height, width}, seed);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t k = 0; k < 3; ++k)
        planes(0, k, y, x) =
            0.1F * planes(0, k, y, x) + ((x + 2 * y) % 9 < 4 ? 0.2F + 0.2F * static_cast<float>(k) : 0.4F);
  return planes;
}

// Strokes of one colour on another, as they look in half the size: with the luma that they had, they get their colours.
TEST(GuidedChroma, ThinStrokesKeepTheirColour) {
  struct Colours {
    std::array<float, 3> stroke, ground;
  };
  for (const auto& [stroke, ground] :
       {Colours{{1, 0.02F, 0.02F}, {1, 1, 1}}, Colours{{0, 0, 1}, {0, 0, 0}}, Colours{{1, 0.9F, 0}, {0.1F, 0.1F, 0.3F}},
        Colours{{0, 0.6F, 0}, {1, 1, 0.9F}}}) {
    for (const int64_t thickness : {1, 2, 3}) {
      SCOPED_TRACE(fmt::format("{} {} {}, {} wide", stroke[0], stroke[1], stroke[2], thickness));
      Tensor<float> original({1, 3, 48, 64});
      for (int64_t k = 0; k < 3; ++k)
        for (int64_t y = 0; y < 48; ++y)
          for (int64_t x = 0; x < 64; ++x)
            original(0, k, y, x) = (y + (x > 32 ? x : 0)) % 16 < thickness ? stroke[k] : ground[k];
      rgb_to_ycbcr(original);
      const Tensor<float> small = resize_bicubic(original, 24, 32);
      const Tensor<float> plain = resize_bicubic(small, 48, 64);
      const Tensor<float> large = guided(small, only_plane(original, 0), "reference");
      for (int64_t k = 1; k < 3; ++k) {
        const double before = test::max_difference(only_plane(plain, k), only_plane(original, k));
        EXPECT_LE(test::max_difference(only_plane(large, k), only_plane(original, k)), 0.03 + 0.15 * before);
        EXPECT_GE(before, 0.03);
      }
    }
  }
}

TEST(GuidedChroma, IsCubicWhereLumaAddsNothing) {
  const Tensor<float> small = edges(19, 23, 1);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{38, 46}, {57, 69}, {19, 152}, {40, 31}}) {
    const Tensor<float> plain = resize_bicubic(small, height, width);
    const Tensor<float> large = guided(small, only_plane(plain, 0), "reference");
    EXPECT_LE(test::max_difference(large, plain), 1e-6);
  }
}

// Chroma that knows nothing of luma is left alone.
TEST(GuidedChroma, TakesNothingFromALumaThatIsUnlikeIt) {
  Tensor<float> small({1, 3, 32, 32});
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 32; ++x) {
      small(0, 0, y, x) = x % 2 == 0 ? 0.2F : 0.8F;
      small(0, 1, y, x) = small(0, 2, y, x) = y % 2 == 0 ? 0.3F : 0.7F;
    }
  }
  const Tensor<float> luma = test::random_tensor({1, 1, 64, 64}, 2);
  const Tensor<float> large = guided(small, luma, "reference"), plain = resize_bicubic(small, 64, 64);
  for (int64_t k = 1; k < 3; ++k) EXPECT_LE(test::max_difference(only_plane(large, k), only_plane(plain, k)), 1e-3);
}

TEST(GuidedChroma, ConstantChromaStaysExactlyThat) {
  for (const float value : {128.0F / 255, 0.1F, 0.77777F}) {
    Tensor<float> small = test::random_tensor({1, 3, 21, 37}, 3);
    std::fill_n(small.plane(0, 1), 2 * 21 * 37, value);
    for (const std::string& cpu : cpu_names()) {
      for (const auto& [height, width] : {std::pair<int64_t, int64_t>{42, 74}, {63, 111}, {50, 93}}) {
        const Tensor<float> large = guided(small, test::random_tensor({1, 1, height, width}, 4), cpu);
        for (int64_t i = 0; i < 2 * height * width; ++i) ASSERT_EQ(large.plane(0, 1)[i], value) << cpu << " " << i;
      }
    }
  }
}

// And any blocks of rows, and any widths: to the bit.
TEST(GuidedChroma, EveryInstructionSetGivesThePlainLoopsBits) {
  for (const int64_t width : {1, 2, 3, 7, 15, 16, 17, 31, 33, 70, 255, 256, 257, 263, 530}) {
    for (const auto& [height, up, across] : {std::tuple<int64_t, double, double>{1, 2, 2},
                                             {2, 3, 3},
                                             {3, 4, 4},
                                             {13, 2, 2},
                                             {17, 8, 2},
                                             {11, 1.37, 2.6},
                                             {9, 1, 1.5},
                                             {6, 2, 1}}) {
      const Tensor<float> small = edges(height, width, static_cast<uint32_t>(5 + width));
      const auto rows = static_cast<int64_t>(up * static_cast<double>(height));
      const auto columns = static_cast<int64_t>(across * static_cast<double>(width));
      const Tensor<float> luma = test::random_tensor({1, 1, rows, columns}, 6);
      const Tensor<float> expected = guided(small, luma, "reference");
      for (const std::string& cpu : cpu_names()) {
        for (const int64_t block : {1, 2, 5}) {
          ASSERT_EQ(guided(small, luma, cpu, block), expected)
              << cpu << " " << to_string(small.shape()) << " " << block;
          ASSERT_EQ(guided(small, luma, cpu, block, true), expected) << cpu << " " << to_string(small.shape());
        }
      }
    }
  }
}

// Samples of floats that no network sees tell nothing of slopes.
TEST(GuidedChroma, BrightLightsAreNoGuide) {
  Tensor<float> small = edges(16, 16, 7);
  small(0, 0, 8, 8) = 5000;
  small(0, 1, 8, 8) = -300;
  small(0, 2, 8, 8) = 2000;
  Tensor<float> limited = small;
  for (float& sample : limited.values()) sample = std::clamp(sample, 0.0F, 1.0F);
  // The same details for both.
  const Tensor<float> details = test::random_tensor({1, 1, 32, 32}, 8, -0.1F, 0.1F);
  const auto added = [&](const Tensor<float>& planes) {
    const Tensor<float> plain = resize_bicubic(planes, 32, 32);
    Tensor<float> luma = details;
    for (int64_t i = 0; i < 32 * 32; ++i) luma.data()[i] += plain.plane(0, 0)[i];
    Tensor<float> large = guided(planes, luma, "reference");
    for (int64_t i = 0; i < 3 * 32 * 32; ++i) large.data()[i] -= plain.data()[i];
    return large;
  };
  EXPECT_LE(test::max_difference(added(small), added(limited)), 0.002);
}

TEST(GuidedChroma, RefusesWhatItCannotEnlarge) {
  EXPECT_EQ(test::error_of([] { GuidedChroma(10, 10, 9, 20, "reference"); }), "3: 10 pixels cannot be enlarged to 9");
  GuidedChroma chroma(10, 10, 20, 20, "reference");
  const Tensor<float> rows({1, 1, 11, 10});
  const ConstPlane plane = plane_of(rows);
  EXPECT_EQ(test::error_of([&] { chroma.push(plane, plane, plane); }),
            "3: pushed 11 rows of 10 samples, but the picture has 10x10 floats and 0 rows were pushed");
}

}  // namespace
}  // namespace fsrcnn
