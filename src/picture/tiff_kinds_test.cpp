#include <gtest/gtest.h>

#include <string>

#include "base/atomic_output.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiff.hpp"

// TIFFs that libvips reads otherwise than people mean them.

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

// Of 10000 and more, libvips says that there is one.
TEST(TiffKinds, ManyPagesAreCounted) {
  const TemporaryFolder folder;
  write_file(folder / "a.tif", as_bytes(test::tiff_of(std::vector<test::TiffPageText>(10000), test::kBlackSamples)));
  const std::string name = (folder / "a.tif").string();
  EXPECT_EQ(error_of([&] { PictureReader(name, 9999); }),
            "6: '" + name +
                "' has 1x1 pixels in each of 10000 frames, more than the limit of 9999; raise it with --max-pixels");
}

// Pyramids and thumbnails: a viewer shows the first page, and so do we.
TEST(TiffKinds, SmallerCopiesAreNoPages) {
  const TemporaryFolder folder;
  const auto read = [&](uint32_t second, uint32_t third) {
    write_file(folder / "a.tif",
               as_bytes(test::tiff_of(
                   {{8, 8, {}}, {4, 4, {{test::kSubfileType, second}}}, {2, 2, {{test::kSubfileType, third}}}},
                   test::kBlackSamples)));
    return PictureReader(folder / "a.tif", 64).header();
  };
  EXPECT_EQ(read(1, 1).width, 8);
  EXPECT_EQ(read(1, 1).frames, 1);
  EXPECT_TRUE(error_of([&] { read(1, 0); }).starts_with("6: ")) << "that is another page";
}

TEST(TiffKinds, PagesMustBeTurnedAlike) {
  const TemporaryFolder folder;
  write_file(folder / "a.tif",
             as_bytes(test::tiff_of({{}, {}, {1, 1, {{test::kOrientation, 3}}}}, test::kBlackSamples)));
  EXPECT_EQ(error_of([&] { PictureReader(folder / "a.tif"); }),
            "3: '" + (folder / "a.tif").string() +
                "' has 3 pages, and the orientation of page 3 differs from the first; extract the page you want");
}

TEST(TiffKinds, FloatsWithAlphaApplied) {
  const TemporaryFolder folder;
  // Gray of 0.25 and 0.5 times alpha.
  for (const uint32_t kind : {1, 2}) {
    write_file(folder / "a.tif", as_bytes(test::tiff_of({{2, 1, {{test::kExtraSamples, kind}}}},
                                                        std::vector<float>{0.25F, 0.5F, 0.125F, 0.25F}, 2)));
    const Picture picture = read_picture(folder / "a.tif");
    ASSERT_TRUE(picture.header.has_alpha);
    EXPECT_NEAR(picture.planes(0, 0, 0, 0), kind == 1 ? 0.5 : 0.25, 1e-6);
    EXPECT_NEAR(picture.planes(0, 0, 0, 1), kind == 1 ? 0.5 : 0.125, 1e-6);
    EXPECT_NEAR(picture.planes(0, 1, 0, 0), 0.5, 1e-6);
    EXPECT_NEAR(picture.planes(0, 1, 0, 1), 0.25, 1e-6);
  }
  write_file(folder / "b.tif", as_bytes(test::tiff_of({{1, 1, {{test::kExtraSamples, 1}}}},
                                                      std::vector<float>{0, 0.125F, 0.25F, 0.25F}, 4)));
  const Picture picture = read_picture(folder / "b.tif");
  EXPECT_NEAR(picture.planes(0, 1, 0, 0), srgb_from_linear(0.5F), 1e-5);
  EXPECT_NEAR(picture.planes(0, 2, 0, 0), 1, 1e-5);
  EXPECT_NEAR(picture.planes(0, 3, 0, 0), 0.25, 1e-6);
}

TEST(TiffKinds, FloatsWhoseWhiteIsZero) {
  const TemporaryFolder folder;
  for (const uint32_t channels : {1, 2}) {
    const test::TiffPageText page{1, 1, {{test::kPhotometric, 0}, {test::kExtraSamples, 2}}};
    const std::vector<float> samples = {0.25F, 0.375F};
    write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, samples, channels)));
    const Picture picture = read_picture(folder / "a.tif");
    EXPECT_EQ(picture.planes(0, 0, 0, 0), 0.75F);
    if (channels == 2) {
      EXPECT_EQ(picture.planes(0, 1, 0, 0), 0.375F);
    }
  }
}

}  // namespace
}  // namespace fsrcnn
