#include "picture/picture_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>

#include <fmt/ranges.h>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "picture/anymap_writer.hpp"
#include "picture/avif_writer.hpp"
#include "picture/colour.hpp"
#include "picture/file_target.hpp"
#include "picture/heic_writer.hpp"
#include "picture/jxl_writer.hpp"
#include "picture/metadata.hpp"
#include "picture/output_format.hpp"
#include "picture/plain_colours.hpp"
#include "picture/png_writer.hpp"
#include "picture/sample_rows.hpp"
#include "picture/tga_writer.hpp"
#include "picture/tiff_writer.hpp"
#include "picture/vips_support.hpp"
#include "picture/write_metadata.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

/// What libvips asks rows of.
class Rows {
 public:
  Rows(SampleRows& rows, int64_t row_bytes, int64_t pixel_bytes)
      : rows_(rows), row_bytes_(row_bytes), pixel_bytes_(pixel_bytes) {}

  /// Fills a region, whose rows must not lie above those of the regions before.
  void fill(VipsRegion* region) {
    const VipsRect& wanted = region->valid;
    for (int y = wanted.top; y < VIPS_RECT_BOTTOM(&wanted); ++y) {
      const std::byte* const row = find(y, wanted.top);
      std::memcpy(VIPS_REGION_ADDR(region, wanted.left, y), row + wanted.left * pixel_bytes_,
                  static_cast<size_t>(wanted.width * pixel_bytes_));
    }
  }

 private:
  // Blocks that end above `oldest` are forgotten.
  const std::byte* find(int64_t y, int64_t oldest) {
    while (!blocks_.empty() && blocks_.front().first_row + blocks_.front().rows <= oldest) blocks_.pop_front();
    while (blocks_.empty() || blocks_.back().first_row + blocks_.back().rows <= y) {
      blocks_.push_back(rows_.next());
    }
    for (const RowBlock& block : blocks_) {
      if (y < block.first_row) break;
      if (y < block.first_row + block.rows) return block.samples.data() + (y - block.first_row) * row_bytes_;
    }
    fail(ErrorCode::io, "libvips asked for row {} again", y);
  }

  SampleRows& rows_;
  int64_t row_bytes_, pixel_bytes_;
  std::deque<RowBlock> blocks_;
};

/// The rows as libvips sees them: no exception passes through it.
struct Generator {
  Rows rows;
  std::exception_ptr failure;

  static int generate(VipsRegion* region, void*, void* self, void*, gboolean*) {
    auto& generator = *static_cast<Generator*>(self);
    try {
      if (generator.failure) return -1;
      generator.rows.fill(region);
      return 0;
    } catch (...) {
      generator.failure = std::current_exception();
      return -1;
    }
  }
};

VipsInterpretation interpretation_of(const PictureHeader& picture, int bits) {
  const bool gray = picture.colour_planes == 1;
  if (bits == 8) return gray ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (bits == 16) return gray ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
  return gray ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_scRGB;
}

/// The quality that a picture gets; 100 is without loss where a format has that.
int quality_of(const OutputFormat& format, const PictureHeader& picture, const Encoding& encoding) {
  const bool same = picture.lossless && (format.encoder == Encoder::webp || format.encoder == Encoder::jxl);
  return encoding.quality.value_or(same ? 100 : format.default_quality);
}

/// libvips' suffix with options.
std::string saver_of(const OutputFormat& format, int quality, std::optional<int> compression) {
  std::string options;
  const auto add = [&](const std::string& option) { options += (options.empty() ? "" : ",") + option; };
  if (format.default_quality != 0) add("Q=" + std::to_string(quality));
  if (format.encoder == Encoder::webp) {
    if (quality == 100) add("lossless");
    if (compression) add(fmt::format("effort={}", *compression * 6 / 9));
  }
  if (format.encoder == Encoder::ppm) add("strip");  // of a comment with the time
  if (format.encoder == Encoder::gif && compression) add(fmt::format("effort={}", *compression + 1));
  return options.empty() ? std::string(format.suffix) : fmt::format("{}[{}]", format.suffix, options);
}

/// Gray as red, green and blue.
std::shared_ptr<VipsImage> in_rgb(const std::shared_ptr<VipsImage>& image) {
  const std::shared_ptr<VipsImage> coloured = gray_as_srgb(image);
  if (coloured->Bands >= 3) return coloured;
  const VipsInterpretation kind =
      coloured->BandFmt == VIPS_FORMAT_UCHAR ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_RGB16;
  VipsImage* result = nullptr;
  if (vips_colourspace(coloured.get(), &result, kind, nullptr) != 0) return nullptr;
  return {result, VipsUnref()};
}

/// By ImageMagick, which writes to memory.
bool save_by_magick(VipsImage* image, const OutputFormat& format, FileTarget& target) {
  void* bytes = nullptr;
  size_t size = 0;
  const std::string name(format.suffix.substr(1));
  if (vips_magicksave_buffer(image, &bytes, &size, "format", name.c_str(), nullptr) != 0) return false;
  const std::unique_ptr<void, void (*)(void*)> owner(bytes, g_free);
  target.write({static_cast<const std::byte*>(bytes), size});
  return true;
}

/// What needs all of the picture, or is written by libvips.
void save(const PictureHeader& picture, const OutputFormat& format, int bits, SampleRows& rows,
          std::shared_ptr<VipsImage> image, FileTarget& target, const Encoding& encoding) {
  const int64_t pixel_bytes = picture.planes() * bits / 8;
  Generator generator{Rows(rows, picture.width * pixel_bytes, pixel_bytes), nullptr};
  bool made = vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_FATSTRIP, nullptr) == 0 &&
              vips_image_generate(image.get(), nullptr, Generator::generate, nullptr, &generator, nullptr) == 0;
  if (made && format.colours == StoredColours::rgb) image = in_rgb(image);
  const int quality = quality_of(format, picture, encoding);
  const bool whole =
      format.encoder == Encoder::avif || format.encoder == Encoder::heic || format.encoder == Encoder::jxl;
  made = made && image != nullptr;
  if (made && whole) {
    // Below the default colours are worth less than what they take, as libvips has it.
    PictureHeader header = picture;
    header.halves_chroma = header.halves_chroma || quality < format.default_quality;
    const VipsPtr<VipsImage> pixels(vips_image_copy_memory(image.get()));
    made = pixels != nullptr;
    const auto write = format.encoder == Encoder::avif   ? write_avif
                       : format.encoder == Encoder::heic ? write_heic
                                                         : write_jxl;
    if (made) write(header, pixels.get(), target, quality, encoding.compression);
  } else if (made && format.encoder == Encoder::magick) {
    made = save_by_magick(image.get(), format, target);
  } else if (made) {
    const std::string saver = saver_of(format, quality, encoding.compression);
    made = vips_image_write_to_target(image.get(), saver.c_str(), target.get(), nullptr) == 0;
  }
  const std::string message = made ? "" : vips_message();
  target.check();
  if (generator.failure) std::rethrow_exception(generator.failure);  // even if the encoder ends well
  if (!made) fail(ErrorCode::io, "writing '{}' failed: {}", target.shown().string(), message);
}

/// The picture as libvips describes it, without samples.
std::shared_ptr<VipsImage> image_of(const PictureHeader& picture, int bits) {
  std::shared_ptr<VipsImage> image(vips_image_new(), VipsUnref());
  vips_image_init_fields(image.get(), static_cast<int>(picture.width),
                         static_cast<int>(picture.height * picture.frames), static_cast<int>(picture.planes()),
                         bits == 8    ? VIPS_FORMAT_UCHAR
                         : bits == 16 ? VIPS_FORMAT_USHORT
                                      : VIPS_FORMAT_FLOAT,
                         VIPS_CODING_NONE, interpretation_of(picture, bits), 1, 1);
  if (picture.metadata != nullptr) apply_description(picture.metadata.get(), image.get());
  if (picture.frames > 1) {
    vips_image_set_int(image.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(picture.height));
    vips_image_set_int(image.get(), VIPS_META_N_PAGES, static_cast<int>(picture.frames));
  }
  return image;
}

}  // namespace

bool is_writable(const fs::path& path) { return find_output_format(path) != nullptr; }

bool stores_alpha(const fs::path& path) { return output_format(path).alpha; }

MetadataForm metadata_form(const fs::path& path) { return output_format(path).form; }

namespace {

void check_encoder(const OutputFormat& format, const fs::path& path) {
  const bool missing =
      (format.encoder == Encoder::avif && !can_write_avif()) || (format.encoder == Encoder::heic && !can_write_heic());
  if (!missing) return;
  fail(ErrorCode::usage,
       "'{}' cannot be written: there is no encoder for it. Install it (Debian package {}), or use .png, .jpg or .webp",
       path.string(), format.encoder == Encoder::avif ? "libaom3" : "libheif-plugin-x265");
}

/// Of a sample as it is handed to the encoder.
int bits_for(const PictureHeader& picture, const OutputFormat& format) {
  if (format.suffix == ".pfm") return 32;
  return std::min(picture.bits, format.bits == 12 ? 16 : format.bits);
}

}  // namespace

void check_writable(const PictureHeader& picture, const fs::path& path) {
  const OutputFormat& format = output_format(path);
  check_encoder(format, path);
  if (picture.colour_planes == 3 && format.colours == StoredColours::gray) {
    fail(ErrorCode::input, "the picture has colours, which '{}' cannot store; use .ppm or .png", path.string());
  }
  if (picture.has_alpha && picture.alpha_is_data && format.encoder != Encoder::tiff) {
    fail(ErrorCode::input,
         "the picture has a channel of data beside its colours, which '{}' cannot store; use .tif, or --alpha "
         "transparency or --alpha drop",
         path.string());
  }
  if (picture.has_alpha && !format.alpha) {
    fail(ErrorCode::input, "the picture has an alpha channel, which '{}' cannot store; use .png, .tif or .webp",
         path.string());
  }
  if (picture.frames > 1 && !format.frames) {
    fail(ErrorCode::input, "the picture has {} frames or pages, which '{}' cannot store; use .gif, .webp or .tif",
         picture.frames, path.string());
  }
  if (std::max(picture.width, picture.height) > format.largest_side) {
    fail(ErrorCode::input, "'{}' would have {}x{} pixels, but its format is limited to {} per side; use .png or .tif",
         path.string(), picture.width, picture.height, format.largest_side);
  }
  const AtomicOutput trial(path, AtomicOutput::Kind::file);  // throws if nothing can be written there
}

std::vector<std::string> what_is_lost(const PictureHeader& picture, const fs::path& path, const Encoding& encoding) {
  const OutputFormat& format = output_format(path);
  std::vector<std::string> lost;
  const bool tiff = format.encoder == Encoder::tiff;
  const bool big_tiff = tiff && needs_big_tiff(picture, std::min(picture.bits, format.bits));
  std::vector<std::string> left = MetadataWriter(picture.embedded, format.form, big_tiff).lost();
  const auto check = [&](bool kept, const char* field, const char* name) {
    if (!kept && describes(picture.metadata.get(), field)) left.emplace_back(name);
  };
  check(format.profile, VIPS_META_ICC_NAME, "ICC profile");
  if (picture.frames > 1) check(!tiff, "delay", "frame delays");
  if (!left.empty()) {
    lost.push_back(fmt::format("{} cannot store the picture's {}", format.suffix, fmt::join(left, ", ")));
    if (!tiff) lost.back() += "; .tif keeps the most";
  }
  if (picture.colours && (!format.numbers || (format.encoder == Encoder::jxl && !jxl_stores(*picture.colours)))) {
    lost.push_back(fmt::format("{} cannot say the picture's colours, {}: they will look different; use .png or .avif",
                               format.suffix, describe(*picture.colours)));
  }
  if (picture.has_other_aspect() && format.encoder != Encoder::png && format.encoder != Encoder::avif) {
    lost.push_back(
        fmt::format("{} cannot say that the picture's pixels are not square, {}:{}: it will look {}; use .png "
                    "or .avif",
                    format.suffix, picture.pixel_aspect.first, picture.pixel_aspect.second,
                    picture.pixel_aspect.first > picture.pixel_aspect.second ? "narrower" : "wider"));
  }
  if (picture.precision() > format.bits) {
    lost.push_back(fmt::format("{} stores {} bits per sample; the picture has {}", format.suffix, format.bits,
                               picture.bits == 32 ? "floats" : std::to_string(picture.precision())));
  }
  if (encoding.quality && format.default_quality == 0) {
    lost.push_back(fmt::format("{} has no quality setting; --quality is ignored", format.suffix));
  }
  if (encoding.compression && format.encoder == Encoder::jpeg) {
    lost.push_back(
        fmt::format("{} has no compression setting but its quality; --compression is ignored", format.suffix));
  }
  return lost;
}

std::vector<std::string> what_was_lost(const PictureHeader& picture, const SampleRange& samples, const fs::path& path) {
  const OutputFormat& format = output_format(path);
  std::vector<std::string> lost;
  if (samples.partly_transparent && format.encoder == Encoder::gif) {
    lost.emplace_back(".gif has no partial transparency; such pixels became opaque or fully transparent");
  }
  constexpr float kSeen = 0.5F / 255;
  if (picture.bits == 32 && format.bits < 32 && (samples.least < -kSeen || samples.most > 1 + kSeen)) {
    const auto in_file = [&](float value) { return picture.linear ? linear_from_srgb(value) : value; };
    lost.push_back(
        fmt::format("{} stores values from 0 to 1; those of the picture go from {:.3g} to {:.3g} and were clipped; use "
                    ".tif or .pfm",
                    format.suffix, in_file(samples.least), in_file(samples.most)));
  }
  return lost;
}

double write_picture(const PictureHeader& header, const fs::path& path, const RowSource& source,
                     const Encoding& encoding, const std::function<void()>& before_commit) {
  check_writable(header, path);
  const OutputFormat& format = output_format(path);
  PictureHeader picture = header;
  const bool by_exif_alone = format.form == MetadataForm::webp || format.form == MetadataForm::boxes;
  if (by_exif_alone && picture.embedded.exif.empty() && picture.metadata != nullptr &&
      knows_resolution(picture.metadata.get())) {
    picture.embedded.exif = exif_of_resolution(picture.metadata->Xres, picture.metadata->Yres);
  }
  const int bits = bits_for(picture, format);
  const auto start = std::chrono::steady_clock::now();
  AtomicOutput output(path, AtomicOutput::Kind::file);
  const MetadataWriter metadata(picture.embedded, format.form,
                                format.encoder == Encoder::tiff && needs_big_tiff(picture, bits));
  double waited_s = 0;
  {
    SampleRows rows(picture, bits, source);
    const std::shared_ptr<VipsImage> image = image_of(picture, bits);
    metadata.add_to(image.get());
    metadata.begin(output.temporary());
    FileTarget target(output.temporary(), path, metadata.head(image.get()));
    switch (format.encoder) {
      case Encoder::png: write_png(picture, bits, rows, image.get(), target, encoding.compression); break;
      case Encoder::tiff: write_tiff(picture, bits, rows, image.get(), target, encoding.compression); break;
      case Encoder::tga: write_tga(picture, rows, target); break;
      case Encoder::pam: write_pam(picture, bits, rows, target); break;
      case Encoder::pfm: write_pfm(picture, rows, target); break;
      default: save(picture, format, bits, rows, image, target, encoding);
    }
    target.finish();
    waited_s = rows.waited_s();
  }
  metadata.end(output.temporary());
  if (before_commit) before_commit();
  output.commit();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() - waited_s;
}

void write_picture(const Picture& picture, const fs::path& path) {
  bool done = false;
  PictureHeader header = picture.header;
  header.width = picture.planes.shape().w;
  header.height = picture.planes.shape().h;
  write_picture(header, path, [&] { return std::exchange(done, true) ? Tensor<float>() : picture.planes; });
}

}  // namespace fsrcnn
