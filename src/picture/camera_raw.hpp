#pragma once

#include <istream>

namespace fsrcnn {

/// Whether a file is camera raw (DNG, CR2, CR3, CRW, NEF, ARW, ORF, RW2, RAF, PEF, IIQ, X3F, ...), told by its
/// signature, or by what the folders of a TIFF say of their images. Decoders that do not develop would take a thumbnail
/// for the picture.
bool is_camera_raw(std::istream& file);

}  // namespace fsrcnn
