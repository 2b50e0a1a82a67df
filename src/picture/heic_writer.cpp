#include "picture/heic_writer.hpp"

#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "picture/metadata.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

struct HeifFree {
  void operator()(heif_context* context) const { heif_context_free(context); }
  void operator()(heif_encoder* encoder) const { heif_encoder_release(encoder); }
  void operator()(heif_image* image) const { heif_image_release(image); }
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
  void operator()(heif_color_profile_nclx* colours) const { heif_nclx_color_profile_free(colours); }
  void operator()(heif_encoding_options* options) const { heif_encoding_options_free(options); }
};
template <class T>
using Heif = std::unique_ptr<T, HeifFree>;

/// The rows as libheif has them: those of more than 8 bits as little-endian words of just so many.
void copy_rows(VipsImage* from, int depth, heif_image* to) {
  int stride = 0;
  uint8_t* const plane = heif_image_get_plane(to, heif_channel_interleaved, &stride);
  const size_t samples = static_cast<size_t>(from->Xsize) * static_cast<size_t>(from->Bands);
  const unsigned white = (1U << depth) - 1;
  for (int y = 0; y < from->Ysize; ++y) {
    const void* const row = VIPS_IMAGE_ADDR(from, 0, y);
    uint8_t* const here = plane + static_cast<ptrdiff_t>(y) * stride;
    if (depth == 8) {
      std::memcpy(here, row, samples);
      continue;
    }
    const auto* const words = static_cast<const uint16_t*>(row);
    for (size_t i = 0; i < samples; ++i) {
      const unsigned level = (words[i] * white + 32767) / 65535;
      here[2 * i] = static_cast<uint8_t>(level);
      here[2 * i + 1] = static_cast<uint8_t>(level >> 8);
    }
  }
}

heif_error write_to(heif_context*, const void* data, size_t size, void* file) {
  const bool written = static_cast<FileTarget*>(file)->try_write({static_cast<const std::byte*>(data), size}) >= 0;
  return {written ? heif_error_Ok : heif_error_Encoding_error, heif_suberror_Cannot_write_output_data,
          written ? "" : "the file cannot be written"};
}

}  // namespace

void write_heic(const PictureHeader& picture, VipsImage* pixels, FileTarget& file, int quality,
                std::optional<int> compression) {
  const auto check = [&](const heif_error& error) {
    file.check();
    if (error.code != heif_error_Ok)
      fail(ErrorCode::io, "writing '{}' failed: {}", file.shown().string(), error.message);
  };
  const Heif<heif_context> context(heif_context_alloc());
  heif_encoder* encoder_found = nullptr;
  check(heif_context_get_encoder_for_format(context.get(), heif_compression_HEVC, &encoder_found));
  const Heif<heif_encoder> encoder(encoder_found);
  // Newer encoders may lack one of these.
  constexpr std::array kPresets = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                   "medium",    "slow",      "slower",   "veryslow", "veryslow"};
  check(heif_encoder_set_lossy_quality(encoder.get(), quality));
  (void)heif_encoder_set_parameter_string(encoder.get(), "chroma", picture.halves_chroma ? "420" : "444");
  if (compression) {
    const auto effort = static_cast<size_t>(*compression);
    (void)heif_encoder_set_parameter_string(encoder.get(), "preset", kPresets[effort]);
  }

  const int depth = std::clamp(picture.precision(), 8, 12);
  const bool alpha = pixels->Bands == 4;
  const heif_chroma form = depth == 8 ? (alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB)
                           : alpha    ? heif_chroma_interleaved_RRGGBBAA_LE
                                      : heif_chroma_interleaved_RRGGBB_LE;
  heif_image* image_made = nullptr;
  check(heif_image_create(pixels->Xsize, pixels->Ysize, heif_colorspace_RGB, form, &image_made));
  const Heif<heif_image> image(image_made);
  check(heif_image_add_plane(image.get(), heif_channel_interleaved, pixels->Xsize, pixels->Ysize, depth));
  copy_rows(pixels, depth, image.get());

  const std::string profile = picture.colours ? "" : blob_of(pixels, VIPS_META_ICC_NAME);  // the numbers would yield
  const Cicp colours = of_luma_and_chroma(picture.colours, !profile.empty());
  const Heif<heif_color_profile_nclx> nclx(heif_nclx_color_profile_alloc());
  // What this version does not know stays unknown.
  (void)heif_nclx_color_profile_set_color_primaries(nclx.get(), colours.primaries);
  (void)heif_nclx_color_profile_set_transfer_characteristics(nclx.get(), colours.transfer);
  check(heif_nclx_color_profile_set_matrix_coefficients(nclx.get(), colours.matrix));
  nclx->full_range_flag = 1;
  check(heif_image_set_nclx_color_profile(image.get(), nclx.get()));
  if (!profile.empty()) {
    check(heif_image_set_raw_color_profile(image.get(), "prof", profile.data(), profile.size()));
  }
  const Heif<heif_encoding_options> options(heif_encoding_options_alloc());
  options->save_alpha_channel = alpha ? 1 : 0;
  options->output_nclx_profile = nclx.get();
  options->save_two_colr_boxes_when_ICC_and_nclx_available = 1;
  options->macOS_compatibility_workaround_no_nclx_profile = 0;

  heif_image_handle* encoded = nullptr;
  check(heif_context_encode_image(context.get(), image.get(), encoder.get(), options.get(), &encoded));
  const Heif<heif_image_handle> handle(encoded);
  const std::string &exif = picture.embedded.exif, &xmp = picture.embedded.xmp;
  if (!exif.empty()) {
    check(heif_context_add_exif_metadata(context.get(), handle.get(), exif.data(), static_cast<int>(exif.size())));
  }
  if (!xmp.empty()) {
    check(heif_context_add_XMP_metadata(context.get(), handle.get(), xmp.data(), static_cast<int>(xmp.size())));
  }
  heif_writer writer{1, write_to};
  check(heif_context_write(context.get(), &writer, &file));
}

bool can_write_heic() { return heif_have_encoder_for_format(heif_compression_HEVC) != 0; }

}  // namespace fsrcnn
