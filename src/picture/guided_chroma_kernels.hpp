#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace fsrcnn {

/// One row each of luma, Cb and Cr.
using ChromaGuideRow = std::array<const float*, 3>;

/// What outputs along one axis are made of: base + sum of weight * (sample - base), `base` being the nearest sample. So
/// between equal samples it is that very number.
struct NearSamples {
  const int32_t* nearest;  ///< the sample of each output; no more than one further than that of the output before
  const float* cubic[4];   ///< weights of the samples at -2, -1, 1 and 2 from the nearest
  const float* linear[2];  ///< of those at -1 and 1
};

/// A part of a row of the picture: luma, Cb, Cr and the slopes of both.
struct ChromaColumns {
  static constexpr int kPadding = 16;  ///< floats that may be read after those that are needed

  const float* planes[5];  ///< of the column `first`
  int64_t first;
};

/// Each operation in the order that guided_chroma_reference.cpp has it in, none fused: all give the same bits.
struct GuidedChromaKernels {
  const char* cpu;  ///< the name of the instruction set
  /// rows: above, here and below, with a sample more at each end. slopes: (2, width), of Cb and Cr.
  void (*slopes)(const ChromaGuideRow (&rows)[3], int64_t width, float* const (&slopes)[2]);
  /// Between five rows, the nearest in the middle.
  void (*between_rows)(const float* const (&rows)[5], const float (&weights)[4], int64_t width, float* out);
  /// Between three.
  void (*between_slopes)(const float* const (&rows)[3], const float (&weights)[2], int64_t width, float* out);
  /// luma, cb, cr: (count).
  void (*across)(const ChromaColumns& in, const NearSamples& samples, int64_t count, const float* luma, float* cb,
                 float* cr);
};

/// Plain loops.
extern const GuidedChromaKernels kGuidedChromaReference;
/// For a name of cpu_names().
const GuidedChromaKernels& guided_chroma_kernels(std::string_view cpu);

/// Variances of which half is trusted: of half a level of 255 in luma, a level in chroma.
inline constexpr float kLumaNoise = (0.5F / 255) * (0.5F / 255), kChromaNoise = (1.0F / 255) * (1.0F / 255);

}  // namespace fsrcnn
