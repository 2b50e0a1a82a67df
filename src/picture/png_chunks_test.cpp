#include "picture/png_chunks.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <sstream>

namespace fsrcnn {
namespace {

std::string number(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string chunk(const std::string& name, const std::string& bytes) {
  return number(static_cast<uint32_t>(bytes.size())) + name + bytes + "crc.";
}

PngChunks of(const std::string& chunks, char interlacing = 0) {
  std::istringstream file("\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string(12, '\0') + interlacing) + chunks +
                          chunk("IDAT", "pixels") + chunk("gAMA", number(100000)));
  return png_chunks(file);
}

using Names = std::vector<std::string>;

TEST(PngChunks, TellAnAnimation) {
  EXPECT_FALSE(of("").animated);
  EXPECT_FALSE(of(chunk("acTL", number(1) + number(0))).animated) << "one frame is no animation";
  EXPECT_TRUE(of(chunk("tEXt", "Title") + chunk("acTL", number(4) + number(0))).animated);
  EXPECT_FALSE(of(chunk("acTL", number(4))).animated) << "of the wrong size";
}

TEST(PngChunks, TellTheShapeOfPixels) {
  using Aspect = std::pair<uint32_t, uint32_t>;
  EXPECT_EQ(of(chunk("pHYs", number(2) + number(1) + std::string(1, '\0'))).pixel_aspect, (Aspect{1, 2}));
  EXPECT_EQ(of(chunk("pHYs", number(2) + number(1) + "\1")).pixel_aspect, (Aspect{1, 1})) << "that is a resolution";
  EXPECT_EQ(of(chunk("pHYs", number(0) + number(1) + std::string(1, '\0'))).pixel_aspect, (Aspect{1, 1}));
}

TEST(PngChunks, TellInterlacing) {
  EXPECT_FALSE(of("").interlaced);
  EXPECT_TRUE(of("", 1).interlaced);
}

TEST(PngChunks, TellColoursThatAreNotSrgb) {
  const std::string linear = chunk("gAMA", number(100000));
  EXPECT_EQ(of("").colours, Names());
  EXPECT_EQ(of(linear).colours, Names{"gAMA"});
  EXPECT_EQ(of(chunk("gAMA", number(45455))).colours, Names());
  EXPECT_EQ(of(chunk("sRGB", "\1") + linear).colours, Names()) << "sRGB goes before it";
  EXPECT_EQ(of(chunk("iCCP", "profile") + linear).colours, Names());
  EXPECT_EQ(of(chunk("cICP", {9, 16, 0, 1}) + chunk("sRGB", "\1")).numbers, (Cicp{9, 16, 0}));
  EXPECT_EQ(of(chunk("iCCP", std::string("name\0\0deflated", 14))).profile, "deflated");
  EXPECT_EQ(of(chunk("iCCP", std::string("name\0\0", 6))).profile, "");
  EXPECT_EQ(of(chunk("cICP", {1, 13, 0, 1}) + linear).colours, Names());
  std::string primaries;
  for (const uint32_t place : {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}) primaries += number(place);
  EXPECT_EQ(of(chunk("cHRM", primaries)).colours, Names());
  EXPECT_EQ(of(chunk("cHRM", number(34567) + primaries.substr(4)) + linear).colours, (Names{"gAMA", "cHRM"}));
}

TEST(PngChunks, GiveMetadataFromAnywhere) {
  const std::string time = "tEXtCreation Time" + std::string(1, '\0') + "noon";
  std::istringstream file("\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string(13, '\0')) + chunk("IDAT", "pixels") +
                          chunk("eXIf", "MM*") + chunk("tEXt", time.substr(4)) + chunk("IEND", "") +
                          chunk("tEXt", "behind the end"));
  const PngChunks chunks = png_chunks(file);
  EXPECT_EQ(chunks.exif, "MM*");
  EXPECT_EQ(chunks.texts, Names{time});
  EXPECT_FALSE(chunks.has_packed_metadata);
  EXPECT_EQ(keyword_of(time), "Creation Time");
  const std::string packed("XML:com.adobe.xmp\0\0\0\0\0<x/>", 26);
  EXPECT_TRUE(of(chunk("iTXt", packed)).has_packed_metadata);
  EXPECT_TRUE(of(chunk("zTXt", std::string("Raw profile type exif\0", 22))).has_packed_metadata);
}

TEST(PngChunks, GetNewMetadata) {
  const std::string start = "\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string(13, '\0'));
  const std::string old = chunk("eXIf", "old") + chunk("zTXt", "old") + chunk("pHYs", "123456789");
  EXPECT_FALSE(png_with_metadata(start + old, "new", {}).has_value());
  EXPECT_FALSE(png_with_metadata("", "new", {}).has_value());
  const std::string samples = chunk("IDAT", "pixels");
  const std::string png = png_with_metadata(start + old + samples, "new", {"tEXta", "IENDb"}).value();
  std::istringstream file(png + chunk("IEND", ""));
  const PngChunks chunks = png_chunks(file);
  EXPECT_EQ(chunks.exif, "new");
  EXPECT_EQ(chunks.texts, Names{"tEXta"}) << "only texts";
  EXPECT_EQ(png.find("old"), std::string::npos);
  EXPECT_NE(png.find("pHYs123456789"), std::string::npos);
  // CRC-32 of "eXIfnew".
  EXPECT_NE(png.find(std::string("eXIfnew\x7b\x33\x39\x16", 11)), std::string::npos);
  EXPECT_TRUE(png.ends_with(samples));
}

TEST(PngChunks, AreNoneOfWhatIsNoPng) {
  for (const char* text : {"", "\x89PNG", "GIF89a, which is no PNG"}) {
    std::istringstream file(text);
    EXPECT_FALSE(png_chunks(file).animated);
  }
  std::istringstream cut("\x89PNG\r\n\x1a\n" + number(0xffffffff) + "acTL");
  EXPECT_FALSE(png_chunks(cut).animated);
}

}  // namespace
}  // namespace fsrcnn
