#include "picture/picture_change.hpp"

#include <gtest/gtest.h>

#include "picture/exiv2_metadata.hpp"
#include "support/exif_block.hpp"

namespace fsrcnn {
namespace {

using test::NumberText;

// 30x20 pixels, of which the one at (3, 5) of the file is followed to where it is shown.
TEST(PictureChange, PlacesTurnWithThePicture) {
  using Place = std::vector<int64_t>;
  const auto place = [](int orientation, const std::vector<double>& area) {
    const bool transposed = orientation >= 5;
    PictureChange change{transposed ? 20 : 30, transposed ? 30 : 20, orientation, {}};
    change.target = {change.width, change.height, MetadataForm::jpeg};
    return changed_area(area, change);
  };
  EXPECT_EQ(place(1, {3, 5}), (Place{3, 5}));
  EXPECT_EQ(place(2, {3, 5}), (Place{26, 5}));
  EXPECT_EQ(place(3, {3, 5}), (Place{26, 14}));
  EXPECT_EQ(place(4, {3, 5}), (Place{3, 14}));
  EXPECT_EQ(place(5, {3, 5}), (Place{5, 3}));
  EXPECT_EQ(place(6, {3, 5}), (Place{14, 3}));
  EXPECT_EQ(place(7, {3, 5}), (Place{14, 26}));
  EXPECT_EQ(place(8, {3, 5, 2, 4}), (Place{5, 26, 4, 2}));
}

TEST(PictureChange, PlacesGrowWithThePicture) {
  const PictureChange change{30, 20, 1, {90, 60, MetadataForm::jpeg}};
  EXPECT_EQ(changed_area({3, 5, 2, 4}, change), (std::vector<int64_t>{10, 16, 6, 12})) << "the middle of 3 x 3 pixels";
  EXPECT_EQ(changed_area({3, 5, 7}, change), (std::vector<int64_t>{10, 16, 21}));
  EXPECT_EQ(changed_area({3}, change), std::vector<int64_t>());
  EXPECT_EQ(changed_resolution(5184000, 905, 30, 90), (std::pair<uint32_t, uint32_t>{3110400, 181}));
  const auto [over, under] = changed_resolution(4294967291, 1000003, 65521, 65537);
  EXPECT_NEAR(over / static_cast<double>(under), 4294967291 / 1000003.0 * 65537 / 65521, 1e-2);
}

TEST(PictureChange, DescriptionsHaveTheNewSizes) {
  const PictureChange change{30, 20, 1, {60, 40, MetadataForm::tiff}};
  const auto ome = [](const std::string& sizes) {
    return "<?xml version=\"1.0\"?><OME><Image ID=\"1\"><Pixels ID=\"P\" " + sizes +
           "><Channel SizeX=\"30\"/></Pixels>";
  };
  EXPECT_EQ(
      changed_description(ome("PhysicalSizeX=\"0.65\" PhysicalSizeY='1' SizeT=\"1\" SizeX=\"30\" SizeY='20'"), change),
      ome("PhysicalSizeX=\"0.325\" PhysicalSizeY='0.5' SizeT=\"1\" SizeX=\"60\" SizeY='40'"));
  const std::string other = ome("SizeX=\"31\" SizeY=\"20\" PhysicalSizeX=\"1\"");
  EXPECT_EQ(changed_description(other, change), other) << "of another picture";
  EXPECT_EQ(changed_description(R"({"shape": [3, 20, 30], "axes": "CYX"})", change),
            R"({"shape": [3, 40, 60], "axes": "CYX"})");
  EXPECT_EQ(changed_description(R"({"shape":[20,30,3]})", change), R"({"shape":[40, 60, 3]})");
  for (const char* text : {"", "a picture, 30 x 20", R"({"shape": [30, 20]})", R"({"shape": [20, 30)", "<OME><Pixels",
                           R"({"shape": []})", "<OME><Pixels SizeX=", R"(<OME><Pixels SizeX="30)"}) {
    EXPECT_EQ(changed_description(text, change), text);
  }
}

TEST(PictureChange, IsInExifAndXmp) {
  const PictureChange change{40, 64, 6, {80, 128, MetadataForm::jpeg}};
  NumberText block(true);
  constexpr uint32_t kExif = 26, kNumbers = kExif + 2 + 3 * 12 + 4;
  block.text("MM").add(42, 2).add(8, 4).add(1, 2).field(0x8769, NumberText::kLong, 1, kExif).add(0, 4);
  block.add(3, 2)
      .field(0x9214, NumberText::kShort, 4, kNumbers)
      .field(0xA20E, 5, 1, kNumbers + 8)
      .field(0xA20F, 5, 1, kNumbers + 16)
      .add(0, 4);
  for (const int number : {10, 20, 6, 8}) block.add(static_cast<uint64_t>(number), 2);
  for (const int number : {100, 1, 300, 1}) block.add(static_cast<uint64_t>(number), 4);
  NumberText changed(true);
  for (const int number : {39, 21, 16, 12}) changed.add(static_cast<uint64_t>(number), 2);
  for (const int number : {600, 1, 200, 1}) changed.add(static_cast<uint64_t>(number), 4);
  EXPECT_EQ(change_exif(block.text(), change).value().substr(kNumbers), changed.text());

  EmbeddedMetadata metadata;
  metadata.xmp = test::xmp_packet(
      "exif:FocalPlaneXResolution='100/3'><exif:SubjectArea><rdf:Seq><rdf:li>10</rdf:li><rdf:li>20</rdf:li></rdf:Seq>"
      "</exif:SubjectArea>");
  EXPECT_TRUE(change_xmp(metadata, change));
  EXPECT_NE(metadata.xmp.find("\"200/3\""), std::string::npos) << metadata.xmp;
  EXPECT_NE(metadata.xmp.find("<rdf:li>39</rdf:li>"), std::string::npos) << metadata.xmp;
}

}  // namespace
}  // namespace fsrcnn
