// The part of vips_decoder.hpp that is about single formats: what libvips does not refuse, tell or keep of them.

#include <vips/vips.h>

#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "picture/deflate.hpp"
#include "picture/exr_header.hpp"
#include "picture/file_end.hpp"
#include "picture/gif_check.hpp"
#include "picture/heif_boxes.hpp"
#include "picture/jp2_boxes.hpp"
#include "picture/jxl_info.hpp"
#include "picture/tiff_samples.hpp"
#include "picture/vips_decoder.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {

void VipsDecoder::check_gif_file() {
  if (!loader_.starts_with("gif")) return;
  const GifState state = check_gif(file_.bytes());
  if (state == GifState::cut) fail(ErrorCode::input, "'{}' is damaged: the GIF is truncated", name_);
  if (state == GifState::damaged)
    damage_.push_back(fmt::format("'{}' is damaged: some of its frames are incomplete", name_));
}

void VipsDecoder::check_png() {
  if (!loader_.starts_with("png")) return;
  png_ = png_chunks(*file_.stream());
  if (png_.animated) {
    fail(ErrorCode::input,
         "'{}' is an animated PNG, which is not supported; convert it to a film or an animated WebP first, e.g. ffmpeg "
         "-i '{}' frames.webp",
         name_, name_);
  }
  header_.pixel_aspect = png_.pixel_aspect;
  constexpr size_t kMuchMemory = 256 << 20;
  if (const size_t bytes = VIPS_IMAGE_SIZEOF_IMAGE(image_.get()); png_.interlaced && bytes > kMuchMemory) {
    warn(fmt::format("'{}' is interlaced and must be decoded as a whole: {} MB of memory", name_, bytes >> 20));
  }
  if (png_.numbers && !png_.numbers->is_srgb()) header_.colours = png_.numbers;
  if (!png_.profile.empty() && !has(image_.get(), VIPS_META_ICC_NAME)) {
    constexpr size_t kMostProfileBytes = 64 << 20;
    const std::string profile = inflated(png_.profile, kMostProfileBytes);
    replace(image_, file_.path(), [](VipsImage* in, VipsImage** out) { return vips_copy(in, out, nullptr); });
    vips_image_set_blob_copy(image_.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  }
  if (!png_.colours.empty()) {
    warn(fmt::format("'{}' specifies colours other than sRGB in its {}, which is lost: the colours will look different",
                     name_, fmt::join(png_.colours, " and ")));
  }
}

void VipsDecoder::check_jpeg() {
  if (!loader_.starts_with("jpeg")) return;
  jpeg_ = jpeg_segments(*file_.stream());
  if (jpeg_.has_gain_map) {
    warn_of_gain_map();
  } else if (jpeg_.further_pictures > 0) {
    warn(fmt::format("'{}' holds {} pictures; only the first is upscaled", name_, jpeg_.further_pictures + 1));
  }
  if (jpeg_.has_film) warn(fmt::format("'{}' also holds a short film, which is lost", name_));
}

void VipsDecoder::check_heif() {
  if (!loader_.starts_with("heif")) return;
  const HeifBoxes boxes = heif_boxes(*file_.stream());
  header_.halves_chroma = boxes.halves_chroma;
  header_.pixel_aspect = boxes.pixel_aspect;
  if (boxes.colours && !boxes.has_profile && !boxes.colours->is_srgb()) header_.colours = boxes.colours;
  if (boxes.has_gain_map) {
    warn_of_gain_map();
  }
}

void VipsDecoder::warn_of_gain_map() {
  warn(fmt::format(
      "'{}' also holds a gain map, for displays of another brightness, which is lost: the output is the main "
      "picture alone",
      name_));
}

void VipsDecoder::check_exr() {
  if (!loader_.starts_with("openexr")) return;
  const ExrHeader exr = exr_header(*file_.stream());
  if (!exr.is_bt709()) {
    warn(fmt::format("'{}' has chromaticities other than BT.709's, which are lost: the colours will look different",
                     name_));
  }
  if (exr.shows_other_window()) {
    const auto& [left, top, right, bottom] = *exr.display;
    warn(fmt::format("'{}' has {}x{} pixels for a display window of {}x{}; the output has the pixels alone", name_,
                     header_.width, header_.height, int64_t{right} - left + 1, int64_t{bottom} - top + 1));
  }
  if (exr.has_parts) warn(fmt::format("'{}' has several parts; only the first is upscaled", name_));
}

void VipsDecoder::fail_unreadable(const std::string& message) const {
  if (format_.name == "PNG") {
    const PngChunks png = png_chunks(*file_.stream());
    if (png.width == 0 || png.height == 0) {
      fail(ErrorCode::input, "'{}' is damaged: its header says {}x{} pixels", name_, png.width, png.height);
    }
  }
  fail(ErrorCode::input, "'{}' is not a readable picture: {}", name_, file_.shown(message));
}

void VipsDecoder::check_tiff() const {
  if (!format_.loader.starts_with("tiff")) return;
  const std::vector<TiffPage> first = tiff_pages(*file_.stream(), 1);
  if (first.empty()) fail(ErrorCode::input, "'{}' is damaged: the TIFF's list of fields cannot be read", name_);
  if (const std::string name = unknown_tiff_compression(first[0].compression); !name.empty()) {
    fail(ErrorCode::input,
         "'{}' is a TIFF whose compression ({}) libtiff does not support on this machine; convert it first, e.g. with "
         "the program that wrote it",
         name_, name);
  }
}

void VipsDecoder::check_file_end() {
  const FileEnd end = file_end(*file_.stream(), format_.name);
  if (end.is_cut) fail(ErrorCode::input, "'{}' is damaged: the {} is truncated", name_, format_.name);
  if (end.pictures > 1) {
    warn(fmt::format("'{}' holds {} pictures; only the first is upscaled", name_, end.pictures));
  }
}

void VipsDecoder::check_jp2() const {
  if (!format_.loader.starts_with("jp2k")) return;
  const Jp2Boxes boxes = jp2_boxes(*file_.stream());
  if (!boxes.has_palette && !(boxes.is_shifted && vips_version(1) < 16)) return;
  fail(ErrorCode::input,
       "'{}' is JPEG 2000 {}, which libvips decodes wrongly; convert it to a PNG first, e.g. with opj_decompress",
       name_, boxes.has_palette ? "with a palette" : "whose grid does not begin at its corner");
}

/// libvips lays the frames of an animation over each other, or takes the first alone.
void VipsDecoder::check_jxl() {
  if (!format_.loader.starts_with("jxl")) return;
  const JxlInfo info = jxl_info(file_.bytes());
  header_.lossless = info.lossless;
  if (!info.animated) return;
  fail(ErrorCode::input,
       "'{}' is an animated JPEG XL, which is not supported; convert it to an animated WebP first, e.g. djxl '{}' "
       "frames.apng and ffmpeg -i frames.apng frames.webp",
       name_, name_);
}

}  // namespace fsrcnn
