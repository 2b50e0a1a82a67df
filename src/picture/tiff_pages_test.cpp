#include "picture/tiff_pages.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <sstream>
#include <string>

#include "support/tiff.hpp"

namespace fsrcnn {
namespace {

std::vector<TiffPage> pages_of(const std::string& tiff, size_t most = 100) {
  std::istringstream file(tiff);
  return tiff_pages(file, most);
}

TEST(TiffPages, SayWhatTheyAre) {
  const std::vector<TiffPage> pages =
      pages_of(test::tiff_of({{1, 1, {{test::kOrientation, 6}, {test::kPhotometric, 0}}},
                              {1, 1, {{test::kSubfileType, 1}, {test::kExtraSamples, 1}}}},
                             test::kBlackSamples));
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0].orientation, 6);
  EXPECT_TRUE(pages[0].white_is_zero);
  EXPECT_FALSE(pages[0].is_reduced || pages[0].alpha_is_applied);
  EXPECT_EQ(pages[1].orientation, 1);
  EXPECT_FALSE(pages[1].white_is_zero);
  EXPECT_TRUE(pages[1].is_reduced && pages[1].alpha_is_applied);
}

TEST(TiffPages, EndWhereTheChainIsDamaged) {
  const std::string tiff = test::tiff_of({{}, {}, {}}, test::kBlackSamples);
  EXPECT_EQ(pages_of(tiff).size(), 3U);
  EXPECT_EQ(pages_of(tiff, 2).size(), 2U);
  EXPECT_EQ(pages_of("no TIFF").size(), 0U);
  for (size_t size = 0; size < tiff.size(); ++size) EXPECT_LE(pages_of(tiff.substr(0, size)).size(), 3U);
  // The last page, which stands first in the file, is followed by the first.
  std::string endless = tiff;
  const size_t last_folder = 8 + test::kBlackSamples.size(), fields = 9;
  std::memcpy(endless.data() + last_folder + 2 + 12 * fields, endless.data() + 4, 4);
  EXPECT_EQ(pages_of(endless).size(), 3U);
}

}  // namespace
}  // namespace fsrcnn
