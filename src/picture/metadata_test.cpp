#include <gtest/gtest.h>
#include <vips/vips.h>

#include <array>
#include <sstream>

#include "base/atomic_output.hpp"
#include "network/builtin.hpp"
#include "picture/exiv2_metadata.hpp"
#include "picture/png_chunks.hpp"
#include "picture/upscale_picture.hpp"
#include "picture/write_metadata.hpp"
#include "support/exif_block.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiff.hpp"

// Metadata on its way through files of all formats.

namespace fsrcnn {
namespace {

using test::TemporaryFolder;
using Texts = std::vector<std::string>;

/// For a picture of the same size.
EmbeddedMetadata metadata_of(const std::filesystem::path& path, const char* suffix, Texts* warnings = nullptr) {
  PictureReader reader(path);
  Texts ignored;
  return reader.metadata({reader.header().width, reader.header().height, metadata_form(std::string("a") + suffix)},
                         warnings == nullptr ? ignored : *warnings);
}

PngChunks chunks_of(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, 1 << 20);
  std::istringstream file(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return png_chunks(file);
}

Picture plain_picture(int64_t frames = 1) {
  Picture picture;
  picture.planes = test::random_tensor({1, 3, 24 * frames, 16}, 1);
  picture.header.width = 16;
  picture.header.height = 24;
  picture.header.frames = frames;
  return picture;
}

void write(const Picture& picture, const std::filesystem::path& path) {
  bool done = false;
  write_picture(picture.header, path, [&] { return std::exchange(done, true) ? Tensor<float>() : picture.planes; });
}

TEST(Metadata, IsNotMadeUp) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* from : {"in.png", "in.jpg"}) {
    write(plain_picture(), folder / from);
    for (const char* name : {"a.jpg", "a.png", "a.tif", "a.webp", "a.avif", "a.heic", "a.jxl"}) {
      upscale_picture(engine, folder / from, folder / name);
      const EmbeddedMetadata metadata = metadata_of(folder / name, name);
      EXPECT_TRUE(metadata.exif.empty() && metadata.xmp.empty() && metadata.photoshop.empty()) << name;
    }
  }
}

// Where only EXIF says it.
TEST(Metadata, AResolutionIsKept) {
  const TemporaryFolder folder;
  Picture picture = plain_picture();
  picture.header.metadata.reset(vips_image_new(), [](VipsImage* image) { g_object_unref(image); });
  picture.header.metadata->Xres = 300 / 25.4;
  picture.header.metadata->Yres = 150 / 25.4;
  for (const char* name : {"a.jpg", "a.png", "a.tif", "a.webp", "a.avif", "a.heic", "a.jxl"}) {
    write(picture, folder / name);
    const PictureReader reader(folder / name);
    EXPECT_NEAR(reader.header().metadata->Xres * 25.4, 300, 0.1) << name;
    EXPECT_NEAR(reader.header().metadata->Yres * 25.4, 150, 0.1) << name;
  }
}

TEST(Metadata, OfAPngMayLieBehindItsSamples) {
  const TemporaryFolder folder;
  Picture picture = plain_picture();
  picture.header.embedded.exif = test::exif_block();
  picture.header.embedded.png_chunks = {std::string("tEXtCreation Time\0noon", 22)};
  write(picture, folder / "before.png");
  const std::vector<std::byte> bytes = read_file(folder / "before.png", 1 << 20);
  std::string png(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // From the chunk of EXIF to the samples, to before the end.
  const size_t begin = png.find("eXIf") - 4, end = png.find("IDAT") - 4;
  const std::string chunks = png.substr(begin, end - begin);
  png.erase(begin, chunks.size());
  png.insert(png.size() - 12, chunks);
  write_file(folder / "behind.png", as_bytes(png));

  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* from : {"before.png", "behind.png"}) {
    SCOPED_TRACE(from);
    const UpscaledPicture upscaled = upscale_picture(engine, folder / from, folder / "out.png");
    EXPECT_EQ(upscaled.warnings, Texts());
    EXPECT_EQ(upscaled.input.width, 24) << "turned by the orientation";
    const PngChunks out = chunks_of(folder / "out.png");
    EXPECT_EQ(orientation_of(out.exif), 1);
    EXPECT_NE(out.exif.find(test::kMakersNote), std::string::npos);
    EXPECT_EQ(out.texts, picture.header.embedded.png_chunks);
    const std::vector<std::byte> all = read_file(folder / "out.png", 1 << 20);
    const std::string text(reinterpret_cast<const char*>(all.data()), all.size());
    EXPECT_EQ(text.find("eXIf"), text.rfind("eXIf"));
  }
}

TEST(Metadata, MakersNotesLieInEveryFormatWhereTheyLay) {
  const TemporaryFolder folder;
  Picture picture = plain_picture();
  picture.header.embedded.exif = test::exif_block(std::endian::native == std::endian::big);
  write(picture, folder / "in.jpg");
  const size_t place = picture.header.embedded.exif.find(test::kMakersNote);
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const char* name : {"a.jpg", "a.png", "a.webp", "a.tif", "a.avif", "a.heic", "a.jxl"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(upscale_picture(engine, folder / "in.jpg", folder / name).warnings, Texts());
    const std::vector<std::byte> bytes = read_file(folder / name, 1 << 20);
    const std::string file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    // A TIFF is an EXIF block itself; from it the block is made anew.
    const std::string block = std::string(name) == "a.tif" ? file : metadata_of(folder / name, name).exif;
    EXPECT_EQ(block.find(test::kMakersNote), place);
    EXPECT_NE(metadata_of(folder / name, ".png").exif.find("A. Person"), std::string::npos);
  }
}

TEST(Metadata, OfATiffWithManyPagesIsTheFirsts) {
  const TemporaryFolder folder;
  Picture picture = plain_picture(6);
  picture.header.embedded.exif = test::exif_block(std::endian::native == std::endian::big);
  write(picture, folder / "a.tif");
  const PictureReader reader(folder / "a.tif");
  EXPECT_EQ(reader.header().frames, 6);
  EXPECT_NE(metadata_of(folder / "a.tif", ".tif").exif.find("A. Person"), std::string::npos);
}

TEST(Metadata, OfATiffHasIptcInTwoPlaces) {
  const TemporaryFolder folder;
  const std::string iptc(
      "\x1c\x02\x50\0\x06"
      "Author",
      11),
      other(
          "8BIM\x04\x25\0\0\0\0\0\x02"
          "ab",
          14);
  const auto field = [](uint16_t tag, const std::string& value) {
    return TiffField{tag, 7, static_cast<uint32_t>(value.size()), {value.begin(), value.end()}};
  };
  for (const std::string& resources : {std::string(), other}) {
    test::TiffPageText page;
    page.others = {field(33723, iptc)};
    if (!resources.empty()) page.others.push_back(field(34377, resources));
    write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, test::kBlackSamples)));
    const std::string kept = metadata_of(folder / "a.tif", ".jpg").photoshop;
    EXPECT_TRUE(kept.starts_with(resources));
    EXPECT_TRUE(has_iptc(kept));
    EXPECT_NE(kept.find("Author"), std::string::npos);
  }
}

TEST(Metadata, DescriptionsOfATiffHaveTheNewSizes) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  const std::string text(R"({"shape": [8, 4]})");
  test::TiffPageText page{4, 8, {}};
  page.others = {TiffField{270, 2, static_cast<uint32_t>(text.size() + 1), {text.begin(), text.end()}}};
  page.others[0].value.push_back(0);
  write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, test::kBlackSamples)));
  EXPECT_EQ(upscale_picture(engine, folder / "a.tif", folder / "b.tif").warnings, Texts());
  VipsImage* image = nullptr;
  const char* found = "";
  ASSERT_EQ(vips_tiffload((folder / "b.tif").c_str(), &image, nullptr), 0);
  EXPECT_EQ(vips_image_get_string(image, VIPS_META_IMAGEDESCRIPTION, &found), 0);
  EXPECT_STREQ(found, R"({"shape": [16, 8]})");
  g_object_unref(image);
  EXPECT_EQ(metadata_of(folder / "b.tif", ".tif").description, R"({"shape": [16, 8]})");
}

/// A field of doubles.
TiffField doubles(uint16_t tag, const std::vector<double>& values) {
  TiffField field{tag, 12, static_cast<uint32_t>(values.size()), {}};
  for (const double value : values) put(field.value, value);
  return field;
}

TEST(Metadata, OfAGeoTiffIsScaledOrTold) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  const auto has = [](const std::string& block, const std::vector<double>& values) {
    const TiffField field = doubles(0, values);
    return block.find(std::string(field.value.begin(), field.value.end())) != std::string::npos;
  };
  for (const uint16_t raster : {1, 2}) {  // places are those of pixels' corners, or of their centres
    TiffField keys{0x87AF, 3, 8, {}};
    for (const uint16_t key :
         {uint16_t{1}, uint16_t{1}, uint16_t{0}, uint16_t{1}, uint16_t{1025}, uint16_t{0}, uint16_t{1}, raster}) {
      put(keys.value, key);
    }
    test::TiffPageText page{8, 8, {}};
    page.others = {doubles(0x830E, {10, 20, 0}), doubles(0x8482, {3, 4, 0, 1000, 2000, 0}), keys};
    write_file(folder / "a.tif", as_bytes(test::tiff_of({page}, test::kBlackSamples)));
    EXPECT_EQ(upscale_picture(engine, folder / "a.tif", folder / "out.tif").warnings, Texts());
    const std::string block = metadata_of(folder / "out.tif", ".tif").exif;
    EXPECT_TRUE(has(block, {5, 10, 0}));
    const double shift = raster == 2 ? 0.5 : 0;
    EXPECT_TRUE(has(block, {6 + shift, 8 + shift, 0, 1000, 2000, 0}));
    EXPECT_EQ(upscale_picture(engine, folder / "a.tif", folder / "out.png").warnings,
              Texts{".png cannot store the picture's GeoTIFF data; .tif keeps the most"});
    EXPECT_EQ(metadata_of(folder / "out.png", ".png").exif, "");
    page.fields = {{test::kOrientation, 6}};
    write_file(folder / "turned.tif", as_bytes(test::tiff_of({page}, test::kBlackSamples)));
    EXPECT_EQ(upscale_picture(engine, folder / "turned.tif", folder / "out.tif").warnings,
              Texts{"'" + (folder / "turned.tif").string() +
                    "' is a GeoTIFF that had to be turned upright; its place is lost"});
  }
}

TEST(Metadata, OfABigTiffIsKept) {
  const TemporaryFolder folder;
  std::vector<unsigned char> bytes;
  const auto field = [&](uint16_t tag, uint16_t type, uint64_t count, uint64_t value) {
    put(bytes, tag), put(bytes, type), put(bytes, count), put(bytes, value);
  };
  put<uint16_t>(bytes, std::endian::native == std::endian::little ? 0x4949 : 0x4D4D);
  for (const uint16_t number : {43, 8, 0}) put(bytes, number);
  put<uint64_t>(bytes, 16 + 24);
  constexpr std::string_view kArtist("A. Person\0", 10);
  bytes.insert(bytes.end(), kArtist.begin(), kArtist.end());
  bytes.resize(40);
  put<uint64_t>(bytes, 11);
  const uint64_t after = 40 + 8 + 11 * 20 + 8;
  for (const uint16_t tag : {256, 257}) field(tag, 4, 1, 1);
  field(258, 3, 1, 8), field(259, 3, 1, 1), field(262, 3, 1, 1), field(273, 4, 1, 16);
  field(277, 3, 1, 1), field(278, 4, 1, 1), field(279, 4, 1, 1), field(315, 2, kArtist.size(), 16);
  field(0x8769, 18, 1, after);  // EXIF's folder
  put<uint64_t>(bytes, 0);
  put<uint64_t>(bytes, 1);
  field(0x9003, 2, kArtist.size(), 16);  // of the same text
  put<uint64_t>(bytes, 0);
  const std::string tiff(bytes.begin(), bytes.end());
  write_file(folder / "a.tif", as_bytes(tiff));
  Texts warnings;
  const std::string exif = metadata_of(folder / "a.tif", ".jpg", &warnings).exif;
  EXPECT_EQ(warnings, Texts());
  const size_t first = exif.find("A. Person");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(exif.find("A. Person", first + 1), std::string::npos) << "in EXIF's folder";
}

TEST(Metadata, CommentsOfAJpegBecomeTextsOfAPng) {
  const TemporaryFolder folder;
  Picture picture = plain_picture();
  picture.header.embedded.comments = {std::string("plain\0", 6), "M\xC3\xBCnchen", "M\xFCnchen",
                                      std::string("\0\1", 2)};
  write(picture, folder / "a.jpg");
  EXPECT_EQ(metadata_of(folder / "a.jpg", ".jpg").comments, picture.header.embedded.comments);
  const std::string keyword("Comment\0", 8);
  EXPECT_EQ(metadata_of(folder / "a.jpg", ".png").png_chunks,
            (Texts{"tEXt" + keyword + "plain", "iTXt" + keyword + std::string(4, '\0') + "M\xC3\xBCnchen",
                   "tEXt" + keyword + "M\xFCnchen"}));
}

TEST(Metadata, DamageIsTold) {
  const TemporaryFolder folder;
  Picture picture = plain_picture();
  picture.header.embedded.exif = "no TIFF";
  picture.header.embedded.xmp = "<no XMP";
  write(picture, folder / "a.jpg");
  Texts warnings;
  const EmbeddedMetadata metadata = metadata_of(folder / "a.jpg", ".jpg", &warnings);
  const std::string name = "'" + (folder / "a.jpg").string() + "' has ";
  EXPECT_EQ(warnings,
            (Texts{name + "EXIF that is damaged; it was dropped", name + "XMP that is damaged; it is kept as it is"}));
  EXPECT_EQ(metadata.exif, "");
  EXPECT_EQ(metadata.xmp, "<no XMP");
}

}  // namespace
}  // namespace fsrcnn
