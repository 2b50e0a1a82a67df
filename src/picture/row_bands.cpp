#include "picture/row_bands.hpp"

#include <algorithm>

#include "base/thread_pool.hpp"

namespace fsrcnn {

void for_bands(SampleRows& rows, int64_t frame_rows, int64_t row_bytes, int64_t band_rows,
               const std::function<void(const std::vector<RowBand>&)>& take) {
  const int64_t together = band_rows * default_thread_count();
  std::vector<std::byte> samples;  // a row above, if there is one, and rows that wait
  int64_t taken = 0;
  for (int64_t come = 0; come < frame_rows;) {
    const RowBlock block = rows.next(frame_rows - come);
    samples.insert(samples.end(), block.samples.begin(), block.samples.end());
    come += block.rows;
    const bool end = come >= frame_rows;
    if (!end && come - taken < together) continue;
    const int64_t above = taken > 0 ? 1 : 0, last = end ? frame_rows : taken + (come - taken) / band_rows * band_rows;
    std::vector<RowBand> bands;
    for (int64_t row = taken; row < last; row += band_rows) {
      const std::byte* const first = samples.data() + (row - taken + above) * row_bytes;
      bands.push_back({row, std::min(band_rows, last - row), first, row > 0 ? first - row_bytes : nullptr});
    }
    take(bands);
    samples.erase(samples.begin(), samples.begin() + (last - taken + above - 1) * row_bytes);
    taken = last;
  }
}

}  // namespace fsrcnn
