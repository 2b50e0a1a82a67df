#include "picture/exiv2_metadata.hpp"

#include <gtest/gtest.h>

#include "picture/jpeg_segments.hpp"
#include "support/exif_block.hpp"

namespace fsrcnn {
namespace {

const auto& packet = test::xmp_packet;

constexpr PictureChange kTwice{40, 64, 6, {80, 128, MetadataForm::jpeg}};

size_t place_of(const std::string& part, const std::string& whole) { return whole.find(part); }

TEST(Exiv2Metadata, ChangesExifWhereItIs) {
  for (const bool big_endian : {false, true}) {
    SCOPED_TRACE(big_endian);
    const std::string before = test::exif_block(big_endian), after = change_exif(before, kTwice).value();
    EXPECT_EQ(orientation_of(before), 6);
    EXPECT_EQ(orientation_of(after), 1);
    // Without the thumbnail, but else in its old order.
    EXPECT_EQ(after.size(), before.size() - test::kThumbnail.size());
    EXPECT_EQ(place_of(test::kMakersNote, after), place_of(test::kMakersNote, before));
    const auto field = [&](uint16_t tag, uint16_t type, uint32_t value) {
      return test::NumberText(big_endian).field(tag, type, 1, value).text();
    };
    EXPECT_NE(place_of(field(0xA002, test::NumberText::kShort, 80), after), std::string::npos);
    EXPECT_NE(place_of(field(0xA003, test::NumberText::kLong, 128), after), std::string::npos);
    size_t different = 0;
    for (size_t i = 0; i < after.size(); ++i) different += after[i] != before[i];
    EXPECT_LE(different, 5U) << "orientation, two sizes, and the link to the thumbnail's folder";
  }
}

TEST(Exiv2Metadata, WritesExifAnewWhereItMust) {
  // The width does not fit into its 16 bits any more.
  const PictureChange large{40000, 10, 1, {80000, 20, MetadataForm::boxes}};
  const std::string wide = change_exif(test::exif_block(true), large).value();
  EXPECT_TRUE(wide.starts_with("MM"));
  EXPECT_NE(place_of(test::NumberText(true).field(0xA002, test::NumberText::kLong, 1, 80000).text(), wide),
            std::string::npos);
  EXPECT_EQ(place_of(test::kThumbnail, wide), std::string::npos);
  // A TIFF is of one byte order.
  PictureChange tiff = kTwice;
  tiff.target.form = MetadataForm::tiff;
  const std::string here = change_exif(test::exif_block(false), tiff).value().substr(0, 2);
  EXPECT_EQ(change_exif(test::exif_block(true), tiff).value().substr(0, 2), here);
  for (const std::string& text : {test::kMakersNote, std::string("A. Person")}) {
    EXPECT_NE(place_of(text, change_exif(test::exif_block(true), tiff).value()), std::string::npos);
  }
}

TEST(Exiv2Metadata, SurvivesDamagedExif) {
  EXPECT_FALSE(change_exif("neither", kTwice).has_value());
  EXPECT_EQ(orientation_of("neither"), 1);
  EXPECT_EQ(orientation_of(""), 1);
  const std::string whole = test::exif_block();
  for (size_t size = 0; size < whole.size(); ++size) change_exif(whole.substr(0, size), kTwice);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0xFF);
    change_exif(bad, kTwice);
  }
}

EmbeddedMetadata changed_xmp(const std::string& xmp, const PictureChange& change = kTwice) {
  EmbeddedMetadata metadata;
  metadata.xmp = xmp;
  change_xmp(metadata, change);
  return metadata;
}

TEST(Exiv2Metadata, ChangesNumbersOfXmp) {
  // To the byte, because all of it is understood.
  EXPECT_EQ(changed_xmp(packet("tiff:ImageWidth=\"17\" tiff:ImageLength='9' tiff:Orientation=\"6\" a:b='17'>")).xmp,
            packet("tiff:ImageWidth=\"80\" tiff:ImageLength='128' tiff:Orientation=\"1\" a:b='17'>"));
  EXPECT_EQ(changed_xmp(packet("><exif:PixelXDimension>99</exif:PixelXDimension>"
                               "<exif:PixelYDimension>100</exif:PixelYDimension><a:c>99</a:c>"))
                .xmp,
            packet("><exif:PixelXDimension>80</exif:PixelXDimension>"
                   "<exif:PixelYDimension>128</exif:PixelYDimension><a:c>99</a:c>"));
  EXPECT_EQ(changed_xmp(packet("GPano:FullPanoWidthPixels='400' GPano:CroppedAreaTopPixels='10'>")).xmp,
            packet("GPano:FullPanoWidthPixels='800' GPano:CroppedAreaTopPixels='20'>"));
}

TEST(Exiv2Metadata, LeavesOtherXmpAsItIs) {
  for (const char* inside : {">", "a:b='tiff:Orientation=\"6\"'>", "tiff:ImageWidth='wide'>", "a:b=''>"}) {
    EXPECT_EQ(changed_xmp(packet(inside)).xmp, packet(inside));
  }
  EXPECT_EQ(changed_xmp("<x:xmpmeta").xmp, "<x:xmpmeta") << "damaged";
  EXPECT_EQ(changed_xmp(packet("hdrgm:Version='1.0' a:b='c'>")).xmp.find("hdrgm:Version"), std::string::npos);
  EXPECT_NE(changed_xmp(packet("hdrgm:Version='1.0' a:b='c'>")).xmp.find("a:b=\"c\""), std::string::npos);
  EXPECT_EQ(changed_xmp(packet("hdrgm:Version='1.0'>")).xmp, "") << "nothing is left";
}

// 64 KB is all that a JPEG's segment holds.
TEST(Exiv2Metadata, SplitsLargeXmpForAJpegOnly) {
  const std::string large(70000, 'x'), small(20000, 'y');
  const std::string both = packet("a:large='" + large + "' a:small='" + small + "' tiff:Orientation='6'>");
  const EmbeddedMetadata jpeg = changed_xmp(both);
  EXPECT_LE(jpeg.xmp.size(), kMostXmpInJpeg);
  EXPECT_EQ(jpeg.xmp_guid.size(), 32U);
  EXPECT_NE(jpeg.xmp.find(jpeg.xmp_guid), std::string::npos);
  EXPECT_NE(jpeg.xmp.find(small), std::string::npos);
  EXPECT_NE(jpeg.xmp_extension.find(large), std::string::npos);
  // And together again.
  EmbeddedMetadata png = jpeg;
  PictureChange change = kTwice;
  change.target.form = MetadataForm::png;
  change_xmp(png, change);
  EXPECT_EQ(png.xmp_extension, "");
  EXPECT_NE(png.xmp.find(small), std::string::npos);
  EXPECT_NE(png.xmp.find(large), std::string::npos);
  EXPECT_EQ(png.xmp.find("HasExtendedXMP"), std::string::npos);
}

std::string resource(const std::string& number, const std::string& content) {
  std::string text = "8BIM" + number + std::string(5, '\0') + static_cast<char>(content.size()) + content;
  if (content.size() % 2 == 1) text += '\0';
  return text;
}

TEST(Exiv2Metadata, KnowsPhotoshopsResources) {
  const std::string iptc = resource("\x04\x04", std::string("\x1c\x02\x50\0\x06"
                                                            "Author",
                                                            11)),
                    thumbnail = resource("\x04\x0C", "small"), other = resource(std::string("\x04\x25", 2), "digest");
  EXPECT_EQ(change_photoshop(other + thumbnail + iptc), other + iptc);
  EXPECT_EQ(change_photoshop(""), "");
  EXPECT_TRUE(has_iptc(other + iptc));
  EXPECT_FALSE(has_iptc(other));
  EmbeddedMetadata metadata;
  metadata.photoshop = other + iptc;
  metadata.xmp = "<x/>";
  const std::vector<std::string> texts = png_texts_of(metadata);
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(texts[0], "iTXtXML:com.adobe.xmp" + std::string(5, '\0') + "<x/>");
  EXPECT_TRUE(texts[1].starts_with("zTXtRaw profile type iptc"));
}

}  // namespace
}  // namespace fsrcnn
