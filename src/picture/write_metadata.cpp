#include "picture/write_metadata.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

#include "base/atomic_output.hpp"
#include "picture/exif_in_tiff.hpp"
#include "picture/jpeg_segments.hpp"
#include "picture/metadata.hpp"
#include "picture/png_chunks.hpp"
#include "picture/trial_save.hpp"
#include "picture/webp_chunks.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

void set_block(VipsImage* image, const char* field, const std::string& block) {
  if (!block.empty()) vips_image_set_blob_copy(image, field, block.data(), block.size());
}

}  // namespace

MetadataWriter::Kind MetadataWriter::kind_of(std::string_view suffix) {
  if (suffix == ".jpg" || suffix == ".jpeg") return Kind::jpeg;
  if (suffix == ".png") return Kind::png;
  if (suffix == ".tif" || suffix == ".tiff") return Kind::tiff;
  if (suffix == ".webp") return Kind::webp;
  if (suffix == ".avif" || suffix == ".heic" || suffix == ".heif") return Kind::heif;
  if (suffix == ".jxl") return jxl_keeps_description() ? Kind::jxl : Kind::none;
  return Kind::none;
}

MetadataForm metadata_form(std::string_view suffix) {
  if (suffix == ".jpg" || suffix == ".jpeg") return MetadataForm::jpeg;
  if (suffix == ".png") return MetadataForm::png;
  return suffix == ".tif" || suffix == ".tiff" ? MetadataForm::tiff : MetadataForm::other;
}

bool MetadataWriter::by_libvips(std::string_view suffix) {
  const Kind kind = kind_of(suffix);
  return kind == Kind::heif || kind == Kind::jxl;
}

MetadataWriter::MetadataWriter(const EmbeddedMetadata& metadata, std::string_view suffix, bool big_tiff)
    : metadata_(metadata), kind_(kind_of(suffix)), big_tiff_(big_tiff) {}

std::vector<std::string> MetadataWriter::lost() const {
  std::vector<std::string> lost;
  const auto check = [&](bool kept, bool is_there, const char* name) {
    if (!kept && is_there) lost.emplace_back(name);
  };
  const bool jpeg = kind_ == Kind::jpeg, tiff = kind_ == Kind::tiff && !big_tiff_;
  const bool exif =
      tiff || (jpeg ? metadata_.exif.size() <= kMostExifInJpeg : kind_ != Kind::none && kind_ != Kind::tiff);
  check(exif, !metadata_.exif.empty(), "EXIF");
  check(kind_ != Kind::none && !(jpeg && metadata_.xmp.size() > kMostXmpInJpeg), !metadata_.xmp.empty(), "XMP");
  check(jpeg || kind_ == Kind::tiff || kind_ == Kind::png, !metadata_.photoshop.empty(), "IPTC");
  check(tiff, metadata_.has_place, "GeoTIFF data");
  check(jpeg, !metadata_.comments.empty(), "comments");
  check(jpeg, !metadata_.jpeg_segments.empty(), "blocks of the camera's maker beside EXIF");
  std::vector<std::string_view> keywords;
  for (const std::string& text : metadata_.png_chunks) keywords.push_back(keyword_of(text));
  if (kind_ != Kind::png && !keywords.empty()) lost.push_back(fmt::format("text fields {}", fmt::join(keywords, ", ")));
  return lost;
}

void MetadataWriter::add_to(VipsImage* image) const {
  if (kind_ == Kind::tiff) set_block(image, VIPS_META_PHOTOSHOP_NAME, metadata_.photoshop);
  if (kind_ == Kind::heif || kind_ == Kind::jxl) {
    if (!metadata_.exif.empty()) add_exif(image, metadata_.exif);
  } else if (kind_ != Kind::tiff) {
    return;
  }
  set_block(image, VIPS_META_XMP_NAME, metadata_.xmp);
}

void MetadataWriter::begin(const fs::path& file) const {
  if (kind_ == Kind::tiff && !big_tiff_ && !metadata_.exif.empty()) write_file_directly(file, as_bytes(metadata_.exif));
}

FileTarget::Head MetadataWriter::head(VipsImage* image) const {
  // libvips writes a JPEG's resolution as EXIF only.
  const auto per_inch = [](double per_millimetre) {
    return std::clamp<int>(std::lround(25.4 * per_millimetre), 1, 65535);
  };
  std::optional<std::pair<int, int>> density;
  if (knows_resolution(image)) density = {per_inch(image->Xres), per_inch(image->Yres)};
  switch (kind_) {
    case Kind::jpeg:
      return [this, density](const std::string& begun) { return jpeg_with_metadata(begun, metadata_, density); };
    case Kind::png:
      return
          [this](const std::string& begun) { return png_with_metadata(begun, metadata_.exif, metadata_.png_chunks); };
    default: return nullptr;
  }
}

void MetadataWriter::end(const fs::path& file) const {
  if (kind_ == Kind::webp) put_metadata_into_webp(file, metadata_);
  if (kind_ == Kind::tiff && !big_tiff_ && !metadata_.exif.empty()) list_exif_in_tiff(file, metadata_.exif);
}

}  // namespace fsrcnn
