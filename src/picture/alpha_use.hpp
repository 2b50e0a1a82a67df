#pragma once

#include <array>
#include <optional>
#include <string>

#include "picture/picture_rows.hpp"

namespace fsrcnn {

/// What the channel beside the colours is taken for.
enum class AlphaKind {
  as_stored,  ///< what the file says
  data,       ///< infrared, a mask, ...: upscaled by itself, and colours as if it were not there
  transparency,
  dropped
};

struct AlphaOptions {
  AlphaKind kind = AlphaKind::as_stored;
  std::optional<std::array<float, 3>> background = {};  ///< red, green and blue, which transparent pictures are put on
};

/// A picture whose alpha is used so. For an output format without alpha a picture must be opaque, or have a background.
class AlphaUse : public PictureRows {
 public:
  /// `picture` must outlive it. output: its name in messages; stores_alpha: whether its format does.
  AlphaUse(PictureRows& picture, const AlphaOptions& options, std::string output, bool stores_alpha);

  const PictureHeader& header() const override { return header_; }
  /// Throws Error(input) for rows that are not opaque but must be.
  void read(Tensor<float>& rows) override;

 private:
  PictureRows& picture_;
  AlphaOptions options_;
  std::string output_;
  bool opaque_ = false;  // alpha must be
  PictureHeader header_;
};

/// "#ff8000", "ff8000", "white" or "black". Throws Error(usage).
std::array<float, 3> parse_colour(const std::string& text);

}  // namespace fsrcnn
