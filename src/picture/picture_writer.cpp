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
#include "picture/file_target.hpp"
#include "picture/metadata.hpp"
#include "picture/plain_colours.hpp"
#include "picture/png_writer.hpp"
#include "picture/sample_rows.hpp"
#include "picture/tiff_writer.hpp"
#include "picture/trial_save.hpp"
#include "picture/vips_support.hpp"
#include "picture/write_metadata.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

/// What writes it, and libvips' option for effort, if that does.
enum class Kind { png, jpeg, tiff, webp, gif, heif, jxl };

struct OutputFormat {
  std::string_view suffix;
  Kind kind;
  int bits;                  ///< the most of a sample
  bool gray, alpha, frames;  ///< whether it has them
  bool icc;                  ///< whether a profile is kept
  int64_t largest_side;      ///< pixels
  int default_quality;       ///< 0: it has none
  const char* options;       ///< libvips'
};

constexpr int64_t kAnySide = 10000000;  // libvips' own limit
constexpr int64_t kJpegSide = 65500;    // libjpeg's own limit; the form's is 65535

constexpr std::array<OutputFormat, 11> kOutputFormats = {{
    {".png", Kind::png, 16, true, true, false, true, kAnySide, 0, ""},
    {".jpg", Kind::jpeg, 8, true, false, false, true, kJpegSide, 95, ""},
    {".jpeg", Kind::jpeg, 8, true, false, false, true, kJpegSide, 95, ""},
    {".tif", Kind::tiff, 32, true, true, true, true, kAnySide, 0, ""},
    {".tiff", Kind::tiff, 32, true, true, true, true, kAnySide, 0, ""},
    {".webp", Kind::webp, 8, false, true, true, true, 16383, 95, ""},
    {".gif", Kind::gif, 8, true, true, true, false, 65535, 0, ""},
    {".avif", Kind::heif, 12, false, true, false, true, 16384, 90, "compression=av1"},
    {".heic", Kind::heif, 12, false, true, false, true, 16384, 90, "compression=hevc"},
    {".heif", Kind::heif, 12, false, true, false, true, 16384, 90, "compression=hevc"},
    {".jxl", Kind::jxl, 16, true, true, false, true, kAnySide, 95, ""},
}};

const OutputFormat* find_format(const fs::path& path) {
  start_vips();
  const std::string suffix = lower_suffix(path);
  const auto* found = std::find_if(kOutputFormats.begin(), kOutputFormats.end(),
                                   [&](const OutputFormat& format) { return format.suffix == suffix; });
  if (found == kOutputFormats.end() || vips_foreign_find_save_target(suffix.c_str()) == nullptr) {
    vips_error_clear();
    return nullptr;
  }
  return found;
}

const OutputFormat& output_format(const fs::path& path) {
  const OutputFormat* const found = find_format(path);
  if (found != nullptr) return *found;
  std::string list;
  for (const std::string& suffix : writable_suffixes()) list += (list.empty() ? "" : ", ") + suffix;
  fail(ErrorCode::usage, "'{}': unsupported picture format '{}'; supported: {}", path.string(),
       path.extension().string(), list);
}

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

/// libvips' suffix with options.
std::string saver_of(const OutputFormat& format, const PictureHeader& picture, const Encoding& encoding) {
  std::string options = format.options;
  const auto add = [&](const std::string& option) { options += (options.empty() ? "" : ",") + option; };
  if (format.default_quality != 0) {
    // Of lower ones libvips makes a distance that libjxl refuses.
    const int lowest = format.kind == Kind::jxl ? 5 : 1;
    add("Q=" + std::to_string(std::max(lowest, encoding.quality.value_or(format.default_quality))));
    if (encoding.quality == 100 && (format.kind == Kind::jxl || format.kind == Kind::webp)) add("lossless");
  }
  if (encoding.compression) {
    const int effort = *encoding.compression;
    switch (format.kind) {
      case Kind::webp: add(fmt::format("effort={}", effort * 6 / 9)); break;
      case Kind::gif: add(fmt::format("effort={}", effort + 1)); break;
      case Kind::heif: add(fmt::format("effort={}", effort)); break;
      case Kind::jxl: add(fmt::format("effort={}", std::max(1, effort))); break;
      default: break;
    }
  }
  // Or libvips would make EXIF up. With a profile, versions before 8.15 cannot do without.
  if (MetadataWriter::by_libvips(format.suffix) && picture.embedded.exif.empty()) {
    if (vips_version(1) >= 15) {
      add("keep=icc:xmp");
    } else if (picture.embedded.xmp.empty() && !describes(picture.metadata.get(), VIPS_META_ICC_NAME)) {
      add("strip");
    }
  }
  return options.empty() ? std::string(format.suffix) : fmt::format("{}[{}]", format.suffix, options);
}

/// By libvips.
void save(const PictureHeader& picture, const OutputFormat& format, int bits, SampleRows& rows,
          std::shared_ptr<VipsImage> image, const FileTarget& target, const std::string& saver) {
  const int64_t pixel_bytes = picture.planes() * bits_in_memory(bits) / 8;
  Generator generator{Rows(rows, picture.width * pixel_bytes, pixel_bytes), nullptr};
  bool written = vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_FATSTRIP, nullptr) == 0 &&
                 vips_image_generate(image.get(), nullptr, Generator::generate, nullptr, &generator, nullptr) == 0;
  if (!format.gray) image = gray_as_srgb(image);
  written = written && vips_image_write_to_target(image.get(), saver.c_str(), target.get(), nullptr) == 0;
  const std::string message = written ? "" : vips_message();
  target.check();
  if (generator.failure) std::rethrow_exception(generator.failure);  // even if the encoder ends well
  if (!written) fail(ErrorCode::io, "writing '{}' failed: {}", target.shown().string(), message);
}

/// The picture as libvips describes it, without samples.
std::shared_ptr<VipsImage> image_of(const PictureHeader& picture, int bits) {
  const int bits_here = bits_in_memory(bits);
  std::shared_ptr<VipsImage> image(vips_image_new(), VipsUnref());
  vips_image_init_fields(image.get(), static_cast<int>(picture.width),
                         static_cast<int>(picture.height * picture.frames), static_cast<int>(picture.planes()),
                         bits_here == 8    ? VIPS_FORMAT_UCHAR
                         : bits_here == 16 ? VIPS_FORMAT_USHORT
                                           : VIPS_FORMAT_FLOAT,
                         VIPS_CODING_NONE, interpretation_of(picture, bits_here), 1, 1);
  if (picture.metadata != nullptr) apply_description(picture.metadata.get(), image.get());
  if (picture.frames > 1) {
    vips_image_set_int(image.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(picture.height));
    vips_image_set_int(image.get(), VIPS_META_N_PAGES, static_cast<int>(picture.frames));
  }
  return image;
}

}  // namespace

std::vector<std::string> writable_suffixes() {
  std::vector<std::string> suffixes;
  for (const OutputFormat& format : kOutputFormats) {
    if (find_format(fmt::format("a{}", format.suffix)) != nullptr) suffixes.emplace_back(format.suffix);
  }
  return suffixes;
}

bool is_writable(const fs::path& path) { return find_format(path) != nullptr; }

bool stores_alpha(const fs::path& path) { return output_format(path).alpha; }

void check_writable(const PictureHeader& picture, const fs::path& path) {
  const OutputFormat& format = output_format(path);
  check_encoder(format.suffix, format.options);
  if (picture.has_alpha && picture.alpha_is_data && format.kind != Kind::tiff) {
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
  const bool tiff = format.kind == Kind::tiff;
  const bool big_tiff = tiff && needs_big_tiff(picture, std::min(picture.bits, format.bits));
  std::vector<std::string> left = MetadataWriter(picture.embedded, format.suffix, big_tiff).lost();
  const auto check = [&](bool kept, const char* field, const char* name) {
    if (!kept && describes(picture.metadata.get(), field)) left.emplace_back(name);
  };
  check(format.icc, VIPS_META_ICC_NAME, "ICC profile");
  if (picture.frames > 1) check(!tiff, "delay", "frame delays");
  if (!left.empty()) {
    lost.push_back(fmt::format("{} cannot store the picture's {}", format.suffix, fmt::join(left, ", ")));
    if (!tiff) lost.back() += "; .tif keeps the most";
  }
  if (picture.has_alpha && !picture.hard_alpha && format.kind == Kind::gif) {
    lost.emplace_back(".gif has no partial transparency; such pixels become opaque or fully transparent");
  }
  if (picture.precision() > format.bits) {
    lost.push_back(fmt::format("{} stores {} bits per sample; the picture has {}", format.suffix, format.bits,
                               picture.bits == 32 ? "floats" : std::to_string(picture.precision())));
  }
  if (encoding.quality && format.default_quality == 0) {
    lost.push_back(fmt::format("{} has no quality setting; --quality is ignored", format.suffix));
  }
  if (encoding.compression && format.kind == Kind::jpeg) {
    lost.push_back(
        fmt::format("{} has no compression setting but its quality; --compression is ignored", format.suffix));
  }
  return lost;
}

double write_picture(const PictureHeader& picture, const fs::path& path, const RowSource& source,
                     const Encoding& encoding, const std::function<void()>& before_commit) {
  check_writable(picture, path);
  const OutputFormat& format = output_format(path);
  const int bits = std::min(picture.bits, format.bits);
  const auto start = std::chrono::steady_clock::now();
  AtomicOutput output(path, AtomicOutput::Kind::file);
  const MetadataWriter metadata(picture.embedded, format.suffix,
                                format.kind == Kind::tiff && needs_big_tiff(picture, bits));
  double waited_s = 0;
  {
    SampleRows rows(picture, bits, source);
    const std::shared_ptr<VipsImage> image = image_of(picture, bits);
    metadata.add_to(image.get());
    metadata.begin(output.temporary());
    FileTarget target(output.temporary(), path, metadata.head(image.get()));
    switch (format.kind) {
      case Kind::png: write_png(picture, bits, rows, image.get(), target, encoding.compression); break;
      case Kind::tiff: write_tiff(picture, bits, rows, image.get(), target, encoding.compression); break;
      default: save(picture, format, bits, rows, image, target, saver_of(format, picture, encoding));
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
