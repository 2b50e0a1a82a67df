#include "picture/exr_header.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <sstream>
#include <string>
#include <vector>

namespace fsrcnn {
namespace {

std::string exr_number(uint32_t value) {
  std::string text;
  for (int i = 0; i < 4; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string attribute(const std::string& name, const std::string& type, const std::vector<uint32_t>& numbers) {
  std::string value;
  for (const uint32_t number : numbers) value += exr_number(number);
  return name + '\0' + type + '\0' + exr_number(static_cast<uint32_t>(value.size())) + value;
}

std::string places(const std::vector<float>& numbers) {
  std::vector<uint32_t> bits;
  for (const float number : numbers) bits.push_back(std::bit_cast<uint32_t>(number));
  return attribute("chromaticities", "chromaticities", bits);
}

ExrHeader exr_of(const std::string& attributes, uint32_t version = 2) {
  std::istringstream file("\x76\x2F\x31\x01" + exr_number(version) +
                          attribute("channels", "chlist", std::vector<uint32_t>(40)) + attributes + '\0');
  return exr_header(file);
}

TEST(ExrHeader, TellsWindows) {
  const std::string data = attribute("dataWindow", "box2i", {2, 2, 9, 9});
  EXPECT_FALSE(exr_of(data).shows_other_window());
  EXPECT_FALSE(exr_of(data + attribute("displayWindow", "box2i", {2, 2, 9, 9})).shows_other_window());
  const ExrHeader other = exr_of(data + attribute("displayWindow", "box2i", {0, 0, 99, 49}));
  EXPECT_TRUE(other.shows_other_window());
  EXPECT_EQ(other.display, (ExrHeader::Window{0, 0, 99, 49}));
}

TEST(ExrHeader, TellsChromaticities) {
  EXPECT_TRUE(exr_of("").is_bt709());
  EXPECT_TRUE(exr_of(places({0.64F, 0.33F, 0.30F, 0.60F, 0.15F, 0.06F, 0.3127F, 0.3290F})).is_bt709());
  EXPECT_FALSE(exr_of(places({0.708F, 0.292F, 0.17F, 0.797F, 0.131F, 0.046F, 0.3127F, 0.3290F})).is_bt709());
  EXPECT_TRUE(exr_of(places({0.708F})).is_bt709()) << "damaged";
}

TEST(ExrHeader, TellsParts) {
  EXPECT_FALSE(exr_of("").has_parts);
  EXPECT_TRUE(exr_of("", 0x1002).has_parts);
}

}  // namespace
}  // namespace fsrcnn
