#include "picture/exiv2_metadata.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include <exiv2/exiv2.hpp>

#include "base/error.hpp"
#include "picture/exif_in_tiff.hpp"
#include "picture/png_chunks.hpp"
#include "picture/tiff_folders.hpp"

namespace fsrcnn {
namespace {

const Exiv2::ByteOrder kNativeOrder =
    std::endian::native == std::endian::little ? Exiv2::littleEndian : Exiv2::bigEndian;

const Exiv2::byte* bytes_of(std::string_view text) { return reinterpret_cast<const Exiv2::byte*>(text.data()); }

std::string text_of(Exiv2::BasicIo& io) {
  return {reinterpret_cast<const char*>(io.mmap()), static_cast<size_t>(io.size())};
}

/// What Exiv2 would print about damage is told otherwise.
void be_quiet() { Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute); }

/// An EXIF block, taken apart.
struct Exif {
  Exiv2::ByteOrder order = Exiv2::invalidByteOrder;
  Exiv2::ExifData data;

  explicit Exif(const std::string& block) {
    be_quiet();
    Exiv2::IptcData iptc;
    Exiv2::XmpData xmp;
    try {
      order = Exiv2::TiffParser::decode(data, iptc, xmp, bytes_of(block), static_cast<uint32_t>(block.size()));
    } catch (const std::exception&) {  // 0.27's own base class, 0.28's Error
      order = Exiv2::invalidByteOrder;
    }
  }

  Exiv2::Exifdatum* find(const Exiv2::ExifKey& key) {
    const auto found = data.findKey(key);
    return found == data.end() || found->count() == 0 ? nullptr : &*found;
  }
  Exiv2::Exifdatum* find(const char* key) { return find(Exiv2::ExifKey(key)); }
  Exiv2::Exifdatum* find(uint16_t tag_of_first_folder) { return find(Exiv2::ExifKey(tag_of_first_folder, "Image")); }
  int64_t number(const char* key) {
    const Exiv2::Exifdatum* const datum = find(key);
    return datum == nullptr ? 0 : std::llround(datum->toFloat());
  }
  /// If it is there.
  void set(const char* key, int64_t value) {
    Exiv2::Exifdatum* const datum = find(key);
    if (datum == nullptr) return;
    if (datum->typeId() == Exiv2::unsignedShort && value > UINT16_MAX) {
      *datum = static_cast<uint32_t>(value);
    } else {
      datum->setValue(std::to_string(value));
    }
  }
};

/// The data is a copy, because 0.28 uses it up.
Exiv2::WriteMethod encode(Exiv2::BasicIo& to, std::string_view block, Exiv2::ByteOrder order, Exiv2::ExifData data) {
  Exiv2::IptcData iptc;
  Exiv2::XmpData xmp;
  return Exiv2::TiffParser::encode(to, block.empty() ? nullptr : bytes_of(block), static_cast<uint32_t>(block.size()),
                                   order, data, iptc, xmp);
}

/// Writes data into a copy of the block that it came from, in place; nothing if that is impossible.
std::optional<std::string> written_in_place(std::string block, const Exif& exif) {
  Exiv2::MemIo unused;
  const Exiv2::WriteMethod method = encode(unused, block, exif.order, exif.data);
  return method == Exiv2::wmNonIntrusive ? std::optional(std::move(block)) : std::nullopt;
}

/// A block of which Exiv2 does not know the camera's maker, and so takes no maker's note apart. What it takes apart it
/// also writes, and some notes not as they were.
std::string of_unknown_maker(std::string block, const std::string& maker) {
  if (maker.empty()) return block;
  for (size_t at = block.find(maker); at != std::string::npos; at = block.find(maker, at)) {
    block.replace(at, maker.size(), maker.size(), '?');
  }
  return block;
}

/// Changes a block by a function of its data; false if that cannot be done in place.
template <class Change>
bool change_in_place(std::string& block, const std::string& maker, const Change& change) {
  const std::string unknown = of_unknown_maker(block, maker);
  Exif exif(unknown);
  const std::optional<std::string> before = written_in_place(unknown, exif);
  change(exif);
  const std::optional<std::string> after = written_in_place(unknown, exif);
  if (!before || !after) return false;
  for (size_t i = 0; i < block.size(); ++i) {
    if ((*before)[i] != (*after)[i]) block[i] = (*after)[i];
  }
  return true;
}

std::string written_anew(const Exiv2::ExifData& data, Exiv2::ByteOrder order) {
  Exiv2::MemIo io;
  encode(io, "", order, data);
  return text_of(io);
}

/// Ends a block, which was changed in place, before the folder of its thumbnail. (Exiv2 takes it out only by writing
/// all anew, after which notes of some Canon and Kodak cameras cannot be read.)
std::string without_thumbnail(std::string block, int64_t begin, int64_t size) {
  std::istringstream stream(block);
  TiffFolders folders(stream);
  const uint64_t link = folders.first() == 0 ? 0 : folders.link_of(folders.first());
  constexpr size_t kBytes = 4;
  if (link == 0 || link + kBytes > block.size()) return block;
  block.replace(link, kBytes, kBytes, '\0');
  // Cameras write it last, most of them with some filling after it.
  constexpr int64_t kFilling = 16;
  const int64_t filling = std::ssize(block) - begin - size;
  if (size > 0 && begin > static_cast<int64_t>(link) && filling >= 0 && filling <= kFilling) {
    block.resize(static_cast<size_t>(begin));
  }
  return block;
}

// GeoTIFF's tags (GeoTIFF 1.0, 2.4 and 2.6), and GDAL's.
constexpr uint16_t kPixelScale = 0x830E, kTiepoints = 0x8482, kTransformation = 0x85D8, kGeoKeys = 0x87AF;
constexpr std::array<uint16_t, 8> kPlaceTags = {kPixelScale, kTiepoints, kTransformation, kGeoKeys,
                                                0x87B0,      0x87B1,     0xA480,          0xA481};

bool is_place(const Exiv2::Exifdatum& datum) {
  return datum.groupName() == "Image" &&
         std::find(kPlaceTags.begin(), kPlaceTags.end(), datum.tag()) != kPlaceTags.end();
}

template <class Number>
const std::vector<Number>& numbers_of(const Exiv2::Exifdatum* datum) {
  static const std::vector<Number> none;
  const auto* const value = datum == nullptr ? nullptr : dynamic_cast<const Exiv2::ValueType<Number>*>(&datum->value());
  return value == nullptr ? none : value->value_;
}

/// Its pixels lie closer together.
void scale_place(Exif& exif, double x, double y) {
  const auto change = [&](uint16_t tag, size_t least, const auto& function) {
    Exiv2::Exifdatum* const datum = exif.find(tag);
    Exiv2::DoubleValue value;
    value.value_ = numbers_of<double>(datum);
    if (value.value_.size() < least) return;
    function(value.value_);
    datum->setValue(&value);
  };
  // Keys of four numbers after a head of four. Key 1025 is 2 where places are those of pixels' centres.
  const std::vector<uint16_t>& keys = numbers_of<uint16_t>(exif.find(kGeoKeys));
  double centre = 0;
  for (size_t i = 4; i + 3 < keys.size(); i += 4) {
    if (keys[i] == 1025 && keys[i + 3] == 2) centre = 0.5;
  }
  change(kPixelScale, 2, [&](std::vector<double>& scale) {
    scale[0] /= x;
    scale[1] /= y;
  });
  change(kTiepoints, 6, [&](std::vector<double>& points) {
    for (size_t i = 0; i + 5 < points.size(); i += 6) {
      points[i] = (points[i] + centre) * x - centre;
      points[i + 1] = (points[i + 1] + centre) * y - centre;
    }
  });
  change(kTransformation, 16, [&](std::vector<double>& matrix) {
    for (size_t row = 0; row < 3; ++row) {
      double* const r = matrix.data() + 4 * row;
      r[3] += r[0] * (centre / x - centre) + r[1] * (centre / y - centre);
      r[0] /= x;
      r[1] /= y;
    }
  });
}

template <class Wanted>
void keep(Exiv2::ExifData& data, const Wanted& wanted) {
  for (auto datum = data.begin(); datum != data.end();) datum = wanted(*datum) ? std::next(datum) : data.erase(datum);
}

/// One of Photoshop's.
struct Resource {
  size_t begin = 0, head_bytes = 0, bytes = 0;
};

constexpr uint16_t kIptc = 0x0404;

std::optional<Resource> find_resource(const std::string& resources, uint16_t number) {
  if (resources.empty()) return std::nullopt;
  const Exiv2::byte* record = nullptr;
  uint32_t head = 0, bytes = 0;
  const auto size = static_cast<uint32_t>(resources.size());
#if EXIV2_TEST_VERSION(0, 28, 0)
  const int result = Exiv2::Photoshop::locateIrb(bytes_of(resources), size, number, &record, head, bytes);
#else
  const int result = Exiv2::Photoshop::locateIrb(bytes_of(resources), size, number, &record, &head, &bytes);
#endif
  if (result != 0) return std::nullopt;
  const auto begin = static_cast<size_t>(record - bytes_of(resources));
  if (size_t{head} + bytes > resources.size() - begin) return std::nullopt;
  return Resource{begin, head, bytes};
}

/// What lies at a place of the picture.
void change_areas(Exif& exif, const PictureChange& change) {
  for (const char* key : {"Exif.Photo.SubjectArea", "Exif.Photo.SubjectLocation", "Exif.Image.SubjectLocation"}) {
    Exiv2::Exifdatum* const datum = exif.find(key);
    if (datum == nullptr || datum->count() > 4) continue;
    std::vector<double> area;
    for (decltype(datum->count()) i = 0; i < datum->count(); ++i) area.push_back(datum->toFloat(i));
    Exiv2::UShortValue value;
    for (const int64_t number : changed_area(area, change)) {
      if (number >= 0 && number <= UINT16_MAX) value.value_.push_back(static_cast<uint16_t>(number));
    }
    if (value.value_.size() == area.size()) {
      datum->setValue(&value);
    } else {
      exif.data.erase(exif.data.findKey(Exiv2::ExifKey(key)));  // it cannot say such numbers
    }
  }
}

/// Pixels per unit on the sensor.
void change_focal_plane(Exif& exif, const PictureChange& change) {
  for (const std::string group : {"Exif.Photo.", "Exif.Image."}) {
    Exiv2::Exifdatum *const x = exif.find((group + "FocalPlaneXResolution").c_str()),
                            *const y = exif.find((group + "FocalPlaneYResolution").c_str());
    if (x == nullptr || y == nullptr) continue;
    const std::vector<Exiv2::URational> across = numbers_of<Exiv2::URational>(change.is_transposed() ? y : x),
                                        down = numbers_of<Exiv2::URational>(change.is_transposed() ? x : y);
    const auto set = [](Exiv2::Exifdatum* datum, const std::vector<Exiv2::URational>& before, int64_t from,
                        int64_t to) {
      if (before.size() != 1) return;
      Exiv2::URationalValue value;
      value.value_.push_back(changed_resolution(before[0].first, before[0].second, from, to));
      datum->setValue(&value);
    };
    set(x, across, change.width, change.target.width);
    set(y, down, change.height, change.target.height);
  }
}

/// A TIFF's first folder also has what its samples are; its other folders are other pictures.
bool describes_picture(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Image") return !is_tag_of_samples(datum.tag());
  return group != "Thumbnail" && !group.starts_with("Image") && !group.starts_with("SubImage") &&
         !group.starts_with("SubThumb");
}

void set_fields(Exif& exif, const PictureChange& change) {
  const auto& [width, height, form] = change.target;
  exif.set("Exif.Image.Orientation", 1);
  for (const char* key : {"Exif.Image.ImageWidth", "Exif.Photo.PixelXDimension", "Exif.Iop.RelatedImageWidth"})
    exif.set(key, width);
  for (const char* key : {"Exif.Image.ImageLength", "Exif.Photo.PixelYDimension", "Exif.Iop.RelatedImageLength"})
    exif.set(key, height);
  change_areas(exif, change);
  change_focal_plane(exif, change);
  if (Exiv2::Exifdatum* const datum = exif.find("Exif.Image.ImageDescription"); datum != nullptr) {
    const std::string before = datum->toString();
    if (const std::string after = changed_description(before, change); after != before) datum->setValue(after);
  }
  if (std::none_of(exif.data.begin(), exif.data.end(), is_place)) return;
  if (form == MetadataForm::tiff && !change.is_turned()) {
    scale_place(exif, change.factor_x(), change.factor_y());
  } else {
    keep(exif.data, [](const Exiv2::Exifdatum& datum) { return !is_place(datum); });
  }
}

}  // namespace

EmbeddedMetadata metadata_by_exiv2(const PictureFile& file) {
  be_quiet();
  EmbeddedMetadata metadata;
  try {
    const std::vector<std::byte> bytes = file.name_here().empty() ? file.bytes() : std::vector<std::byte>();
    auto image = file.name_here().empty()
                     ? Exiv2::ImageFactory::open(reinterpret_cast<const Exiv2::byte*>(bytes.data()), bytes.size())
                     : Exiv2::ImageFactory::open(file.name_here(), false);
    image->readMetadata();
    Exiv2::ExifData exif = image->exifData();
    keep(exif, describes_picture);
    metadata.has_place = std::any_of(exif.begin(), exif.end(), is_place);
    if (!exif.empty()) metadata.exif = written_anew(exif, kNativeOrder);
    metadata.xmp = image->xmpPacket();
    if (!image->iptcData().empty()) {
      auto resources = Exiv2::Photoshop::setIptcIrb(nullptr, 0, image->iptcData());
#if EXIV2_TEST_VERSION(0, 28, 0)
      metadata.photoshop.assign(reinterpret_cast<const char*>(resources.c_data()), resources.size());
#else
      metadata.photoshop.assign(reinterpret_cast<const char*>(resources.pData_), static_cast<size_t>(resources.size_));
#endif
    }
  } catch (const std::exception& e) {
    fail(ErrorCode::input, "'{}' has metadata that Exiv2 cannot read ({}); it was dropped", file.path().string(),
         file.shown(e.what()));
  }
  return metadata;
}

bool has_place(const std::string& exif) {
  if (exif.empty()) return false;
  const Exif block(exif);
  return std::any_of(block.data.begin(), block.data.end(), is_place);
}

int orientation_of(const std::string& exif) {
  const int64_t orientation = exif.empty() ? 1 : Exif(exif).number("Exif.Image.Orientation");
  return orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
}

std::optional<std::pair<double, double>> resolution_of(const std::string& exif) {
  if (exif.empty()) return std::nullopt;
  Exif block(exif);
  const auto number = [&](const char* key) {
    const Exiv2::Exifdatum* const datum = block.find(key);
    return datum == nullptr ? 0.0 : static_cast<double>(datum->toFloat());
  };
  constexpr double kCentimetre = 3, kNone = 1;
  const double x = number("Exif.Image.XResolution"), y = number("Exif.Image.YResolution"),
               unit = number("Exif.Image.ResolutionUnit"), millimetres = unit == kCentimetre ? 10 : 25.4;
  if (unit == kNone || !(x > 0) || !(y > 0) || !std::isfinite(x) || !std::isfinite(y)) return std::nullopt;
  return std::pair(x / millimetres, y / millimetres);
}

std::optional<std::string> change_exif(std::string block, const PictureChange& change) {
  Exif exif(block);
  if (exif.order == Exiv2::invalidByteOrder) return std::nullopt;
  if (exif.data.empty()) return "";
  const bool tiff = change.target.form == MetadataForm::tiff;
  const auto set_all = [&](Exif& data) { set_fields(data, change); };
  try {
    const Exiv2::Exifdatum* const maker = exif.find("Exif.Image.Make");
    const int64_t thumbnail = exif.number("Exif.Thumbnail.JPEGInterchangeFormat"),
                  thumbnail_bytes = exif.number("Exif.Thumbnail.JPEGInterchangeFormatLength");
    const bool other_order = tiff && exif.order != kNativeOrder;
    if (!other_order && change_in_place(block, maker == nullptr ? "" : maker->toString(), set_all)) {
      return without_thumbnail(std::move(block), thumbnail, thumbnail_bytes);
    }
    set_all(exif);
    keep(exif.data, [](const Exiv2::Exifdatum& datum) { return datum.groupName() != "Thumbnail"; });
    return exif.data.empty() ? "" : written_anew(exif.data, other_order ? kNativeOrder : exif.order);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

bool has_iptc(const std::string& resources) { return find_resource(resources, kIptc).has_value(); }

std::string change_photoshop(std::string resources) {
  for (const uint16_t thumbnail : {0x0409, 0x040C}) {
    const std::optional<Resource> found = find_resource(resources, thumbnail);
    if (found) resources.erase(found->begin, found->head_bytes + found->bytes + found->bytes % 2);
  }
  return resources;
}

std::vector<std::string> png_texts_of(const EmbeddedMetadata& metadata) {
  be_quiet();
  std::vector<std::string> texts;
  if (!metadata.xmp.empty()) texts.push_back("iTXtXML:com.adobe.xmp" + std::string(5, '\0') + metadata.xmp);
  const std::optional<Resource> found = find_resource(metadata.photoshop, kIptc);
  if (!found) return texts;
  try {
    Exiv2::IptcData iptc;
    Exiv2::IptcParser::decode(iptc, bytes_of(metadata.photoshop) + found->begin + found->head_bytes,
                              static_cast<uint32_t>(found->bytes));
    // Exiv2 writes it into a file, so it gets a small one.
    auto png = Exiv2::ImageFactory::create(Exiv2::ImageType::png);
    png->setIptcData(iptc);
    png->writeMetadata();
    std::istringstream file(text_of(png->io()));
    for (std::string& text : png_chunks(file).texts) texts.push_back(std::move(text));
  } catch (const std::exception&) {
    return texts;
  }
  return texts;
}

}  // namespace fsrcnn
