#include "video/plane_resizer.hpp"

#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

namespace fsrcnn {
namespace {

// A plane whose rows are aligned as zimg wants them, or one sample further.
struct TestPlane {
  TestPlane(int64_t width, int64_t height, SampleType type, int64_t shift = 0) {
    const int64_t stride = (width * bytes_of(type) + 127) / 64 * 64;
    memory.resize(static_cast<size_t>(stride * height + 128));
    const auto misaligned = reinterpret_cast<uintptr_t>(memory.data()) % 64;
    plane.data = memory.data() + (64 - misaligned) % 64 + shift;
    plane.width = width;
    plane.height = height;
    plane.stride_bytes = stride;
    plane.type = type;
  }
  float& at(int64_t y, int64_t x) const { return reinterpret_cast<float*>(plane.row(y))[x]; }

  std::vector<std::byte> memory;
  Plane plane;
};

// On a ramp every resampling kernel gives the place that it samples.
void expect_places(int64_t scale, int64_t subsampling, double offset_x, double offset_y, int64_t align_shift) {
  const int64_t luma_width = 41, luma_height = 29;  // the last chroma sample stands for less than its share
  const auto chroma = [&](int64_t luma) { return (luma + subsampling - 1) / subsampling; };
  const auto middle = static_cast<double>(subsampling - 1) / 2;
  TestPlane in(chroma(luma_width), chroma(luma_height), SampleType::f32, align_shift);
  TestPlane out(chroma(scale * luma_width), chroma(scale * luma_height), SampleType::f32);
  PlaneResizer resize({in.plane.width, in.plane.height, SampleType::f32, 32}, out.plane.width, out.plane.height, scale,
                      chroma_shift(offset_x, subsampling, scale), chroma_shift(offset_y, subsampling, scale));
  for (const bool vertical : {false, true}) {
    const double offset = vertical ? offset_y : offset_x;
    for (int64_t y = 0; y < in.plane.height; ++y) {
      for (int64_t x = 0; x < in.plane.width; ++x) {
        in.at(y, x) = static_cast<float>(static_cast<double>((vertical ? y : x) * subsampling) + middle + offset);
      }
    }
    resize(const_view(in.plane), out.plane);
    for (int64_t y = 3 * scale; y < out.plane.height - 3 * scale; ++y) {
      for (int64_t x = 3 * scale; x < out.plane.width - 3 * scale; ++x) {
        // Where this sample's luma lies in the smaller picture.
        const double large = static_cast<double>((vertical ? y : x) * subsampling) + middle + offset;
        const double expected = (large + 0.5) / static_cast<double>(scale) - 0.5;
        ASSERT_NEAR(out.at(y, x), expected, 1e-3) << "x" << scale << " at " << x << ", " << y;
      }
    }
  }
}

TEST(PlaneResizer, ChromaKeepsItsPlaceAmongLuma) {
  for (const int64_t scale : {2, 3, 4}) {
    expect_places(scale, 1, 0, 0, 0);
    for (const int64_t subsampling : {2, 4}) {
      const double left = -static_cast<double>(subsampling - 1) / 2;
      expect_places(scale, subsampling, 0, 0, 0);
      expect_places(scale, subsampling, left, 0, 0);
      expect_places(scale, subsampling, left, left, 0);
      expect_places(scale, subsampling, 0, -left, 4);
    }
  }
}

TEST(PlaneResizer, IntegersKeepTheirLevels) {
  for (const auto& [type, bits] : {std::pair{SampleType::u8, 8}, {SampleType::u16, 10}, {SampleType::u16, 16}}) {
    TestPlane in(37, 19, type), out(74, 38, type);
    const int level = (1 << bits) - 3;
    for (int64_t y = 0; y < 19; ++y) {
      for (int64_t x = 0; x < 37; ++x) {
        if (type == SampleType::u8)
          reinterpret_cast<uint8_t*>(in.plane.row(y))[x] = static_cast<uint8_t>(level);
        else
          reinterpret_cast<uint16_t*>(in.plane.row(y))[x] = static_cast<uint16_t>(level);
      }
    }
    PlaneResizer({37, 19, type, bits}, 74, 38, 2, 0.125, 0)(const_view(in.plane), out.plane);
    for (int64_t y = 0; y < 38; ++y) {
      for (int64_t x = 0; x < 74; ++x) {
        const int value = type == SampleType::u8 ? reinterpret_cast<uint8_t*>(out.plane.row(y))[x]
                                                 : reinterpret_cast<uint16_t*>(out.plane.row(y))[x];
        ASSERT_EQ(value, level) << bits << " bits at " << x << ", " << y;
      }
    }
  }
}

}  // namespace
}  // namespace fsrcnn
