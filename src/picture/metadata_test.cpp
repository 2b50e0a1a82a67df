#include "picture/metadata.hpp"

#include <gtest/gtest.h>

namespace fsrcnn {
namespace {

TEST(Metadata, XmpTellsTheNewSize) {
  EXPECT_EQ(
      correct_xmp("<rdf:Description tiff:ImageWidth=\"17\" tiff:ImageLength='9' tiff:Orientation=\"6\"/>", 34, 18),
      "<rdf:Description tiff:ImageWidth=\"34\" tiff:ImageLength='18' tiff:Orientation=\"1\"/>");
  EXPECT_EQ(
      correct_xmp("<exif:PixelXDimension>99</exif:PixelXDimension><exif:PixelYDimension>100</exif:PixelYDimension>",
                  198, 200),
      "<exif:PixelXDimension>198</exif:PixelXDimension><exif:PixelYDimension>200</exif:PixelYDimension>");
}

TEST(Metadata, XmpIsLeftAloneOtherwise) {
  for (const char* xmp : {"", "<x:xmpmeta/>", "tiff:ImageWidth", "tiff:ImageWidth=\"", "<tiff:ImageWidth>x</a>",
                          "tiff:ImageWidth='wide'", "<dc:title>tiff:Orientation 6</dc:title>"}) {
    EXPECT_EQ(correct_xmp(xmp, 5, 6), xmp);
  }
}

}  // namespace
}  // namespace fsrcnn
