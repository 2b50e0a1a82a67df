#pragma once

#include "picture/file_target.hpp"
#include "picture/picture.hpp"
#include "picture/sample_rows.hpp"

namespace fsrcnn {

/// Writes a picture of 8 or 16 bits as Netpbm's PAM. Throws Error(io), and what `rows` throws.
void write_pam(const PictureHeader& picture, int bits, SampleRows& rows, FileTarget& file);

/// Writes a picture of floats, gray or RGB without alpha, as PFM, whose first row is the lowest. (libvips writes it
/// upside down, and from 8.16 on other numbers.) Throws Error(io), and what `rows` throws.
void write_pfm(const PictureHeader& picture, SampleRows& rows, FileTarget& file);

}  // namespace fsrcnn
