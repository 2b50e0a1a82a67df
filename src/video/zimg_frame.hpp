#pragma once

#include <zimg++.hpp>

#include "video/av.hpp"

namespace fsrcnn {

// Frames as zimg describes them.

/// H.273's number of a frame's matrix. If it is unspecified, players' rule applies: BT.709 above 576 rows, else BT.601.
int zimg_matrix(const AVFrame& frame);

/// Of a planar frame, with this matrix. Of its alpha nothing is said.
zimgxx::zimage_format zimg_format(const AVFrame& frame, int matrix);

/// Up to a whole number of chroma samples, as zimg wants it.
int zimg_width(const AVFrame& frame);
int zimg_height(const AVFrame& frame);

/// A copy whose rows are aligned, and whose size is, as zimg wants them; null if the frame's are. Beyond the frame's
/// own size its last row and column are repeated.
AvFrame zimg_aligned(const AVFrame& frame);

/// FFmpeg's plane that is zimg's c-th: planes of RGB are in the order green, blue, red.
int zimg_plane(const AVPixFmtDescriptor& pixels, int c);

}  // namespace fsrcnn
