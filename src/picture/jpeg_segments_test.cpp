#include "picture/jpeg_segments.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>
#include <vector>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

std::string segment(int marker, const std::string& content) {
  const size_t bytes = content.size() + 2;
  std::string text = {'\xFF', static_cast<char>(marker), static_cast<char>(bytes >> 8), static_cast<char>(bytes)};
  return text + content;
}

EmbeddedMetadata metadata_of(const std::string& jpeg) {
  std::istringstream stream(jpeg);
  return jpeg_segments(stream).metadata;
}

JpegSegments segments_of(const std::string& segments) {
  std::istringstream stream("\xFF\xD8" + segments + "\xFF\xDA");
  return jpeg_segments(stream);
}

const std::string kStart = "\xFF\xD8", kScan = "\xFF\xDA", kJfif = segment(0xE0, std::string("JFIF\0", 5)),
                  kTables = segment(0xDB, "tables"), kProfile = segment(0xE2, "ICC_PROFILE"),
                  kXmpName("http://ns.adobe.com/xap/1.0/\0", 29),
                  kExtensionName("http://ns.adobe.com/xmp/extension/\0", 35);

EmbeddedMetadata all() {
  EmbeddedMetadata metadata;
  metadata.exif = "MM exif";
  metadata.xmp = "<xmp 0123456789ABCDEF0123456789ABCDEF>";
  metadata.xmp_guid = "0123456789ABCDEF0123456789ABCDEF";
  metadata.xmp_extension = std::string(200000, 'e') + "end";
  metadata.photoshop = std::string(100000, 'p');
  metadata.comments = {"one", "two"};
  metadata.jpeg_segments = {
      "\xEC"
      "text of a camera"};
  return metadata;
}

TEST(JpegSegments, ComeBackAsTheyWere) {
  const std::string begun = kStart + kJfif + segment(0xE1, std::string("Exif\0\0made up", 13)) + kProfile + kTables;
  EXPECT_FALSE(jpeg_with_metadata(begun, all()).has_value());
  EXPECT_FALSE(jpeg_with_metadata("", all()).has_value());
  const std::string jpeg = jpeg_with_metadata(begun + kScan + "samples", all()).value();
  EXPECT_TRUE(jpeg.starts_with(kStart + kJfif + segment(0xE1, std::string("Exif\0\0", 6) + "MM exif")));
  EXPECT_TRUE(jpeg.ends_with(kProfile + kTables + kScan + "samples"));
  EXPECT_EQ(jpeg.find("made up"), std::string::npos);
  const EmbeddedMetadata again = metadata_of(jpeg);
  EXPECT_EQ(again.exif, all().exif);
  EXPECT_EQ(again.xmp, all().xmp);
  EXPECT_EQ(again.xmp_guid, all().xmp_guid);
  EXPECT_EQ(again.xmp_extension, all().xmp_extension);
  EXPECT_EQ(again.photoshop, all().photoshop);
  EXPECT_EQ(again.comments, all().comments);
  EXPECT_EQ(again.jpeg_segments, all().jpeg_segments);
  // And nothing is made up.
  EXPECT_EQ(jpeg_with_metadata(begun + kScan, {}).value(), kStart + kJfif + kProfile + kTables + kScan);
}

TEST(JpegSegments, OfOthersAreLeftOut) {
  const EmbeddedMetadata metadata = metadata_of(
      kStart + kJfif + kProfile + segment(0xE2, "MPF") + segment(0xEC, "Ducky 80%") + segment(0xEE, "Adobe") +
      segment(0xE1, "FLIR") + kTables + kScan + segment(0xFE, "a comment among samples"));
  EXPECT_TRUE(metadata.exif.empty() && metadata.xmp.empty() && metadata.photoshop.empty());
  EXPECT_TRUE(metadata.comments.empty() && metadata.jpeg_segments.empty());
}

TEST(JpegSegments, ExtensionMustBeWholeAndTheOneThatIsNamed) {
  const std::string guid(32, 'A');
  const auto number = [](uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
  };
  const auto part = [&](const std::string& name, uint32_t size, uint32_t at, const std::string& bytes) {
    return segment(0xE1, kExtensionName + name + number(size) + number(at) + bytes);
  };
  const auto extension_of = [&](const std::string& parts) {
    return metadata_of(kStart + segment(0xE1, kXmpName + "<" + guid + ">") + parts + kScan).xmp_extension;
  };
  EXPECT_EQ(extension_of(part(guid, 6, 3, "def") + part(guid, 6, 0, "abc")), "abcdef");
  EXPECT_EQ(extension_of(part(guid, 6, 3, "def")), "");
  EXPECT_EQ(extension_of(part(std::string(32, 'B'), 3, 0, "abc")), "");
  EXPECT_EQ(extension_of(part(guid, 0xFFFFFFFF, 0, "abc")), "");
  EXPECT_EQ(extension_of(part(guid, 3, 1, "abc")), "");
  EXPECT_EQ(extension_of(part(guid, 3, 0xFFFFFFFF, "abc")), "");
  EXPECT_EQ(extension_of(segment(0xE1, kExtensionName)), "");
}

TEST(JpegSegments, OfADamagedFileAreThoseBefore) {
  const std::string whole = jpeg_with_metadata(kStart + kTables + kScan, all()).value();
  for (size_t size = 0; size < 300; ++size) {
    const EmbeddedMetadata cut = metadata_of(whole.substr(0, size));
    EXPECT_TRUE(cut.exif.empty() || cut.exif == all().exif);
    EXPECT_TRUE(cut.xmp.empty() || cut.xmp == all().xmp);
  }
  EmbeddedMetadata large;
  large.exif = std::string(kMostExifInJpeg + 1, 'x');
  EXPECT_EQ(jpeg_with_metadata(kStart + kTables + kScan, large).value(), kStart + kTables + kScan);
}

/// An index of pictures of these kinds.
std::string index_of(const std::vector<uint32_t>& kinds, bool little) {
  const auto put = [&](uint64_t value, int bytes) {
    std::string text = big_endian(value, bytes);
    return little ? std::string(text.rbegin(), text.rend()) : text;
  };
  std::string index = (little ? "II" : "MM") + put(42, 2) + put(8, 4) + put(1, 2);
  index += put(0xB002, 2) + put(7, 2) + put(16 * kinds.size(), 4) + put(26, 4) + put(0, 4);
  for (const uint32_t kind : kinds) index += put(kind, 4) + std::string(12, '\0');
  return segment(0xE2, std::string("MPF\0", 4) + index);
}

TEST(JpegSegments, TellFurtherPictures) {
  constexpr uint32_t kFirst = 0x20030000, kPreview = 0x10001, kOther = 0, kRight = 0x20002;
  for (const bool little : {false, true}) {
    EXPECT_EQ(segments_of(index_of({kFirst, kPreview}, little)).further_pictures, 0);
    EXPECT_EQ(segments_of(index_of({kFirst, kOther}, little)).further_pictures, 1);
    EXPECT_EQ(segments_of(index_of({kFirst, kPreview, kRight, kRight}, little)).further_pictures, 2);
  }
  EXPECT_EQ(segments_of(segment(0xE2, std::string("MPF\0MM", 6))).further_pictures, 0);
}

TEST(JpegSegments, TellGainMapsAndFilms) {
  const JpegSegments plain = segments_of(segment(0xE1, kXmpName + "<x tiff:ImageWidth='8'>"));
  EXPECT_FALSE(plain.has_gain_map || plain.has_film);
  EXPECT_TRUE(segments_of(segment(0xE1, kXmpName + "<x hdrgm:Version=\"1.0\">")).has_gain_map);
  EXPECT_TRUE(segments_of(segment(0xE1, kXmpName + "<x HDRGainMap:HDRGainMapVersion=\"1\">")).has_gain_map);
  EXPECT_TRUE(segments_of(segment(0xE2, std::string("urn:iso:std:iso:ts:21496:-1\0\0\0", 30))).has_gain_map);
  EXPECT_TRUE(segments_of(segment(0xE1, kXmpName + "<x GCamera:MotionPhoto=\"1\">")).has_film);
  EXPECT_FALSE(segments_of(segment(0xE1, kXmpName + "<x GCamera:MotionPhoto=\"0\">")).has_film);
}

TEST(JpegSegments, TellWhetherThereIsAResolution) {
  EXPECT_FALSE(segments_of("").states_resolution);
  EXPECT_FALSE(segments_of(segment(0xE0, std::string("JFIF\0\1\2\0\0\1\0\1", 12))).states_resolution);
  EXPECT_TRUE(segments_of(segment(0xE0, std::string("JFIF\0\1\2\1\0\x48\0\x48", 12))).states_resolution);
}

}  // namespace
}  // namespace fsrcnn
