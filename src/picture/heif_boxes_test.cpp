#include "picture/heif_boxes.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "picture/boxes.hpp"

namespace fsrcnn {
namespace {

std::string heif_box(const std::string& name, const std::string& content) {
  return big_endian(8 + content.size()) + name + content;
}

std::string full_box(const std::string& name, const std::string& content, int version = 0, int flags = 0) {
  return heif_box(
      name, big_endian(static_cast<uint64_t>(version), 1) + big_endian(static_cast<uint64_t>(flags), 3) + content);
}

std::string numbers_box(int primaries, int transfer, int matrix) {
  return heif_box("colr", "nclx" + big_endian(static_cast<uint64_t>(primaries), 2) +
                              big_endian(static_cast<uint64_t>(transfer), 2) +
                              big_endian(static_cast<uint64_t>(matrix), 2) + '\x80');
}

std::string av1_box(unsigned char flags) { return heif_box("av1C", {'\x81', '\0', static_cast<char>(flags), '\0'}); }

std::string hevc_box(char chroma) { return heif_box("hvcC", std::string(16, '\0') + chroma); }

/// A file of item 7 with these properties, and item 8, with those of the numbers.
std::string heif_of(const std::string& properties, const std::string& of_7, const std::string& of_8,
                    const std::string& items = "") {
  const auto association = [](int item, const std::string& numbers) {
    return big_endian(static_cast<uint64_t>(item), 2) + static_cast<char>(numbers.size()) + numbers;
  };
  const std::string associations = full_box("ipma", big_endian(2) + association(8, of_8) + association(7, of_7));
  return heif_box("ftyp", "avif" + big_endian(0)) +
         full_box("meta", full_box("iinf", big_endian(1, 2) + items) +
                              heif_box("iprp", heif_box("ipco", properties) + associations) +
                              full_box("pitm", big_endian(7, 2)));
}

HeifBoxes heif_properties(const std::string& bytes) {
  std::istringstream file(bytes);
  return heif_boxes(file);
}

TEST(HeifBoxes, TellColoursOfThePrimaryPicture) {
  const std::string properties = numbers_box(1, 13, 6) + numbers_box(9, 16, 9) + heif_box("colr", "prof...");
  const HeifBoxes numbers = heif_properties(heif_of(properties, "\x82", "\1\3"));
  EXPECT_EQ(numbers.colours, (Cicp{9, 16, 9}));
  EXPECT_FALSE(numbers.has_profile);
  const HeifBoxes both = heif_properties(heif_of(properties, "\3\1", "\2"));
  EXPECT_EQ(both.colours, (Cicp{1, 13, 6}));
  EXPECT_TRUE(both.has_profile);
  const HeifBoxes none = heif_properties(heif_of(properties, "\x7F", "\2\3"));
  EXPECT_FALSE(none.colours || none.has_profile);
}

TEST(HeifBoxes, TellTheShapeOfPixels) {
  using Aspect = std::pair<uint32_t, uint32_t>;
  const std::string properties = heif_box("pasp", big_endian(4) + big_endian(3)) + heif_box("irot", "\1");
  EXPECT_EQ(heif_properties(heif_of(properties, "\1", "")).pixel_aspect, (Aspect{4, 3}));
  EXPECT_EQ(heif_properties(heif_of(properties, "\1\2", "")).pixel_aspect, (Aspect{3, 4})) << "turned";
  EXPECT_EQ(heif_properties(heif_of(properties, "", "\1")).pixel_aspect, (Aspect{1, 1})) << "of another picture";
}

TEST(HeifBoxes, TellChroma) {
  EXPECT_TRUE(heif_properties(heif_of(av1_box(0x0C), "\1", "")).halves_chroma);
  EXPECT_FALSE(heif_properties(heif_of(av1_box(0x08), "\1", "")).halves_chroma) << "4:2:2";
  EXPECT_FALSE(heif_properties(heif_of(av1_box(0x1C), "\1", "")).halves_chroma) << "gray";
  EXPECT_TRUE(heif_properties(heif_of(hevc_box(1), "", "\1")).halves_chroma) << "of a tile";
  EXPECT_FALSE(heif_properties(heif_of(hevc_box(3), "\1", "")).halves_chroma);
}

TEST(HeifBoxes, TellGainMaps) {
  const auto item = [](const std::string& kind) {
    return full_box("infe", big_endian(9, 2) + big_endian(0, 2) + kind, 2);
  };
  EXPECT_TRUE(heif_properties(heif_of(av1_box(0), "\1", "", item("tmap"))).has_gain_map);
  EXPECT_FALSE(heif_properties(heif_of(av1_box(0), "\1", "", item("av01"))).has_gain_map);
  const std::string apple = full_box("auxC", std::string("urn:com:apple:photo:2020:aux:hdrgainmap\0", 40));
  EXPECT_TRUE(heif_properties(heif_of(apple, "", "\1")).has_gain_map);
  EXPECT_FALSE(heif_properties(heif_of(full_box("auxC", "urn:mpeg:hevc:2015:auxid:1"), "", "\1")).has_gain_map);
}

TEST(HeifBoxes, SurviveDamage) {
  const std::string whole = heif_of(numbers_box(9, 16, 9) + av1_box(0x0C), "\1\2", "\1");
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ 0xFF);
    heif_properties(bad);
    heif_properties(whole.substr(0, i));
  }
}

}  // namespace
}  // namespace fsrcnn
