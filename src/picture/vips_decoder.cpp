#include "picture/vips_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "picture/exiv2_metadata.hpp"
#include "picture/lossless_check.hpp"
#include "picture/metadata.hpp"
#include "picture/open_image.hpp"
#include "picture/plain_colours.hpp"
#include "picture/read_metadata.hpp"
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

}  // namespace

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

EmbeddedMetadata VipsDecoder::metadata(const MetadataTarget& target, std::vector<std::string>& warnings) {
  const PictureChange change{header_.width, header_.height, orientation_, target};
  return change_metadata(embedded_, change, name_, warnings);
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
