#include "picture/picture_writer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/ranges.h>

#include "base/atomic_output.hpp"
#include "base/bounded_queue.hpp"
#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "picture/colour.hpp"
#include "picture/file_target.hpp"
#include "picture/metadata.hpp"
#include "picture/plain_colours.hpp"
#include "picture/trial_save.hpp"
#include "picture/vips_support.hpp"
#include "picture/write_metadata.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

struct OutputFormat {
  std::string_view suffix;
  int bits;                  ///< the most of a sample
  bool gray, alpha, frames;  ///< whether it has them
  bool icc;                  ///< whether a profile is kept
  int64_t largest_side;      ///< pixels
  int default_quality;       ///< 0: it has none
  const char* options;       ///< libvips'
};

constexpr int64_t kAnySide = 10000000;  // libvips' own limit
constexpr int64_t kJpegSide = 65500;    // libjpeg's own limit; the form's is 65535
constexpr const char* kTiff = "compression=deflate,predictor=horizontal";

constexpr std::array<OutputFormat, 11> kOutputFormats = {{
    {".png", 16, true, true, false, true, kAnySide, 0, ""},
    {".jpg", 8, true, false, false, true, kJpegSide, 95, ""},
    {".jpeg", 8, true, false, false, true, kJpegSide, 95, ""},
    {".tif", 32, true, true, true, true, kAnySide, 0, kTiff},
    {".tiff", 32, true, true, true, true, kAnySide, 0, kTiff},
    {".webp", 8, false, true, true, true, 16383, 95, ""},
    {".gif", 8, true, true, true, false, 65535, 0, ""},
    {".avif", 12, false, true, false, true, 16384, 90, "compression=av1"},
    {".heic", 12, false, true, false, true, 16384, 90, "compression=hevc"},
    {".heif", 12, false, true, false, true, 16384, 90, "compression=hevc"},
    {".jxl", 16, true, true, false, true, kAnySide, 95, ""},
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

/// Samples of so many bits, which become the uppermost of those that a sample has in memory.
template <class Sample>
void interleave(const Tensor<float>& planes, int bits, Sample* samples) {
  const auto [n, c, h, w] = planes.shape();
  const double white = (1 << bits) - 1;
  const int shift = std::numeric_limits<Sample>::digits - bits;
  parallel_for(h, [&, c = c, w = w](int64_t y) {
    for (int64_t k = 0; k < c; ++k) {
      const float* row = planes.row(0, k, y);
      for (int64_t x = 0; x < w; ++x) {
        const double level = std::floor(row[x] * white + 0.5);
        const auto whole = static_cast<unsigned>(level > 0 ? std::min(level, white) : 0);  // 0 for NaN too
        samples[(y * w + x) * c + k] = static_cast<Sample>(whole << shift);
      }
    }
  });
}

void interleave_floats(const Tensor<float>& planes, bool linear, int colour_planes, float* samples) {
  const auto [n, c, h, w] = planes.shape();
  for (int64_t y = 0; y < h; ++y) {
    for (int64_t k = 0; k < c; ++k) {
      const float* row = planes.row(0, k, y);
      const bool decode = linear && k < colour_planes;
      for (int64_t x = 0; x < w; ++x) samples[(y * w + x) * c + k] = decode ? linear_from_srgb(row[x]) : row[x];
    }
  }
}

/// Samples of some rows of a picture, as they lie in a file.
struct RowBlock {
  int64_t first_row = 0, rows = 0;
  std::vector<std::byte> samples;
};

/// From the thread that makes rows to the one that writes them.
using RowQueue = BoundedQueue<RowBlock>;

/// What libvips asks rows of.
class Rows {
 public:
  Rows(RowQueue& queue, int64_t row_bytes, int64_t pixel_bytes)
      : queue_(queue), row_bytes_(row_bytes), pixel_bytes_(pixel_bytes) {}

  /// Fills a region, whose rows must not lie above those of the regions before.
  void fill(VipsRegion* region) {
    const VipsRect& wanted = region->valid;
    for (int y = wanted.top; y < VIPS_RECT_BOTTOM(&wanted); ++y) {
      const std::byte* const row = find(y, wanted.top);
      std::memcpy(VIPS_REGION_ADDR(region, wanted.left, y), row + wanted.left * pixel_bytes_,
                  static_cast<size_t>(wanted.width * pixel_bytes_));
    }
  }
  double waited_s() const { return waited_s_; }

 private:
  // Blocks that end above `oldest` are forgotten.
  const std::byte* find(int64_t y, int64_t oldest) {
    while (!blocks_.empty() && blocks_.front().first_row + blocks_.front().rows <= oldest) blocks_.pop_front();
    while (blocks_.empty() || blocks_.back().first_row + blocks_.back().rows <= y) {
      const auto begin = std::chrono::steady_clock::now();
      std::optional<RowBlock> block = queue_.pop();
      waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      if (!block) fail(ErrorCode::input, "row {} of the picture is missing", y);
      blocks_.push_back(*std::move(block));
    }
    for (const RowBlock& block : blocks_) {
      if (y < block.first_row) break;
      if (y < block.first_row + block.rows) return block.samples.data() + (y - block.first_row) * row_bytes_;
    }
    fail(ErrorCode::io, "libvips asked for row {} again", y);
  }

  RowQueue& queue_;
  int64_t row_bytes_, pixel_bytes_;
  std::deque<RowBlock> blocks_;
  double waited_s_ = 0;
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

/// Of a sample in memory that has so many bits in the file. libvips takes the uppermost of 16 as 12.
int bits_in_memory(int bits) { return bits == 12 ? 16 : bits; }

/// Runs the source on a thread of its own, until the queue is closed.
class Producer {
 public:
  Producer(const PictureHeader& picture, int bits, const RowSource& source)
      : thread_([this, &picture, bits, &source] { run(picture, bits, source); }) {}
  ~Producer() {
    queue_.close();
    thread_.join();
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  RowQueue& queue() { return queue_; }

 private:
  void run(const PictureHeader& picture, int bits, const RowSource& source) {
    try {
      int64_t next_row = 0;
      for (;;) {
        const Tensor<float> planes = source();
        if (planes.count() == 0) break;
        RowBlock block{next_row, planes.shape().h, {}};
        block.samples.resize(static_cast<size_t>(planes.count() * bits_in_memory(bits) / 8));
        switch (bits) {
          case 8: interleave(planes, bits, reinterpret_cast<uint8_t*>(block.samples.data())); break;
          case 12:
          case 16: interleave(planes, bits, reinterpret_cast<uint16_t*>(block.samples.data())); break;
          default:
            interleave_floats(planes, picture.linear, picture.colour_planes,
                              reinterpret_cast<float*>(block.samples.data()));
        }
        next_row += block.rows;
        if (!queue_.push(std::move(block))) break;
      }
      queue_.close();
    } catch (...) {
      queue_.close(std::current_exception());
    }
    vips_thread_shutdown();
  }

  RowQueue queue_{2};
  std::thread thread_;
};

VipsInterpretation interpretation_of(const PictureHeader& picture, int bits) {
  const bool gray = picture.colour_planes == 1;
  if (bits == 8) return gray ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  if (bits == 16) return gray ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
  return gray ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_scRGB;
}

/// A TIFF of which libvips' offsets have 32 bits does not hold it.
bool needs_big_tiff(const PictureHeader& picture, int bits) {
  constexpr int64_t kLargestTiffBytes = 3500000000;
  return picture.width * picture.height * picture.frames * picture.planes() * bits / 8 > kLargestTiffBytes;
}

/// libvips' suffix with options.
std::string saver_of(const OutputFormat& format, const PictureHeader& picture, int bits, std::optional<int> quality) {
  std::string options = format.options;
  const auto add = [&](const std::string& option) { options += (options.empty() ? "" : ",") + option; };
  if (format.default_quality != 0) {
    // Of lower ones libvips makes a distance that libjxl refuses.
    const int lowest = format.suffix == ".jxl" ? 5 : 1;
    add("Q=" + std::to_string(std::max(lowest, quality.value_or(format.default_quality))));
    if (quality == 100 && (format.suffix == ".jxl" || format.suffix == ".webp")) add("lossless");
  }
  if (format.options == kTiff) {
    // libvips holds several strips in memory; its own are 128 rows high, however wide.
    constexpr int64_t kStripBytes = 1 << 22;
    const int64_t row_bytes = picture.width * picture.planes() * bits / 8;
    add(fmt::format("tile-height={}", std::clamp<int64_t>(kStripBytes / row_bytes, 16, 128)));
    if (needs_big_tiff(picture, bits)) add("bigtiff");
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

}  // namespace

std::vector<std::string> writable_suffixes() {
  std::vector<std::string> suffixes;
  for (const OutputFormat& format : kOutputFormats) {
    if (find_format(fmt::format("a{}", format.suffix)) != nullptr) suffixes.emplace_back(format.suffix);
  }
  return suffixes;
}

bool is_writable(const fs::path& path) { return find_format(path) != nullptr; }

void check_writable(const PictureHeader& picture, const fs::path& path) {
  const OutputFormat& format = output_format(path);
  check_encoder(format.suffix, format.options);
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

std::vector<std::string> what_is_lost(const PictureHeader& picture, const fs::path& path, std::optional<int> quality) {
  const OutputFormat& format = output_format(path);
  std::vector<std::string> lost;
  const bool tiff = format.options == kTiff;
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
  if (picture.has_alpha && !picture.hard_alpha && format.suffix == ".gif") {
    lost.emplace_back(".gif has no partial transparency; such pixels become opaque or fully transparent");
  }
  if (picture.precision() > format.bits) {
    lost.push_back(fmt::format("{} stores {} bits per sample; the picture has {}", format.suffix, format.bits,
                               picture.bits == 32 ? "floats" : std::to_string(picture.precision())));
  }
  if (quality && format.default_quality == 0) {
    lost.push_back(fmt::format("{} has no quality setting; --quality is ignored", format.suffix));
  }
  return lost;
}

double write_picture(const PictureHeader& picture, const fs::path& path, const RowSource& source,
                     std::optional<int> quality) {
  check_writable(picture, path);
  const OutputFormat& format = output_format(path);
  const int bits = std::min(picture.bits, format.bits);
  const auto bands = static_cast<int>(picture.planes());
  const auto start = std::chrono::steady_clock::now();
  AtomicOutput output(path, AtomicOutput::Kind::file);
  const MetadataWriter metadata(picture.embedded, format.suffix,
                                format.options == kTiff && needs_big_tiff(picture, bits));
  double waited_s = 0;
  {
    Producer producer(picture, bits, source);
    const int bits_here = bits_in_memory(bits);
    const int64_t pixel_bytes = int64_t{bands} * bits_here / 8;
    Generator generator{Rows(producer.queue(), picture.width * pixel_bytes, pixel_bytes), nullptr};
    std::shared_ptr<VipsImage> image(vips_image_new(), VipsUnref());
    vips_image_init_fields(image.get(), static_cast<int>(picture.width),
                           static_cast<int>(picture.height * picture.frames), bands,
                           bits_here == 8    ? VIPS_FORMAT_UCHAR
                           : bits_here == 16 ? VIPS_FORMAT_USHORT
                                             : VIPS_FORMAT_FLOAT,
                           VIPS_CODING_NONE, interpretation_of(picture, bits_here), 1, 1);
    if (picture.metadata != nullptr) apply_description(picture.metadata.get(), image.get());
    metadata.add_to(image.get());
    if (picture.frames > 1) {
      vips_image_set_int(image.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(picture.height));
      vips_image_set_int(image.get(), VIPS_META_N_PAGES, static_cast<int>(picture.frames));
    }
    metadata.begin(output.temporary());
    const FileTarget target(output.temporary(), path, metadata.head());
    bool written = vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_FATSTRIP, nullptr) == 0 &&
                   vips_image_generate(image.get(), nullptr, Generator::generate, nullptr, &generator, nullptr) == 0;
    if (!format.gray) image = gray_as_srgb(image);
    const std::string saver = saver_of(format, picture, bits, quality);
    written = written && vips_image_write_to_target(image.get(), saver.c_str(), target.get(), nullptr) == 0;
    const std::string message = written ? "" : vips_message();
    target.check();
    if (generator.failure) std::rethrow_exception(generator.failure);  // even if the encoder ends well
    if (!written) fail(ErrorCode::io, "writing '{}' failed: {}", path.string(), message);
    waited_s = generator.rows.waited_s();
  }
  metadata.end(output.temporary());
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
