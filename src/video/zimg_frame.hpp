#pragma once

#include <zimg++.hpp>

#include "video/av.hpp"

namespace fsrcnn {

// Frames as zimg describes them.

/// H.273's number of a frame's matrix. If it is unspecified, players' rule applies: BT.709 above 576 rows, else BT.601.
int zimg_matrix(const AVFrame& frame);

/// Of a planar frame, with this matrix. Of its alpha nothing is said.
zimgxx::zimage_format zimg_format(const AVFrame& frame, int matrix);

/// A copy whose rows are aligned as zimg wants them; null if the frame's are.
AvFrame zimg_aligned(const AVFrame& frame);

/// FFmpeg's plane that is zimg's c-th: planes of RGB are in the order green, blue, red.
int zimg_plane(const AVPixFmtDescriptor& pixels, int c);

}  // namespace fsrcnn
