#include <algorithm>

#include "picture/guided_chroma_kernels.hpp"

namespace fsrcnn {
namespace {

float inside(float sample) { return std::min(std::max(sample, 0.0F), 1.0F); }

// The moments are those of differences from the middle: they are exactly 0 where a plane is constant.
void slopes(const ChromaGuideRow (&rows)[3], int64_t width, float* const (&slopes)[2]) {
  for (int64_t x = 0; x < width; ++x) {
    float middle[3], mean[3] = {}, luma_square = 0, product[2] = {}, square[2] = {};
    for (int p = 0; p < 3; ++p) middle[p] = inside(rows[1][p][x]);
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 3; ++i) {
        if (j == 1 && i == 1) continue;
        const float weight = (j == 1 ? 0.5F : 0.25F) * (i == 1 ? 0.5F : 0.25F);
        float difference[3];
        for (int p = 0; p < 3; ++p) difference[p] = inside(rows[j][p][x + i - 1]) - middle[p];
        const float weighted = weight * difference[0];
        mean[0] += weighted;
        luma_square += weighted * difference[0];
        for (int c = 0; c < 2; ++c) {
          const float chroma = weight * difference[c + 1];
          mean[c + 1] += chroma;
          product[c] += weighted * difference[c + 1];
          square[c] += chroma * difference[c + 1];
        }
      }
    }
    const float inverse = 1 / (std::max(luma_square - mean[0] * mean[0], 0.0F) + kLumaNoise);
    for (int c = 0; c < 2; ++c) {
      const float covariance = product[c] - mean[0] * mean[c + 1];
      const float variance = std::max(square[c] - mean[c + 1] * mean[c + 1], 0.0F) + kChromaNoise;
      const float slope = covariance * inverse;
      const float correlation = slope * covariance / variance, square_of_it = correlation * correlation;
      slopes[c][x] = slope * (square_of_it * square_of_it);
    }
  }
}

void between_rows(const float* const (&rows)[5], const float (&weights)[4], int64_t width, float* out) {
  for (int64_t x = 0; x < width; ++x) {
    const float base = rows[2][x];
    float sum = base + weights[0] * (rows[0][x] - base);
    sum += weights[1] * (rows[1][x] - base);
    sum += weights[2] * (rows[3][x] - base);
    out[x] = sum + weights[3] * (rows[4][x] - base);
  }
}

void between_slopes(const float* const (&rows)[3], const float (&weights)[2], int64_t width, float* out) {
  for (int64_t x = 0; x < width; ++x) {
    const float base = rows[1][x];
    out[x] = base + weights[0] * (rows[0][x] - base) + weights[1] * (rows[2][x] - base);
  }
}

void across(const ChromaColumns& in, const NearSamples& samples, int64_t count, const float* luma, float* cb,
            float* cr) {
  for (int64_t x = 0; x < count; ++x) {
    const auto cubic = [&](int plane) {
      const float* const near = in.planes[plane] + (samples.nearest[x] - in.first);
      float sum = near[0] + samples.cubic[0][x] * (near[-2] - near[0]);
      sum += samples.cubic[1][x] * (near[-1] - near[0]);
      sum += samples.cubic[2][x] * (near[1] - near[0]);
      return sum + samples.cubic[3][x] * (near[2] - near[0]);
    };
    const auto linear = [&](int plane) {
      const float* const near = in.planes[plane] + (samples.nearest[x] - in.first);
      return near[0] + samples.linear[0][x] * (near[-1] - near[0]) + samples.linear[1][x] * (near[1] - near[0]);
    };
    const float detail = luma[x] - cubic(0);
    cb[x] = cubic(1) + linear(3) * detail;
    cr[x] = cubic(2) + linear(4) * detail;
  }
}

}  // namespace

const GuidedChromaKernels kGuidedChromaReference = {.cpu = "reference",
                                                    .slopes = slopes,
                                                    .between_rows = between_rows,
                                                    .between_slopes = between_slopes,
                                                    .across = across};

}  // namespace fsrcnn
