#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "picture/embedded_metadata.hpp"

namespace fsrcnn {

/// How a picture changes.
struct PictureChange {
  int64_t width = 0, height = 0;  ///< pixels that it had, upright
  int orientation = 1;            ///< EXIF's, by which it was turned upright
  MetadataTarget target;

  bool is_turned() const { return orientation != 1; }
  /// Whether rows have become columns.
  bool is_transposed() const { return orientation >= 5; }
  double factor_x() const { return static_cast<double>(target.width) / static_cast<double>(width); }
  double factor_y() const { return static_cast<double>(target.height) / static_cast<double>(height); }
};

/// EXIF's SubjectArea or SubjectLocation in the changed picture: a point, and the diameter of a circle or the sides of
/// a rectangle around it.
std::vector<int64_t> changed_area(const std::vector<double>& area, const PictureChange& change);

/// A resolution, over / under pixels per unit, where as many pixels become others.
std::pair<uint32_t, uint32_t> changed_resolution(uint32_t over, uint32_t under, int64_t before, int64_t after);

/// A TIFF's ImageDescription of the changed picture: sizes in OME-XML and in tifffile's JSON, if they are the
/// picture's.
std::string changed_description(std::string description, const PictureChange& change);

}  // namespace fsrcnn
