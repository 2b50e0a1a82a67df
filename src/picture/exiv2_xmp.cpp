// The part of exiv2_metadata.hpp that is about XMP.

#include <glib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include <exiv2/exiv2.hpp>

#include "picture/exiv2_metadata.hpp"
#include "picture/jpeg_segments.hpp"

namespace fsrcnn {
namespace {

std::recursive_mutex toolkit_mutex;

void lock_toolkit(void*, bool lock) { lock ? toolkit_mutex.lock() : toolkit_mutex.unlock(); }

void start_toolkit() {
  static const bool started = [] {
    Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
    Exiv2::XmpParser::initialize(lock_toolkit, nullptr);
    constexpr std::array<std::array<const char*, 2>, 4> kNamespaces = {
        {{"http://ns.adobe.com/xmp/note/", "xmpNote"},
         {"http://ns.adobe.com/hdr-gain-map/1.0/", "hdrgm"},
         {"http://ns.google.com/photos/1.0/camera/", "GCamera"},
         {"http://ns.google.com/photos/1.0/container/", "GContainer"}}};
    for (const auto& [name, prefix] : kNamespaces) {
      if (Exiv2::XmpProperties::prefix(name).empty()) Exiv2::XmpProperties::registerNs(name, prefix);
    }
    return true;
  }();
  (void)started;
}

bool decode(Exiv2::XmpData& xmp, const std::string& packet) {
  try {
    return Exiv2::XmpParser::decode(xmp, packet) == 0;
  } catch (const std::exception&) {
    return false;
  }
}

/// Without the kilobytes of blanks that a packet may have for changes in place.
std::string encode(const Exiv2::XmpData& xmp) {
  if (xmp.empty()) return "";
  constexpr std::string_view kBegin = "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n",
                             kEnd = "\n<?xpacket end=\"w\"?>";
  std::string packet;
  try {
    const auto form = Exiv2::XmpParser::omitPacketWrapper | Exiv2::XmpParser::useCompactFormat;
    if (Exiv2::XmpParser::encode(packet, xmp, static_cast<uint16_t>(form)) != 0) return "";
  } catch (const std::exception&) {
    return "";
  }
  while (!packet.empty() && packet.back() == '\n') packet.pop_back();
  return std::string(kBegin) + packet + std::string(kEnd);
}

/// A number of a packet that becomes another.
struct NumberChange {
  std::string property, before, after;  ///< property: "tiff:ImageWidth"
};

void set_text(Exiv2::Xmpdatum& datum, std::vector<NumberChange>& changes, const std::string& after) {
  const std::string before = datum.toString(), key = datum.key();
  if (after == before) return;
  const size_t slash = key.rfind('/');
  changes.push_back(
      {slash == std::string::npos ? datum.groupName() + ":" + datum.tagName() : key.substr(slash + 1), before, after});
  datum.setValue(after);
}

/// "5184000/905": pixels per unit.
void set_resolution(Exiv2::Xmpdatum& datum, std::vector<NumberChange>& changes, int64_t before, int64_t after) {
  unsigned over = 0, under = 0;
  if (std::sscanf(datum.toString().c_str(), "%9u/%9u", &over, &under) != 2) return;
  const auto [new_over, new_under] = changed_resolution(over, under, before, after);
  set_text(datum, changes, std::to_string(new_over) + "/" + std::to_string(new_under));
}

/// A list of numbers, which with_numbers() does not find.
void set_area(Exiv2::Xmpdatum& datum, std::vector<NumberChange>& changes, const PictureChange& change) {
  std::vector<double> area;
  if (datum.count() > 4) return;
  for (decltype(datum.count()) i = 0; i < datum.count(); ++i) area.push_back(datum.toFloat(i));
  Exiv2::XmpArrayValue value(Exiv2::xmpSeq);
  for (const int64_t number : changed_area(area, change)) value.read(std::to_string(number));
  if (value.count() == 0) return;
  const std::string before = datum.toString();
  datum.setValue(&value);
  changes.push_back({datum.key(), before, datum.toString()});
}

template <class Change>
void set_number(Exiv2::Xmpdatum& datum, std::vector<NumberChange>& changes, const Change& change) {
  const std::string before = datum.toString();
  char* end = nullptr;
  const double number = std::strtod(before.c_str(), &end);
  if (end == before.c_str() || !std::isfinite(number) || std::abs(number) > 1e15) return;
  set_text(datum, changes, std::to_string(std::llround(change(number))));
}

std::vector<NumberChange> set_sizes(Exiv2::XmpData& xmp, const PictureChange& change) {
  const auto [width, height, form] = change.target;
  const double x = change.factor_x(), y = change.factor_y();
  std::vector<NumberChange> changes;
  for (Exiv2::Xmpdatum& datum : xmp) {
    const std::string key = datum.key();
    const auto is = [&](std::initializer_list<std::string_view> keys) {
      return std::find(keys.begin(), keys.end(), key) != keys.end();
    };
    const auto to = [](auto value) { return [value](double) { return static_cast<double>(value); }; };
    const auto times = [](double factor) { return [factor](double number) { return number * factor; }; };
    if (is({"Xmp.tiff.ImageWidth", "Xmp.exif.PixelXDimension",
            "Xmp.mwg-rs.Regions/mwg-rs:AppliedToDimensions/stDim:w"}))
      set_number(datum, changes, to(width));
    if (is({"Xmp.tiff.ImageLength", "Xmp.exif.PixelYDimension",
            "Xmp.mwg-rs.Regions/mwg-rs:AppliedToDimensions/stDim:h"}))
      set_number(datum, changes, to(height));
    if (is({"Xmp.tiff.Orientation"})) set_number(datum, changes, to(1));
    if (is({"Xmp.exif.SubjectArea", "Xmp.exif.SubjectLocation"})) set_area(datum, changes, change);
    if (is({"Xmp.exif.FocalPlaneXResolution"})) set_resolution(datum, changes, change.width, width);
    if (is({"Xmp.exif.FocalPlaneYResolution"})) set_resolution(datum, changes, change.height, height);
    // Of a panorama, in pixels of this picture.
    if (is({"Xmp.GPano.FullPanoWidthPixels", "Xmp.GPano.CroppedAreaImageWidthPixels",
            "Xmp.GPano.CroppedAreaLeftPixels"}))
      set_number(datum, changes, times(x));
    if (is({"Xmp.GPano.FullPanoHeightPixels", "Xmp.GPano.CroppedAreaImageHeightPixels",
            "Xmp.GPano.CroppedAreaTopPixels"}))
      set_number(datum, changes, times(y));
  }
  return changes;
}

bool are_equal(const Exiv2::XmpData& a, const Exiv2::XmpData& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Exiv2::Xmpdatum& x, const Exiv2::Xmpdatum& y) {
    return x.key() == y.key() && x.toString() == y.toString();
  });
}

/// The packet as it was but for some numbers, if it then says what `wanted` says; else `wanted`, as Exiv2 writes it,
/// which knows neither empty texts nor who wrote the packet.
std::string with_numbers(std::string packet, const std::vector<NumberChange>& changes, const Exiv2::XmpData& wanted) {
  for (const auto& [property, before, after] : changes) {
    for (size_t at = packet.find(property); at != std::string::npos; at = packet.find(property, at + 1)) {
      const size_t value = packet.find_first_not_of("='\"> \t\r\n", at + property.size());
      if (value != std::string::npos && packet.compare(value, before.size(), before) == 0 &&
          std::string_view("'\"< \t\r\n").find(packet[value + before.size()]) != std::string_view::npos) {
        packet.replace(value, before.size(), after);
      }
    }
  }
  Exiv2::XmpData result;
  return decode(result, packet) && are_equal(result, wanted) ? packet : encode(wanted);
}

/// Thumbnails, and what is said about a gain map or film behind the picture, which is not written.
bool is_of_another_picture(const std::string& key) {
  constexpr std::array<std::string_view, 7> kStarts = {"Xmp.xmp.Thumbnails",     "Xmp.hdrgm.",
                                                       "Xmp.HDRGainMap.",        "Xmp.GContainer.",
                                                       "Xmp.Container.",         "Xmp.GCamera.MicroVideo",
                                                       "Xmp.GCamera.MotionPhoto"};
  return std::any_of(kStarts.begin(), kStarts.end(), [&](std::string_view start) { return key.starts_with(start); });
}

template <class Unwanted>
bool erase(Exiv2::XmpData& xmp, const Unwanted& unwanted) {
  bool erased = false;
  for (auto datum = xmp.begin(); datum != xmp.end();) {
    const bool here = unwanted(datum->key());
    erased = erased || here;
    datum = here ? xmp.erase(datum) : std::next(datum);
  }
  return erased;
}

/// "Xmp.crs.ToneCurve" of "Xmp.crs.ToneCurve[1]": what moves as a whole.
std::string property_of(const std::string& key) { return key.substr(0, key.find_first_of("[/")); }

constexpr const char* kExtensionKey = "Xmp.xmpNote.HasExtendedXMP";

/// Moves the largest properties into an extension until the rest fits.
void split(EmbeddedMetadata& metadata, Exiv2::XmpData& xmp) {
  std::map<std::string, size_t> sizes;
  for (const Exiv2::Xmpdatum& datum : xmp) sizes[property_of(datum.key())] += datum.size() + 2 * datum.key().size();
  Exiv2::XmpData extension;
  if (!metadata.xmp_extension.empty()) decode(extension, metadata.xmp_extension);
  while (metadata.xmp.size() > kMostXmpInJpeg && !sizes.empty()) {
    const auto largest =
        std::max_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto moves = [&](const std::string& key) { return property_of(key) == largest->first; };
    for (const Exiv2::Xmpdatum& datum : xmp) {
      if (moves(datum.key())) extension.add(datum);
    }
    erase(xmp, moves);
    sizes.erase(largest);
    xmp[kExtensionKey] = std::string(32, '0');
    metadata.xmp = encode(xmp);
  }
  metadata.xmp_extension = encode(extension);
  gchar* const digest = g_compute_checksum_for_data(
      G_CHECKSUM_MD5, reinterpret_cast<const guchar*>(metadata.xmp_extension.data()), metadata.xmp_extension.size());
  metadata.xmp_guid = digest;
  g_free(digest);
  std::transform(metadata.xmp_guid.begin(), metadata.xmp_guid.end(), metadata.xmp_guid.begin(), g_ascii_toupper);
  xmp[kExtensionKey] = metadata.xmp_guid;
  metadata.xmp = encode(xmp);
}

}  // namespace

bool change_xmp(EmbeddedMetadata& metadata, const PictureChange& change) {
  start_toolkit();
  const bool jpeg = change.target.form == MetadataForm::jpeg;
  Exiv2::XmpData xmp, extension;
  if (!decode(xmp, metadata.xmp)) return false;
  const std::vector<NumberChange> sizes = set_sizes(xmp, change);
  bool changed = erase(xmp, is_of_another_picture);
  if (!jpeg && !metadata.xmp_extension.empty() && decode(extension, metadata.xmp_extension)) {
    erase(extension, is_of_another_picture);
    erase(xmp, [](const std::string& key) { return key == kExtensionKey; });
    for (const Exiv2::Xmpdatum& datum : extension) xmp.add(datum);
    metadata.xmp_extension.clear();
    changed = true;
  }
  const std::string before = metadata.xmp;
  if (changed) {
    metadata.xmp = encode(xmp);
  } else if (!sizes.empty()) {
    metadata.xmp = with_numbers(std::move(metadata.xmp), sizes, xmp);
  }
  if (jpeg && metadata.xmp.size() > kMostXmpInJpeg) split(metadata, xmp);
  if (!metadata.xmp.empty() || xmp.empty()) return true;
  metadata.xmp = before;
  return false;
}

}  // namespace fsrcnn
