#include <gtest/gtest.h>

#include <string>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "picture/upscale_picture.hpp"
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

/// Of one pixel of two rows, with these bits.
std::string tiff_with_bits(uint32_t bits, uint32_t format, uint32_t channels, std::vector<unsigned char> samples,
                           std::vector<std::pair<uint16_t, uint32_t>> fields = {}) {
  const auto row_bytes = static_cast<uint32_t>(samples.size() / 2);
  samples.resize(64);
  test::TiffPageText page{1, 2, std::move(fields)};
  TiffField of_samples{test::kBits, 3, channels, {}}, formats{test::kSampleFormat, 3, channels, {}};
  for (uint32_t i = 0; i < channels; ++i) {
    put(of_samples.value, static_cast<uint16_t>(bits));
    put(formats.value, static_cast<uint16_t>(format));
  }
  page.replaced = {of_samples, formats, test::number_field(test::kStripBytes, 2 * row_bytes)};
  return test::tiff_of({page}, samples, channels);
}

template <class Number>
std::vector<unsigned char> as_samples(std::initializer_list<Number> numbers) {
  std::vector<unsigned char> bytes;
  for (const Number number : numbers) put(bytes, number);
  return bytes;
}

TEST(TiffKinds, SamplesOfUnusualSizes) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& tiff) {
    write_file(folder / "a.tif", as_bytes(tiff));
    return read_picture(folder / "a.tif");
  };
  const Picture twelve = read(tiff_with_bits(12, 1, 3, {0xFF, 0xF0, 0x01, 0x80, 0x00, 0, 0, 0, 0, 0}));
  EXPECT_EQ(twelve.header.precision(), 12);
  EXPECT_EQ(twelve.planes(0, 0, 0, 0), 1);
  EXPECT_NEAR(twelve.planes(0, 1, 0, 0), 1.0 / 4095, 1e-5);
  EXPECT_NEAR(twelve.planes(0, 2, 0, 0), 2048.0 / 4095, 1e-5);
  EXPECT_NEAR(read(tiff_with_bits(10, 1, 1, {0x80, 0x40, 0, 0})).planes(0, 0, 0, 0), 513.0 / 1023, 1e-5);

  const Picture halves = read(tiff_with_bits(16, 3, 1, as_samples<uint16_t>({0x3800, 0x3C00})));
  EXPECT_EQ(halves.header.bits, 32);
  EXPECT_EQ(halves.planes(0, 0, 0, 0), 0.5F);
  EXPECT_EQ(halves.planes(0, 0, 1, 0), 1.0F);
  EXPECT_EQ(PictureReader(folder / "a.tif").warnings(),
            std::vector<std::string>{"'" + (folder / "a.tif").string() +
                                     "' has floats of 16 bits, which become floats of 32 bits"});
  EXPECT_EQ(read(tiff_with_bits(64, 3, 1, as_samples<double>({0.25, 1}))).planes(0, 0, 0, 0), 0.25F);
  EXPECT_EQ(read(tiff_with_bits(32, 1, 1, as_samples<uint32_t>({1U << 30, 0}))).planes(0, 0, 0, 0), 0.25F);
}

TEST(TiffKinds, SamplesWithoutAWhiteAreRefused) {
  const TemporaryFolder folder;
  for (const uint32_t bits : {8, 16, 32}) {
    write_file(folder / "a.tif", as_bytes(tiff_with_bits(bits, 2, 1, std::vector<unsigned char>(bits / 4))));
    EXPECT_EQ(error_of([&] { PictureReader(folder / "a.tif"); }),
              "3: '" + (folder / "a.tif").string() + "' has signed samples of " + std::to_string(bits) +
                  " bits, of which the file does not say which are black and white; convert it to 16 bits or floats "
                  "first");
  }
}

// Two pixels of luma 80 and 90 share their chroma.
TEST(TiffKinds, CoarseChroma) {
  const TemporaryFolder folder;
  std::vector<unsigned char> samples = {80, 90, 128, 128};
  samples.resize(64);
  test::TiffPageText page{2, 1, {{test::kPhotometric, 6}}};
  TiffField subsampling{530, 3, 2, {}};
  put<uint16_t>(subsampling.value, 2);
  put<uint16_t>(subsampling.value, 1);
  page.others = {subsampling};
  page.replaced = {test::number_field(test::kStripBytes, 4)};
  write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, samples, 3)));
  const Picture picture = read_picture(folder / "a.tif");
  EXPECT_EQ(picture.planes.shape(), (Shape{1, 3, 1, 2}));
  EXPECT_NEAR(picture.planes(0, 1, 0, 0), 80.0 / 255, 0.01);
  EXPECT_NEAR(picture.planes(0, 1, 0, 1), 90.0 / 255, 0.01);
}

// libvips takes it for RGB.
TEST(TiffKinds, WholeChroma) {
  const TemporaryFolder folder;
  std::vector<unsigned char> samples = {80, 128, 128, 90, 128, 128};
  samples.resize(64);
  test::TiffPageText page{2, 1, {{test::kPhotometric, 6}}};
  TiffField subsampling{530, 3, 2, {}};
  put<uint16_t>(subsampling.value, 1);
  put<uint16_t>(subsampling.value, 1);
  page.others = {subsampling};
  page.replaced = {test::number_field(test::kStripBytes, 6)};
  write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, samples, 3)));
  const Picture picture = read_picture(folder / "a.tif");
  EXPECT_EQ(picture.planes.shape(), (Shape{1, 3, 1, 2}));
  for (const int c : {0, 1, 2}) {
    EXPECT_NEAR(picture.planes(0, c, 0, 0), 80.0 / 255, 0.01);
    EXPECT_NEAR(picture.planes(0, c, 0, 1), 90.0 / 255, 0.01);
  }
}

// All of them, as the first.
TEST(TiffKinds, PagesOfUnusualSamples) {
  const TemporaryFolder folder;
  const auto header = [&](const test::TiffPageText& page, const std::vector<unsigned char>& samples,
                          uint32_t channels) {
    write_file(folder / "a.tif", as_bytes(test::tiff_of({page, page}, samples, channels)));
    PictureReader reader(folder / "a.tif");
    EXPECT_EQ(reader.header().frames, 2);
    for (int frame = 0; frame < 2; ++frame) {
      Tensor<float> rows({1, reader.header().planes(), page.height, page.width});
      reader.read(rows);
      EXPECT_NEAR(rows(0, 0, 0, 0), 0.5, 0.01);
      EXPECT_NEAR(rows(0, 0, page.height - 1, page.width - 1), 0.5, 0.01);
    }
    return reader.header();
  };
  std::vector<unsigned char> samples = as_samples<uint16_t>({0x3800, 0x3800});
  samples.resize(64);
  test::TiffPageText halves{1, 2, {}};
  halves.replaced = {test::number_field(test::kBits, 16), test::number_field(test::kSampleFormat, 3),
                     test::number_field(test::kStripBytes, 4)};
  EXPECT_EQ(header(halves, samples, 1).bits, 32);

  test::TiffPageText ycbcr{2, 1, {{test::kPhotometric, 6}}};
  TiffField subsampling{530, 3, 2, {}};
  put<uint16_t>(subsampling.value, 1);
  put<uint16_t>(subsampling.value, 1);
  ycbcr.others = {subsampling};
  ycbcr.replaced = {test::number_field(test::kStripBytes, 6)};
  EXPECT_EQ(header(ycbcr, std::vector<unsigned char>(64, 128), 3).colour_planes, 3);
  // Turned by its orientation, as others are.
  ycbcr.fields.push_back({test::kOrientation, 6});
  write_file(folder / "a.tif",
             as_bytes(test::tiff_of({ycbcr}, std::vector<unsigned char>{80, 128, 128, 90, 128, 128}, 3)));
  const Tensor<float> planes = read_picture(folder / "a.tif").planes;
  ASSERT_EQ(planes.shape(), (Shape{1, 3, 2, 1}));
  EXPECT_NEAR(planes(0, 1, 0, 0), 80.0 / 255, 0.01);

  const test::TiffPageText other{1, 1, {{test::kPhotometric, 6}}, ycbcr.others, {}};
  ycbcr.fields.pop_back();
  write_file(folder / "a.tif", as_bytes(test::tiff_of({ycbcr, other}, test::kBlackSamples, 3)));
  EXPECT_EQ(
      error_of([&] { PictureReader(folder / "a.tif"); }),
      "3: '" + (folder / "a.tif").string() + "' has 2 pages of different sizes or types; extract the page you want");
}

// Lab (128, 30, -30) of 8 bits, whose white is D50's, as sRGB; the second time with alpha.
TEST(TiffKinds, LabIsOfIccsWhite) {
  const TemporaryFolder folder;
  for (const uint32_t channels : {3, 4}) {
    std::vector<unsigned char> samples(64);
    const std::array<unsigned char, 4> pixel = {128, 30, 226, 200};
    for (size_t i = 0; i < 4 * channels; ++i) samples[i] = pixel[i % channels];
    write_file(folder / "a.tif", as_bytes(test::tiff_of({{2, 2, {{test::kPhotometric, 8}, {test::kExtraSamples, 2}}}},
                                                        samples, channels)));
    const Picture picture = read_picture(folder / "a.tif");
    ASSERT_EQ(picture.planes.shape(), (Shape{1, channels, 2, 2}));
    const std::array expected = {150.3 / 255, 100.8 / 255, 171.4 / 255, 200 / 255.0};
    for (uint32_t k = 0; k < channels; ++k) EXPECT_NEAR(picture.planes(0, k, 1, 1), expected[k], 0.8 / 255) << k;
  }
}

TEST(TiffKinds, ManyChannelsAreRefused) {
  const TemporaryFolder folder;
  write_file(folder / "a.tif",
             as_bytes(test::tiff_of({{2, 2, {{test::kPhotometric, 1}}}}, std::vector<unsigned char>(64), 3)));
  EXPECT_NE(error_of([&] { read_picture(folder / "a.tif"); }).find("is gray with 2 channels beside"),
            std::string::npos);
  write_file(folder / "a.tif", as_bytes(test::tiff_of({{2, 2, {}}}, std::vector<unsigned char>(64), 5)));
  EXPECT_NE(error_of([&] { read_picture(folder / "a.tif"); }).find("is RGB with 2 channels beside"), std::string::npos);
  // But they can be dropped.
  Engine engine(builtin_network("fsrcnn-x2").value());
  EXPECT_TRUE(error_of([&] { upscale_picture(engine, folder / "a.tif", folder / "b.tif"); }).starts_with("3: "));
  upscale_picture(engine, folder / "a.tif", folder / "b.tif", {.alpha = {.kind = AlphaKind::dropped}});
  EXPECT_EQ(read_picture(folder / "b.tif").planes.shape(), (Shape{1, 3, 4, 4}));
}

}  // namespace
}  // namespace fsrcnn
