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
#include "picture/tiff_folders.hpp"
#include "picture/webp_chunks.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

void set_block(VipsImage* image, const char* field, const std::string& block) {
  if (!block.empty()) vips_image_set_blob_copy(image, field, block.data(), block.size());
}

}  // namespace

std::string exif_of_resolution(double per_millimetre_x, double per_millimetre_y) {
  constexpr uint16_t kX = 282, kY = 283, kUnit = 296, kShort = 3, kRational = 5, kInch = 2;
  constexpr uint32_t kHead = 8, kFields = 3, kNumbers = kHead + 2 + 12 * kFields + 4, kParts = 1000;
  std::vector<unsigned char> block;
  put<uint16_t>(block, std::endian::native == std::endian::little ? 0x4949 : 0x4D4D);
  put<uint16_t>(block, 42);
  put(block, kHead);
  put<uint16_t>(block, kFields);
  const auto field = [&](uint16_t tag, uint16_t type) {
    put(block, tag);
    put(block, type);
    put<uint32_t>(block, 1);
  };
  field(kX, kRational);
  put(block, kNumbers);
  field(kY, kRational);
  put(block, kNumbers + 8);
  field(kUnit, kShort);
  put(block, kInch);
  put<uint16_t>(block, 0);
  put<uint32_t>(block, 0);  // no other folder
  for (const double per_millimetre : {per_millimetre_x, per_millimetre_y}) {
    put(block, static_cast<uint32_t>(std::clamp(std::round(per_millimetre * 25.4 * kParts), 1.0, 4e9)));
    put(block, kParts);
  }
  return {block.begin(), block.end()};
}

std::vector<std::string> MetadataWriter::lost() const {
  std::vector<std::string> lost;
  const auto check = [&](bool kept, bool is_there, const char* name) {
    if (!kept && is_there) lost.emplace_back(name);
  };
  const bool jpeg = form_ == MetadataForm::jpeg, tiff = form_ == MetadataForm::tiff && !big_tiff_;
  const bool exif = tiff || (jpeg ? metadata_.exif.size() <= kMostExifInJpeg
                                  : form_ != MetadataForm::none && form_ != MetadataForm::tiff);
  check(exif, !metadata_.exif.empty(), "EXIF");
  check(form_ != MetadataForm::none && !(jpeg && metadata_.xmp.size() > kMostXmpInJpeg), !metadata_.xmp.empty(), "XMP");
  check(jpeg || form_ == MetadataForm::tiff || form_ == MetadataForm::png, !metadata_.photoshop.empty(), "IPTC");
  check(tiff, metadata_.has_place, "GeoTIFF data");
  check(jpeg, !metadata_.comments.empty(), "comments");
  check(jpeg, !metadata_.jpeg_segments.empty(), "blocks of the camera's maker beside EXIF");
  std::vector<std::string_view> keywords;
  for (const std::string& text : metadata_.png_chunks) keywords.push_back(keyword_of(text));
  if (form_ != MetadataForm::png && !keywords.empty())
    lost.push_back(fmt::format("text fields {}", fmt::join(keywords, ", ")));
  return lost;
}

void MetadataWriter::add_to(VipsImage* image) const {
  if (form_ != MetadataForm::tiff) return;
  set_block(image, VIPS_META_PHOTOSHOP_NAME, metadata_.photoshop);
  set_block(image, VIPS_META_XMP_NAME, metadata_.xmp);
  if (!metadata_.description.empty()) {
    vips_image_set_string(image, VIPS_META_IMAGEDESCRIPTION, metadata_.description.c_str());
  }
}

void MetadataWriter::begin(const fs::path& file) const {
  if (form_ == MetadataForm::tiff && !big_tiff_ && !metadata_.exif.empty())
    write_file_directly(file, as_bytes(metadata_.exif));
}

FileTarget::Head MetadataWriter::head(VipsImage* image) const {
  // libvips writes a JPEG's resolution as EXIF only.
  const auto per_inch = [](double per_millimetre) {
    return std::clamp<int>(std::lround(25.4 * per_millimetre), 1, 65535);
  };
  std::optional<std::pair<int, int>> density;
  if (knows_resolution(image)) density = {per_inch(image->Xres), per_inch(image->Yres)};
  switch (form_) {
    case MetadataForm::jpeg:
      return [this, density](const std::string& begun) { return jpeg_with_metadata(begun, metadata_, density); };
    case MetadataForm::png:
      return
          [this](const std::string& begun) { return png_with_metadata(begun, metadata_.exif, metadata_.png_chunks); };
    default: return nullptr;
  }
}

void MetadataWriter::end(const fs::path& file) const {
  if (form_ == MetadataForm::webp) put_metadata_into_webp(file, metadata_);
  if (form_ == MetadataForm::tiff && !big_tiff_ && !metadata_.exif.empty()) list_exif_in_tiff(file, metadata_.exif);
}

}  // namespace fsrcnn
