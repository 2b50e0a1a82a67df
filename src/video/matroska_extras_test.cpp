#include "video/matroska_extras.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace fsrcnn {
namespace {

// An element of less than 2^14 bytes.
std::string element(uint32_t id, const std::string& content) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (const auto byte = static_cast<char>(id >> shift & 0xFF); byte != 0 || !text.empty()) text += byte;
  }
  text += static_cast<char>(0x40 | content.size() >> 8);
  text += static_cast<char>(content.size() & 0xFF);
  return text + content;
}

std::string number(uint32_t id, int value) { return element(id, std::string(1, static_cast<char>(value))); }

std::string matroska(const std::string& segment) { return element(0x1A45DFA3, "") + element(0x18538067, segment); }

std::vector<std::string> extras_of(const std::string& bytes) {
  std::istringstream file(bytes);
  return matroska_extras(file);
}

std::string track(const std::string& video, const std::string& language) {
  return element(0x1654AE6B, element(0xAE, element(0xE0, video) + element(0x22B59D, language)));
}

TEST(MatroskaExtras, TellsWhatIsLost) {
  const std::string display = element(0x80, element(0x437C, "fra")), inner = element(0xB6, display + display),
                    atom = element(0xB6, display + inner),
                    chapters = element(0x1043A770, element(0x45B9, number(0x45DD, 1) + atom) + element(0x45B9, atom)),
                    cluster = element(0x1F43B675, std::string(300, '\0'));
  const auto messages = extras_of(matroska(track(number(0x54CC, 4) + number(0x54AA, 2), "pt-BR") + cluster + chapters));
  ASSERT_EQ(messages.size(), 7U);
  EXPECT_NE(messages[0].find("4, 0, 0 and 2 pixels"), std::string::npos) << messages[0];
  EXPECT_NE(messages[1].find("pt-BR"), std::string::npos);
  EXPECT_NE(messages[2].find("ordered"), std::string::npos);
  EXPECT_NE(messages[3].find("2 editions"), std::string::npos);
  EXPECT_NE(messages[4].find("2 chapters within"), std::string::npos);
  EXPECT_NE(messages[5].find("2 names"), std::string::npos);
  EXPECT_NE(messages[6].find("dropped: fra"), std::string::npos);
}

TEST(MatroskaExtras, IsSilentOtherwise) {
  EXPECT_TRUE(extras_of(matroska(track(number(0x54CC, 0), "pt"))).empty());
  EXPECT_TRUE(extras_of("").empty());
  EXPECT_TRUE(extras_of("no Matroska at all").empty());
  EXPECT_TRUE(extras_of(track(number(0x54CC, 4), "pt-BR")).empty());
}

TEST(MatroskaExtras, SurvivesAnyCut) {
  const std::string whole = matroska(track(number(0x54CC, 4), "pt-BR"));
  for (size_t size = 0; size < whole.size(); ++size) extras_of(whole.substr(0, size));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int byte : {0, 1, 0x40, 0x7F, 0x80, 0xFF}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(byte);
      extras_of(damaged);
    }
  }
}

}  // namespace
}  // namespace fsrcnn
