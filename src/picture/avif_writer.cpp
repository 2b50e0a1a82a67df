#include "picture/avif_writer.hpp"

#include <avif/avif.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/metadata.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

struct AvifDelete {
  void operator()(avifImage* image) const { avifImageDestroy(image); }
  void operator()(avifEncoder* encoder) const { avifEncoderDestroy(encoder); }
};

struct Output {
  avifRWData data = AVIF_DATA_EMPTY;
  Output() = default;
  ~Output() { avifRWDataFree(&data); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
};

const uint8_t* octets(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

/// Versions before 1.0 have no numbers of quality but the quantizers of AV1, 0 to 63.
void set_quality(avifEncoder* encoder, int quality) {
#if AVIF_VERSION >= 1000000
  encoder->quality = encoder->qualityAlpha = quality;
#else
  const int quantizer = ((100 - quality) * AVIF_QUANTIZER_WORST_QUALITY + 50) / 100;
  encoder->minQuantizer = encoder->minQuantizerAlpha = AVIF_QUANTIZER_BEST_QUALITY;
  encoder->maxQuantizer = encoder->maxQuantizerAlpha = quality == 100 ? 0 : AVIF_QUANTIZER_WORST_QUALITY;
  if (quality == 100) return;
  avifEncoderSetCodecSpecificOption(encoder, "end-usage", "q");
  avifEncoderSetCodecSpecificOption(encoder, "cq-level", std::to_string(quantizer).c_str());
#endif
}

}  // namespace

void write_avif(const PictureHeader& picture, VipsImage* pixels, FileTarget& file, int quality,
                std::optional<int> compression) {
  const auto check = [&](avifResult result) {
    if (result == AVIF_RESULT_OK) return;
    fail(ErrorCode::io, "writing '{}' failed: {}", file.shown().string(), avifResultToString(result));
  };
  const bool halves = picture.halves_chroma, alpha = pixels->Bands == 4;
  const auto depth = static_cast<uint32_t>(std::min(picture.precision(), 12));
  const std::unique_ptr<avifImage, AvifDelete> image(
      avifImageCreate(static_cast<uint32_t>(pixels->Xsize), static_cast<uint32_t>(pixels->Ysize), depth,
                      halves ? AVIF_PIXEL_FORMAT_YUV420 : AVIF_PIXEL_FORMAT_YUV444));
  const std::unique_ptr<avifEncoder, AvifDelete> encoder(avifEncoderCreate());
  if (image == nullptr || encoder == nullptr) check(AVIF_RESULT_OUT_OF_MEMORY);

  const std::string profile = picture.colours ? "" : blob_of(pixels, VIPS_META_ICC_NAME);  // the numbers would yield
  const Cicp colours = of_luma_and_chroma(picture.colours, !profile.empty());
  image->yuvRange = AVIF_RANGE_FULL;
  image->colorPrimaries = colours.primaries;
  image->transferCharacteristics = colours.transfer;
  image->matrixCoefficients = colours.matrix;
  const std::string &exif = picture.embedded.exif, &xmp = picture.embedded.xmp;
  // Versions from 1.0 on return whether there was enough memory.
  if (!profile.empty()) (void)avifImageSetProfileICC(image.get(), octets(profile), profile.size());
  if (!exif.empty()) (void)avifImageSetMetadataExif(image.get(), octets(exif), exif.size());
  if (!xmp.empty()) (void)avifImageSetMetadataXMP(image.get(), octets(xmp), xmp.size());
  image->transformFlags = AVIF_TRANSFORM_NONE;  // whatever EXIF says: the pixels lie upright
  if (picture.has_other_aspect()) {
    image->transformFlags = AVIF_TRANSFORM_PASP;
    image->pasp = {picture.pixel_aspect.first, picture.pixel_aspect.second};
  }

  avifRGBImage rgb;
  avifRGBImageSetDefaults(&rgb, image.get());
  rgb.depth = pixels->BandFmt == VIPS_FORMAT_UCHAR ? 8 : 16;
  rgb.format = alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
  rgb.avoidLibYUV = AVIF_TRUE;  // which rounds more coarsely
  rgb.pixels = reinterpret_cast<uint8_t*>(VIPS_IMAGE_ADDR(pixels, 0, 0));
  rgb.rowBytes = static_cast<uint32_t>(VIPS_IMAGE_SIZEOF_LINE(pixels));
  check(avifImageRGBToYUV(image.get(), &rgb));

  set_quality(encoder.get(), quality);
  encoder->speed = 9 - compression.value_or(4);
  encoder->maxThreads = default_thread_count();
  encoder->autoTiling = AVIF_TRUE;
  Output output;
  check(avifEncoderWrite(encoder.get(), image.get(), &output.data));
  file.write({reinterpret_cast<const std::byte*>(output.data.data), output.data.size});
}

bool can_write_avif() { return avifCodecName(AVIF_CODEC_CHOICE_AUTO, AVIF_CODEC_FLAG_CAN_ENCODE) != nullptr; }

}  // namespace fsrcnn
