#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "picture/deflate.hpp"
#include "picture/exiv2_metadata.hpp"
#include "picture/exr_header.hpp"
#include "picture/file_end.hpp"
#include "picture/gif_check.hpp"
#include "picture/heif_boxes.hpp"
#include "picture/jp2_boxes.hpp"
#include "picture/jpeg_segments.hpp"
#include "picture/jxl_info.hpp"
#include "picture/lossless_check.hpp"
#include "picture/metadata.hpp"
#include "picture/open_image.hpp"
#include "picture/plain_colours.hpp"
#include "picture/png_chunks.hpp"
#include "picture/read_metadata.hpp"
#include "picture/row_decoder.hpp"
#include "picture/tiff_pages.hpp"
#include "picture/tiff_samples.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

/// Rotates each of the pages, which are stacked vertically, by the EXIF orientation of the first.
int turn_pages(VipsImage* in, VipsImage** out, int pages) {
  if (pages == 1) return vips_autorot(in, out, nullptr);
  std::vector<VipsImage*> turned;
  const int height = in->Ysize / pages;
  int result = 0;
  for (int i = 0; i < pages && result == 0; ++i) {
    VipsImage *page = nullptr, *upright = nullptr;
    result = vips_extract_area(in, &page, 0, i * height, in->Xsize, height, nullptr);
    if (result == 0) result = vips_autorot(page, &upright, nullptr);
    // What joins them takes pixels from images that make them anew as if they lay still.
    if (result == 0) turned.push_back(vips_image_copy_memory(upright));
    if (result == 0 && turned.back() == nullptr) result = -1;
    g_clear_object(&page);
    g_clear_object(&upright);
  }
  if (result == 0) result = vips_arrayjoin(turned.data(), out, pages, "across", 1, nullptr);
  for (VipsImage*& page : turned) g_clear_object(&page);
  return result;
}

/// The bits that an AVIF or HEIC has of the 16 of which libvips makes them the uppermost, or 0.
int heif_bits(VipsImage* image) {
  if (!loader_of(image).starts_with("heif")) return 0;
  int bits = 0;
  // The second name is libvips' from 8.15 on; then the first may go.
  for (const char* name : {"heif-bitdepth", "bits-per-sample"}) {
    if (bits == 0 && has(image, name) && vips_image_get_int(image, name, &bits) != 0) vips_error_clear();
  }
  return bits > 8 && bits < 16 && image->BandFmt == VIPS_FORMAT_USHORT ? bits : 0;
}

/// The sample that is white. PGM and PPM may have any, and libvips leaves their samples as they are.
int white_level(VipsImage* image, int bits) {
  if (const int used = heif_bits(image); used != 0) return ((1 << used) - 1) << (16 - used);
  int white = 0;
  const bool known =
      has(image, "ppm-max-value") && vips_image_get_int(image, "ppm-max-value", &white) == 0 && white > 0;
  return known ? white : (1 << bits) - 1;
}

/// Whether its samples are of a kind that pictures here have.
bool is_read_as_it_is(VipsImage* image) {
  return image->Coding != VIPS_CODING_NONE || image->BandFmt == VIPS_FORMAT_UCHAR ||
         image->BandFmt == VIPS_FORMAT_USHORT || image->BandFmt == VIPS_FORMAT_FLOAT ||
         image->Type == VIPS_INTERPRETATION_LABS;
}

/// A picture of any format that libvips is trusted with. The output is gray or RGB, with or without alpha, 8 or 16 bits
/// or float.
class VipsDecoder : public RowDecoder {
 public:
  VipsDecoder(PictureFile file, const PictureFormat& format, int64_t most_pixels,
              const std::function<void(int64_t)>& on_size);

  const PictureStart& start() const override { return start_; }
  EmbeddedMetadata metadata(const MetadataTarget& target, std::vector<std::string>& warnings) override {
    const PictureChange change{header_.width, header_.height, orientation_, target};
    return change_metadata(embedded_, change, name_, warnings);
  }
  void read(std::byte* samples, int64_t rows) override;
  std::vector<std::string> damage() override;

 private:
  void open(int64_t most_pixels, const std::function<void(int64_t)>& on_size);
  void check_size(int64_t width, int64_t height, int64_t frames, int64_t most_pixels) const;
  int64_t count_tiff_pages();
  bool open_tiff_samples(int64_t most_pixels, const std::function<void(int64_t)>& on_size);
  void check_orientations() const;
  void open_all_pages(int64_t pages);
  void normalise();
  void turn_upright();
  void check_gif_file();
  void check_png();
  void check_jpeg();
  void check_heif();
  void check_exr();
  void warn_of_gain_map();
  bool states_resolution() const;
  void check_file_end();
  void check_jp2() const;
  void check_tiff() const;
  [[noreturn]] void fail_unreadable(const std::string& message) const;
  void check_jxl();
  void warn(std::string message) { start_.warnings.push_back(std::move(message)); }

  PictureFile file_;
  const PictureFormat& format_;
  std::string name_;  // the file's, for messages
  PictureStart start_;
  PictureHeader& header_ = start_.header;
  std::string loader_;                // libvips' name of it
  PngChunks png_;                     // of a PNG
  JpegSegments jpeg_;                 // of a JPEG
  std::vector<TiffPage> tiff_pages_;  // none of other files
  std::vector<std::string> damage_;
  std::shared_ptr<VipsImage> image_;
  EmbeddedMetadata embedded_;
  int orientation_ = 1;
  int64_t next_row_ = 0;
};

VipsDecoder::VipsDecoder(PictureFile file, const PictureFormat& format, int64_t most_pixels,
                         const std::function<void(int64_t)>& on_size)
    : file_(std::move(file)), format_(format), name_(file_.path().string()) {
  take_vips_warnings();  // those are others'
  check_file_end();
  check_jp2();
  check_tiff();
  check_jxl();
  open(most_pixels, on_size);
  check_gif_file();
  check_png();
  check_jpeg();
  check_heif();
  check_exr();
  embedded_ = loader_.starts_with("jpeg") ? std::move(jpeg_.metadata)
                                          : read_metadata(file_, loader_, image_.get(), png_, start_.warnings);
  if (loader_.starts_with("webp")) header_.lossless = is_lossless_webp(file_.bytes());
  normalise();
  header_.metadata = describe(image_.get());
  if (!states_resolution()) header_.metadata->Xres = header_.metadata->Yres = 1;
  // libvips does not look into the EXIF of all formats.
  if (const auto resolution = resolution_of(embedded_.exif); resolution && !knows_resolution(header_.metadata.get())) {
    std::tie(header_.metadata->Xres, header_.metadata->Yres) = *resolution;
  }
}

/// libvips takes PNG and JPEG that state none for 72 dpi.
bool VipsDecoder::states_resolution() const {
  if (has(image_.get(), "exif-ifd0-XResolution")) return true;
  if (loader_.starts_with("png")) return png_.has_resolution;
  if (loader_.starts_with("jpeg")) return jpeg_.states_resolution;
  return true;
}

void VipsDecoder::open(int64_t most_pixels, const std::function<void(int64_t)>& on_size) {
  image_ = open_image(file_, format_);
  const std::string message = image_ == nullptr ? vips_message() : "";
  if (format_.loader.starts_with("tiff") && open_tiff_samples(most_pixels, on_size)) return;
  if (image_ == nullptr) fail_unreadable(message);
  const std::string& loader = loader_ = loader_of(image_.get());
  const bool layered = format_.name == "PSD";  // the first page is the picture, the others are what it is made of
  const int64_t pages = layered ? 1 : loader.starts_with("tiff") ? count_tiff_pages() : page_count(image_.get());
  const bool heif = loader.starts_with("heif");    // its other images are not frames, and it marks the primary one
  const bool levels = loader.starts_with("jp2k");  // its pages are smaller and smaller copies of the first
  const int64_t pixels = int64_t{image_->Xsize} * image_->Ysize * (heif || levels ? 1 : pages);
  check_size(image_->Xsize, image_->Ysize, heif || levels ? 1 : pages, most_pixels);
  if (on_size) on_size(pixels);
  header_.width = image_->Xsize;
  header_.height = image_->Ysize;
  if (pages > 1 && heif) {
    warn(fmt::format("'{}' holds {} pictures; only the primary one is upscaled", name_, pages));
  } else if (pages > 1 && !levels) {
    open_all_pages(pages);
  }
}

void VipsDecoder::check_size(int64_t width, int64_t height, int64_t frames, int64_t most_pixels) const {
  if (height <= most_pixels / width && frames <= most_pixels / width / height) return;
  fail(ErrorCode::limit, "'{}' has {}x{} pixels{}, more than the limit of {}; raise it with --max-pixels", name_, width,
       height, frames > 1 ? fmt::format(" in each of {} frames", frames) : "", most_pixels);
}

/// Of a TIFF whose samples libvips reads otherwise than they are meant: the whole picture.
bool VipsDecoder::open_tiff_samples(int64_t most_pixels, const std::function<void(int64_t)>& on_size) {
  // libvips takes YCbCr for RGB, and reads halves without a word from 8.16 on.
  tiff_pages_ = tiff_pages(*file_.stream(), 1);
  const bool misread = !tiff_pages_.empty() && (tiff_pages_[0].is_ycbcr || tiff_pages_[0].is_half);
  if (image_ != nullptr && is_read_as_it_is(image_.get()) && !misread) return false;
  const int64_t pages = count_tiff_pages();
  if (pages > 1) check_orientations();
  TiffSamples samples = read_tiff_samples(file_, pages, [&](int64_t width, int64_t height) {
    check_size(width, height, pages, most_pixels);
    if (on_size) on_size(width * height * pages);
  });
  if (samples.image == nullptr) return false;
  image_ = std::move(samples.image);
  loader_ = loader_of(image_.get());
  header_.width = image_->Xsize;
  header_.height = image_->Ysize / pages;
  header_.frames = pages;
  header_.used_bits = samples.used_bits;
  if (!samples.become_floats.empty()) {
    warn(fmt::format("'{}' has {}, which become floats of 32 bits", name_, samples.become_floats));
  }
  return true;
}

/// Smaller copies of the first page (pyramids, thumbnails) do not count as pages.
int64_t VipsDecoder::count_tiff_pages() {
  constexpr int64_t kMost = 1 << 20;
  const int64_t known = image_ != nullptr ? page_count(image_.get()) : 0;
  tiff_pages_ = tiff_pages(*file_.stream(), static_cast<size_t>(known != 0 ? known : kMost));
  const int64_t pages = known != 0 ? known : std::max<int64_t>(1, std::ssize(tiff_pages_));
  const auto is_reduced = [](const TiffPage& page) { return page.is_reduced; };
  const bool copies = std::ssize(tiff_pages_) == pages && pages > 1 &&
                      std::all_of(tiff_pages_.begin() + 1, tiff_pages_.end(), is_reduced);
  return copies ? 1 : pages;
}

void VipsDecoder::check_orientations() const {
  for (size_t i = 1; i < tiff_pages_.size(); ++i) {
    if (tiff_pages_[i].orientation == tiff_pages_[0].orientation) continue;
    fail(ErrorCode::input,
         "'{}' has {} pages, and the orientation of page {} differs from the first; extract the page you want", name_,
         tiff_pages_.size(), i + 1);
  }
}

void VipsDecoder::open_all_pages(int64_t pages) {
  check_orientations();
  const bool known = loader_.starts_with("gif") || loader_.starts_with("webp") || loader_.starts_with("tiff");
  if (known) {
    image_ = open_image(file_, format_, true);
  }
  if (!known || image_ == nullptr || image_->Xsize != header_.width || image_->Ysize != pages * header_.height) {
    fail(ErrorCode::input, "'{}' has {} pages of different sizes or types{}; extract the page you want", name_, pages,
         image_ == nullptr ? " (" + vips_message() + ")" : "");
  }
  header_.frames = pages;
}

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

std::vector<std::string> VipsDecoder::damage() {
  image_.reset();  // some decoders report damage only at the end
  vips_error_clear();
  for (const std::string& warning : take_vips_warnings()) {
    // Warnings of other loaders (e.g. unknown TIFF tags) are harmless.
    const bool cut = loader_.starts_with("gif") && warning.find("Excessive number of frames") != std::string::npos;
    const bool jpeg = loader_.starts_with("jpeg") && warning.find("VipsJpeg:") != std::string::npos;
    if (cut) {
      damage_.push_back(fmt::format("'{}' has too many frames for a GIF; those after the first {} are missing", name_,
                                    header_.frames));
    } else if (jpeg || loader_.starts_with("gif") || loader_.starts_with("jp2k")) {
      damage_.push_back(fmt::format("'{}' is damaged: {}", name_, file_.shown(warning)));
    }
  }
  damage_.erase(std::unique(damage_.begin(), damage_.end()), damage_.end());
  return damage_;
}

void VipsDecoder::normalise() {
  bring_to_plain_colours(image_, file_, loader_, start_.warnings);
  if (!tiff_pages_.empty()) put_tiff_floats_right(image_, file_.path(), tiff_pages_.front());
  const VipsInterpretation kind = image_->Type;
  const bool gray_or_rgb = kind == VIPS_INTERPRETATION_sRGB || kind == VIPS_INTERPRETATION_RGB ||
                           kind == VIPS_INTERPRETATION_RGB16 || kind == VIPS_INTERPRETATION_scRGB ||
                           kind == VIPS_INTERPRETATION_B_W || kind == VIPS_INTERPRETATION_GREY16;
  const VipsBandFormat format = image_->BandFmt;
  const bool samples = format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT || format == VIPS_FORMAT_FLOAT;
  const bool gray = kind == VIPS_INTERPRETATION_B_W || kind == VIPS_INTERPRETATION_GREY16;
  if (const int colours = gray ? 1 : 3; gray_or_rgb && samples && image_->Bands > colours + 1) {
    header_.left_out = image_->Bands - colours;
    replace(image_, file_.path(),
            [colours](VipsImage* in, VipsImage** out) { return vips_extract_band(in, out, 0, "n", colours, nullptr); });
  }
  if (!gray_or_rgb || !samples || image_->Bands > 4 || image_->Coding != VIPS_CODING_NONE) {
    fail(ErrorCode::input,
         "'{}' has {} channels of type {} in colour space {}; supported: gray, RGB or CMYK with 8 or 16 bits or "
         "floats; convert it first",
         name_, image_->Bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format),
         vips_enum_nick(VIPS_TYPE_INTERPRETATION, kind));
  }
  turn_upright();
  header_.width = image_->Xsize;
  header_.height = image_->Ysize / header_.frames;
  header_.colour_planes = image_->Bands >= 3 ? 3 : 1;
  header_.has_alpha = image_->Bands % 2 == 0;
  header_.alpha_is_data = header_.has_alpha && !tiff_pages_.empty() && tiff_pages_.front().extra_is_data;
  header_.bits = format == VIPS_FORMAT_UCHAR ? 8 : format == VIPS_FORMAT_USHORT ? 16 : 32;
  // libvips' rule: RGB of floats without a profile is scRGB.
  header_.linear = header_.bits == 32 && kind == VIPS_INTERPRETATION_scRGB && !has(image_.get(), VIPS_META_ICC_NAME);
  if (const int bits = heif_bits(image_.get()); bits != 0) header_.used_bits = bits;
  if (header_.bits != 32) start_.white = white_level(image_.get(), header_.bits);
}

void VipsDecoder::turn_upright() {
  orientation_ = vips_image_get_orientation(image_.get());
  // libvips does not find it where it is behind the samples, or written as text.
  const bool is_hidden = orientation_ == 1 && (loader_.starts_with("png") || loader_.starts_with("jp2k"));
  if (is_hidden) orientation_ = orientation_of(embedded_.exif);
  if (orientation_ == 1) return;
  if (orientation_ >= 5) std::swap(header_.pixel_aspect.first, header_.pixel_aspect.second);
  // Turning needs the rows in another order than they come from the file.
  replace(image_, file_.path(),
          [](VipsImage* in, VipsImage** out) { return (*out = vips_image_copy_memory(in)) == nullptr ? -1 : 0; });
  vips_image_set_int(image_.get(), VIPS_META_ORIENTATION, orientation_);
  const auto pages = static_cast<int>(header_.frames);
  replace(image_, file_.path(), [pages](VipsImage* in, VipsImage** out) { return turn_pages(in, out, pages); });
}

void VipsDecoder::check_file_end() {
  const FileEnd end = file_end(*file_.stream(), format_.name);
  if (end.is_cut) fail(ErrorCode::input, "'{}' is damaged: the {} is truncated", name_, format_.name);
  if (end.pictures > 1) {
    warn(fmt::format("'{}' holds {} pictures; only the first is upscaled", name_, end.pictures));
  }
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

void VipsDecoder::read(std::byte* samples, int64_t rows) {
  const VipsRect wanted{0, static_cast<int>(next_row_), static_cast<int>(header_.width), static_cast<int>(rows)};
  // A region belongs to a thread, so none is kept.
  const VipsPtr<VipsRegion> region(vips_region_new(image_.get()));
  if (region == nullptr || vips_region_prepare(region.get(), &wanted) != 0) {
    fail(ErrorCode::input, "'{}' is damaged: {}", name_, file_.shown(vips_message()));
  }
  const auto row_bytes = static_cast<size_t>(start_.row_bytes());
  for (int y = 0; y < wanted.height; ++y) {
    std::memcpy(samples + static_cast<size_t>(y) * row_bytes, VIPS_REGION_ADDR(region.get(), 0, wanted.top + y),
                row_bytes);
  }
  next_row_ += rows;
}

}  // namespace

const PictureFormat& require_format(const PictureFile& file) {
  const PictureFormat* const format = picture_format(*file.stream(), lower_suffix(file.path()));
  if (format == nullptr) {
    fail(ErrorCode::input, "'{}' is not a picture, or of an unsupported format; supported: {}", file.path().string(),
         picture_format_names());
  }
  if (!format->instead.empty()) fail(ErrorCode::input, "'{}' {}", file.path().string(), format->instead);
  return *format;
}

std::unique_ptr<RowDecoder> decode_here(PictureFile file, const PictureFormat& format, int64_t most_pixels,
                                        const std::function<void(int64_t)>& on_size) {
  start_vips();
  return std::make_unique<VipsDecoder>(std::move(file), format, most_pixels, on_size);
}

}  // namespace fsrcnn
