#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/file.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Rows of a picture that are encoded together.
struct RowBand {
  int64_t first_row = 0, rows = 0;     ///< of its frame
  const std::byte* samples = nullptr;  ///< of the rows, without gaps
  const std::byte* above = nullptr;    ///< the row before them; none at a frame's top
};

/// Bands of about this size are worth a thread's while, and are compressed about as well as a whole picture.
constexpr int64_t kBandBytes = 1 << 19;

/// Cuts a frame's rows into bands of `band_rows`, the last of fewer, whatever the blocks that they come in, and hands
/// on as many bands at once as threads can share.
void for_bands(SampleRows& rows, int64_t frame_rows, int64_t row_bytes, int64_t band_rows,
               const std::function<void(const std::vector<RowBand>&)>& take);

}  // namespace fsrcnn
