#pragma once

#include <array>
#include <cstdint>
#include <istream>
#include <optional>

namespace fsrcnn {

/// What libvips does not say about an OpenEXR picture.
struct ExrHeader {
  using Window = std::array<int32_t, 4>;  ///< left, top, right and bottom pixel

  std::optional<Window> data, display;                 ///< of the pixels that the file has, and of the picture
  std::optional<std::array<float, 8>> chromaticities;  ///< x and y of red, green, blue and white
  bool has_parts = false;                              ///< several pictures

  bool shows_other_window() const { return data && display && *data != *display; }
  bool is_bt709() const;  ///< or says nothing
};

/// Reads the first header ("OpenEXR File Layout"). Empty for other files.
ExrHeader exr_header(std::istream& file);

}  // namespace fsrcnn
