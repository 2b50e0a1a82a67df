#include "picture/read_metadata.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "picture/big_tiff_exif.hpp"
#include "picture/jxl_boxes.hpp"
#include "picture/metadata.hpp"
#include "picture/png_chunks.hpp"
#include "picture/vips_support.hpp"

namespace fsrcnn {
namespace {

constexpr std::string_view kExif("Exif\0\0", 6), kPhotoshop("Photoshop 3.0\0", 14);

std::string without_start(std::string bytes, std::string_view start) {
  return bytes.starts_with(start) ? bytes.substr(start.size()) : bytes;
}

/// Of AVIF and HEIC libvips before 8.15 keeps XMP under the name of any block of text.
void* take_xmp(VipsImage* image, const char* name, GValue*, void* to) {
  if (!std::string_view(name).starts_with("heif-mime-")) return nullptr;
  std::string text = blob_of(image, name);
  if (text.find("<x:xmpmeta") == std::string::npos && text.find("<rdf:RDF") == std::string::npos) return nullptr;
  *static_cast<std::string*>(to) = std::move(text);
  return to;
}

/// The blocks that libvips found, as they are.
EmbeddedMetadata metadata_by_vips(VipsImage* image) {
  EmbeddedMetadata metadata;
  metadata.exif = without_start(blob_of(image, VIPS_META_EXIF_NAME), kExif);
  metadata.xmp = blob_of(image, VIPS_META_XMP_NAME);
  if (metadata.xmp.empty()) vips_image_map(image, take_xmp, &metadata.xmp);
  if (const char* text = nullptr;
      has(image, VIPS_META_IMAGEDESCRIPTION) && vips_image_get_string(image, VIPS_META_IMAGEDESCRIPTION, &text) == 0) {
    metadata.description = text;
  }
  metadata.photoshop = blob_of(image, VIPS_META_PHOTOSHOP_NAME);
  if (std::string iptc = blob_of(image, VIPS_META_IPTC_NAME);
      metadata.photoshop.empty() && iptc.starts_with(kPhotoshop))
    metadata.photoshop = without_start(std::move(iptc), kPhotoshop);
  return metadata;
}

void add_what_is_missing(EmbeddedMetadata& to, EmbeddedMetadata from) {
  if (to.exif.empty()) to.exif = std::move(from.exif);
  if (to.xmp.empty()) to.xmp = std::move(from.xmp);
  // A TIFF has IPTC also beside Photoshop's resources.
  if (!has_iptc(to.photoshop)) to.photoshop += from.photoshop;
  to.has_place = from.has_place;
}

void add_jxl_boxes(EmbeddedMetadata& metadata, const PictureFile& file, std::vector<std::string>& warnings) {
  JxlBoxes boxes = jxl_boxes(*file.stream());
  // Newer versions of libvips read them, also those that are compressed.
  std::erase_if(boxes.compressed,
                [&](const std::string& name) { return !(name == "EXIF" ? metadata.exif : metadata.xmp).empty(); });
  if (!boxes.compressed.empty()) {
    warnings.push_back(fmt::format("'{}' has compressed {}, which is not supported and was dropped",
                                   file.path().string(), fmt::join(boxes.compressed, " and ")));
  }
  if (metadata.exif.empty()) metadata.exif = std::move(boxes.exif);
  if (metadata.xmp.empty()) metadata.xmp = std::move(boxes.xmp);
}

/// Exiv2 does not read a TIFF with offsets of 64 bits.
bool is_big_tiff(std::istream& file) {
  std::array<char, 4> start{};
  file.read(start.data(), start.size());
  return start[2] == 43 || start[3] == 43;
}

/// A JPEG's comment as a PNG's text: Latin-1, or else UTF-8.
std::string png_text_of(std::string comment) {
  while (!comment.empty() && comment.back() == '\0') comment.pop_back();
  if (comment.empty() || comment.find('\0') != std::string::npos) return "";
  const bool ascii =
      std::all_of(comment.begin(), comment.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
  const bool utf8 = g_utf8_validate(comment.data(), static_cast<gssize>(comment.size()), nullptr) != 0;
  const std::string keyword("Comment\0", 8);
  return ascii || !utf8 ? "tEXt" + keyword + comment : "iTXt" + keyword + std::string(4, '\0') + comment;
}

}  // namespace

EmbeddedMetadata read_metadata(const PictureFile& file, std::string_view loader, VipsImage* image, const PngChunks& png,
                               std::vector<std::string>& warnings) {
  EmbeddedMetadata metadata = metadata_by_vips(image);
  bool by_exiv2 = loader.starts_with("tiff") || loader.starts_with("jp2k");
  if (loader.starts_with("tiff") && is_big_tiff(*file.stream())) {
    by_exiv2 = false;
    metadata.exif = exif_of_big_tiff(*file.stream());
    metadata.has_place = has_place(metadata.exif);
  }
  if (loader.starts_with("png")) {
    metadata.exif = without_start(png.exif, kExif);
    by_exiv2 = png.has_packed_metadata;
    std::copy_if(png.texts.begin(), png.texts.end(), std::back_inserter(metadata.png_chunks), is_plain_text);
  }
  if (loader.starts_with("jxl")) add_jxl_boxes(metadata, file, warnings);
  if (by_exiv2) {
    try {
      add_what_is_missing(metadata, metadata_by_exiv2(file));
    } catch (const Error& e) {
      warnings.emplace_back(e.what());
    }
  }
  return metadata;
}

EmbeddedMetadata change_metadata(EmbeddedMetadata metadata, const PictureChange& change, const std::string& name,
                                 std::vector<std::string>& warnings) {
  const auto warn_of = [&](const char* what, const char* consequence) {
    warnings.push_back(fmt::format("'{}' has {} that is damaged; {}", name, what, consequence));
  };
  if (metadata.has_place && change.is_turned() && change.target.form == MetadataForm::tiff) {
    warnings.push_back(fmt::format("'{}' is a GeoTIFF that had to be turned upright; its place is lost", name));
    metadata.has_place = false;
  }
  if (std::string exif = std::move(metadata.exif); !exif.empty()) {
    std::optional<std::string> changed = change_exif(std::move(exif), change);
    if (!changed) warn_of("EXIF", "it was dropped");
    metadata.exif = std::move(changed).value_or("");
  }
  // Some cameras and programs write XMP that is against its rules, and others read it all the same.
  if (!metadata.xmp.empty() && !change_xmp(metadata, change)) warn_of("XMP", "it is kept as it is");
  metadata.description = changed_description(std::move(metadata.description), change);
  metadata.photoshop = change_photoshop(std::move(metadata.photoshop));
  if (change.target.form == MetadataForm::png) {
    for (std::string& text : png_texts_of(metadata)) metadata.png_chunks.push_back(std::move(text));
    for (std::string& comment : metadata.comments) {
      if (std::string text = png_text_of(std::move(comment)); !text.empty())
        metadata.png_chunks.push_back(std::move(text));
    }
    metadata.comments.clear();
  }
  return metadata;
}

}  // namespace fsrcnn
