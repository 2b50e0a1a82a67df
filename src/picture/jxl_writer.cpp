#include "picture/jxl_writer.hpp"

#include <jxl/encode.h>
#include <jxl/thread_parallel_runner.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/metadata.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

struct JxlFree {
  void operator()(JxlEncoder* encoder) const { JxlEncoderDestroy(encoder); }
  void operator()(void* runner) const { JxlThreadParallelRunnerDestroy(runner); }
};

/// The distance of butteraugli, 1 of which just can be seen, as cjxl and libvips make it of a quality.
float distance_of(int quality) {
  constexpr double kMost = 15;  // of libjxl 0.7
  const double q = quality;
  const double distance = q >= 30 ? 0.1 + (100 - q) * 0.09 : 53 * q * q / 3000 - 23 * q / 20 + 25;
  return static_cast<float>(std::min(distance, kMost));
}

/// H.273's numbers as libjxl has them; nothing where it cannot say them.
std::optional<JxlColorEncoding> encoding_of(const Cicp& colours) {
  using Point = std::array<double, 2>;
  JxlColorEncoding result{};
  result.color_space = JXL_COLOR_SPACE_RGB;
  result.white_point = JXL_WHITE_POINT_D65;
  result.rendering_intent = JXL_RENDERING_INTENT_RELATIVE;
  const auto custom = [&](Point red, Point green, Point blue) {
    result.primaries = JXL_PRIMARIES_CUSTOM;
    std::copy(red.begin(), red.end(), std::begin(result.primaries_red_xy));
    std::copy(green.begin(), green.end(), std::begin(result.primaries_green_xy));
    std::copy(blue.begin(), blue.end(), std::begin(result.primaries_blue_xy));
  };
  switch (colours.primaries) {
    case 1:
    case 2: result.primaries = JXL_PRIMARIES_SRGB; break;
    case 5: custom({0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}); break;
    case 6:
    case 7: custom({0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}); break;
    case 9: result.primaries = JXL_PRIMARIES_2100; break;
    case 11: result.white_point = JXL_WHITE_POINT_DCI; [[fallthrough]];
    case 12: result.primaries = JXL_PRIMARIES_P3; break;
    default: return std::nullopt;
  }
  const auto gamma = [&](double exponent) {
    result.transfer_function = JXL_TRANSFER_FUNCTION_GAMMA;
    result.gamma = 1 / exponent;
  };
  switch (colours.transfer) {
    case 1:
    case 6:
    case 14:
    case 15: result.transfer_function = JXL_TRANSFER_FUNCTION_709; break;
    case 4: gamma(2.2); break;
    case 5: gamma(2.8); break;
    case 8: result.transfer_function = JXL_TRANSFER_FUNCTION_LINEAR; break;
    case 2:
    case 13: result.transfer_function = JXL_TRANSFER_FUNCTION_SRGB; break;
    case 16: result.transfer_function = JXL_TRANSFER_FUNCTION_PQ; break;
    case 17: result.transfer_function = JXL_TRANSFER_FUNCTION_DCI; break;
    case 18: result.transfer_function = JXL_TRANSFER_FUNCTION_HLG; break;
    default: return std::nullopt;
  }
  return result;
}

}  // namespace

void write_jxl(const PictureHeader& picture, VipsImage* pixels, FileTarget& file, int quality,
               std::optional<int> compression) {
  const std::unique_ptr<JxlEncoder, JxlFree> encoder(JxlEncoderCreate(nullptr));
  const std::unique_ptr<void, JxlFree> runner(
      JxlThreadParallelRunnerCreate(nullptr, static_cast<size_t>(default_thread_count())));
  const auto check = [&](JxlEncoderStatus status, const char* what) {
    if (status == JXL_ENC_SUCCESS) return;
    fail(ErrorCode::io, "writing '{}' failed: libjxl refuses its {} (error {})", file.shown().string(), what,
         static_cast<int>(JxlEncoderGetError(encoder.get())));
  };
  if (encoder == nullptr || runner == nullptr) fail(ErrorCode::io, "libjxl has not enough memory");
  check(JxlEncoderSetParallelRunner(encoder.get(), JxlThreadParallelRunner, runner.get()), "threads");

  const bool eight = pixels->BandFmt == VIPS_FORMAT_UCHAR, lossless = quality == 100;
  const bool gray = pixels->Bands < 3, alpha = pixels->Bands % 2 == 0;
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<uint32_t>(pixels->Xsize);
  info.ysize = static_cast<uint32_t>(pixels->Ysize);
  info.bits_per_sample = eight ? 8 : 16;
  info.num_color_channels = gray ? 1 : 3;
  info.num_extra_channels = alpha ? 1 : 0;
  info.alpha_bits = alpha ? info.bits_per_sample : 0;
  info.uses_original_profile = lossless ? JXL_TRUE : JXL_FALSE;
  check(JxlEncoderSetBasicInfo(encoder.get(), &info), "size");
  const std::string profile = blob_of(pixels, VIPS_META_ICC_NAME);
  if (const auto colours = picture.colours && !gray ? encoding_of(*picture.colours) : std::nullopt) {
    check(JxlEncoderSetColorEncoding(encoder.get(), &*colours), "colours");
  } else if (!profile.empty()) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(profile.data());
    check(JxlEncoderSetICCProfile(encoder.get(), bytes, profile.size()), "colour profile");
  } else {
    JxlColorEncoding srgb;
    JxlColorEncodingSetToSRGB(&srgb, gray ? JXL_TRUE : JXL_FALSE);
    check(JxlEncoderSetColorEncoding(encoder.get(), &srgb), "colours");
  }

  const std::string &exif = picture.embedded.exif, &xmp = picture.embedded.xmp;
  const auto add_box = [&](const char* name, const std::string& content) {
    check(JxlEncoderAddBox(encoder.get(), name, reinterpret_cast<const uint8_t*>(content.data()), content.size(),
                           JXL_FALSE),
          name);
  };
  if (!exif.empty() || !xmp.empty()) check(JxlEncoderUseBoxes(encoder.get()), "metadata");
  if (!exif.empty()) add_box("Exif", std::string(4, '\0') + exif);  // its TIFF begins at once
  if (!xmp.empty()) add_box("xml ", xmp);

  JxlEncoderFrameSettings* const settings = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  if (lossless) {
    check(JxlEncoderSetFrameLossless(settings, JXL_TRUE), "losslessness");
  } else {
    check(JxlEncoderSetFrameDistance(settings, distance_of(quality)), "quality");
  }
  if (compression) {
    check(JxlEncoderFrameSettingsSetOption(settings, JXL_ENC_FRAME_SETTING_EFFORT, std::max(1, *compression)),
          "effort");
  }
  const JxlPixelFormat format{static_cast<uint32_t>(pixels->Bands), eight ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16,
                              JXL_NATIVE_ENDIAN, 0};
  check(JxlEncoderAddImageFrame(settings, &format, VIPS_IMAGE_ADDR(pixels, 0, 0), VIPS_IMAGE_SIZEOF_IMAGE(pixels)),
        "pixels");
  JxlEncoderCloseInput(encoder.get());
  std::vector<uint8_t> piece(1 << 20);
  for (JxlEncoderStatus status = JXL_ENC_NEED_MORE_OUTPUT; status == JXL_ENC_NEED_MORE_OUTPUT;) {
    uint8_t* next = piece.data();
    size_t room = piece.size();
    status = JxlEncoderProcessOutput(encoder.get(), &next, &room);
    if (status != JXL_ENC_NEED_MORE_OUTPUT) check(status, "pixels");
    file.write({reinterpret_cast<const std::byte*>(piece.data()), piece.size() - room});
  }
}

bool jxl_stores(const Cicp& colours) { return encoding_of(colours).has_value(); }

}  // namespace fsrcnn
