#pragma once

#include <cstddef>

#include "support/kernel_check.hpp"

namespace fsrcnn::test {

/// Rows or points of some channels of some positions, with room between them.
struct Layout {
  ptrdiff_t row_stride, channel_stride;
  int rows, channels, positions, lanes;

  Layout(KernelRandom& random, int rows_, int channels_, int positions_, int lanes_)
      : rows(rows_), channels(channels_), positions(positions_), lanes(lanes_) {
    channel_stride = (positions + random.of(0, 2)) * ptrdiff_t{lanes};
    row_stride = channels * channel_stride + random.of(0, 2) * lanes;
  }
  ptrdiff_t floats() const { return ptrdiff_t{positions} * lanes; }
  ptrdiff_t size() const { return (rows - 1) * row_stride + (channels - 1) * channel_stride + floats(); }
  ptrdiff_t at(int row, int channel, ptrdiff_t i) const { return row * row_stride + channel * channel_stride + i; }
  Guarded<float> memory() const { return Guarded<float>(size(), static_cast<size_t>(lanes) * sizeof(float)); }
  void fill(Guarded<float>& memory, KernelRandom& random) const {
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < channels; ++c) random.fill(memory, at(r, c, 0), floats());
    }
  }
};

}  // namespace fsrcnn::test
