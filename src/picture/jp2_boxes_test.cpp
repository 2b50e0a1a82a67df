#include "picture/jp2_boxes.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace fsrcnn {
namespace {

std::string jp2_number(uint32_t value, int bytes = 4) {
  std::string text;
  for (int i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string jp2_box(const std::string& name, const std::string& content) {
  return jp2_number(static_cast<uint32_t>(8 + content.size())) + name + content;
}

/// As far as the segment SIZ, of a picture and tiles that begin here.
std::string codestream(uint32_t picture_x, uint32_t tile_y) {
  return "\xFF\x4F\xFF\x51" + jp2_number(41, 2) + jp2_number(0, 2) + jp2_number(9) + jp2_number(9) +
         jp2_number(picture_x) + jp2_number(0) + jp2_number(9) + jp2_number(9) + jp2_number(0) + jp2_number(tile_y) +
         jp2_number(1, 2);
}

Jp2Boxes jp2_properties(const std::string& bytes) {
  std::istringstream file(bytes);
  return jp2_boxes(file);
}

std::string jp2(const std::string& in_header, const std::string& stream) {
  return jp2_box("jP  ", "\r\n\x87\n") + jp2_box("ftyp", "jp2 " + jp2_number(0)) +
         jp2_box("jp2h", jp2_box("ihdr", jp2_number(0)) + in_header) + jp2_box("jp2c", stream);
}

TEST(Jp2Boxes, KnowsPalettes) {
  EXPECT_TRUE(jp2_properties(jp2(jp2_box("pclr", "x") + jp2_box("cmap", "x"), codestream(0, 0))).has_palette);
  EXPECT_FALSE(jp2_properties(jp2(jp2_box("colr", "pclr"), codestream(0, 0))).has_palette);
  EXPECT_FALSE(jp2_properties(jp2(jp2_box("colr", "x"), codestream(0, 0)) + jp2_box("pclr", "x")).has_palette)
      << "not in the header";
}

TEST(Jp2Boxes, KnowsShiftedGrids) {
  for (const bool shifted : {false, true}) {
    for (const std::string& stream : {codestream(shifted ? 3 : 0, 0), codestream(0, shifted ? 1 : 0)}) {
      EXPECT_EQ(jp2_properties(jp2("", stream)).is_shifted, shifted);
      EXPECT_EQ(jp2_properties(stream).is_shifted, shifted) << "without boxes";
    }
  }
}

TEST(Jp2Boxes, SurvivesDamage) {
  const std::string whole = jp2(jp2_box("pclr", "x"), codestream(1, 0));
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ 0xFF);
    jp2_properties(bad);
    jp2_properties(whole.substr(0, i));
  }
  EXPECT_FALSE(jp2_properties("neither").has_palette);
}

}  // namespace
}  // namespace fsrcnn
