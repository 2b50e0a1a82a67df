#include "picture/jxl_boxes.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "base/atomic_output.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "support/exif_block.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::TemporaryFolder;

std::string jxl_box(const std::string& name, const std::string& content) {
  std::string size;
  for (int shift = 24; shift >= 0; shift -= 8) size += static_cast<char>((content.size() + 8) >> shift);
  return size + name + content;
}

/// A folder with an artist.
const std::string kExif =
    std::string("II*\0\x08\0\0\0", 8) + std::string("\x01\0\x3b\x01\x02\0\x02\0\0\0A\0\0\0", 14) + std::string(4, '\0');
const std::string kXmp = test::xmp_packet();

JxlBoxes boxes_of(const std::string& bytes) {
  std::istringstream file(bytes);
  return jxl_boxes(file);
}

TEST(JxlBoxes, TellWhatDescribesThePicture) {
  const std::string start = jxl_box("JXL ", "\r\n\x87\n") + jxl_box("ftyp", std::string("jxl \0\0\0\0jxl ", 12));
  const std::string exif = jxl_box("Exif", std::string("\0\0\0\x02", 4) + "ab" + kExif);
  const std::string last = std::string(4, '\0') + "xml " + kXmp;
  const std::string all = start + exif + jxl_box("jxlc", "samples") + last;
  EXPECT_EQ(boxes_of(all).exif, kExif);
  EXPECT_EQ(boxes_of(all).xmp, kXmp);
  EXPECT_TRUE(boxes_of(all).compressed.empty());
  const std::string large = std::string("\0\0\0\1xml \0\0\0\0\0\0", 14) + static_cast<char>((16 + kXmp.size()) >> 8) +
                            static_cast<char>(16 + kXmp.size()) + kXmp;
  EXPECT_EQ(boxes_of(start + large + exif).xmp, kXmp);
  EXPECT_EQ(boxes_of(start + large + exif).exif, kExif);
  EXPECT_EQ(boxes_of(start + jxl_box("brob", "Exif?") + jxl_box("brob", "xml ?") + jxl_box("brob", "jumb?")).compressed,
            (std::vector<std::string>{"EXIF", "XMP"}));
  EXPECT_EQ(boxes_of("\xFF\x0A" + all).xmp, "");
  for (size_t size = 0; size < all.size(); ++size) {
    const JxlBoxes cut = boxes_of(all.substr(0, size));
    EXPECT_TRUE(cut.exif.empty() || cut.exif == kExif) << size;
    EXPECT_TRUE(kXmp.starts_with(cut.xmp)) << size;
  }
}

TEST(JxlBoxes, BecomeThePicturesMetadata) {
  const TemporaryFolder folder;
  write_picture({.header = {}, .planes = test::random_tensor({1, 3, 16, 16}, 1)}, folder / "a.jxl");
  const std::vector<std::byte> bytes = read_file(folder / "a.jxl", 100000);
  const std::string jxl(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string start = jxl_box("JXL ", "\r\n\x87\n") + jxl_box("ftyp", std::string("jxl \0\0\0\0jxl ", 12));
  const std::string rest = jxl.starts_with(start) ? jxl.substr(start.size()) : jxl_box("jxlc", jxl);
  write_file(folder / "b.jxl",
             as_bytes(start + jxl_box("Exif", std::string(4, '\0') + kExif) + jxl_box("xml ", kXmp) + rest));
  PictureReader reader(folder / "b.jxl");
  std::vector<std::string> warnings = reader.warnings();
  const EmbeddedMetadata metadata = reader.metadata({16, 16, MetadataForm::boxes}, warnings);
  EXPECT_EQ(metadata.exif, kExif);
  EXPECT_EQ(metadata.xmp, kXmp);
  EXPECT_EQ(warnings, std::vector<std::string>());
  write_file(folder / "c.jxl", as_bytes(start + jxl_box("brob", "xml ?") + rest));
  EXPECT_EQ(PictureReader(folder / "c.jxl").warnings(),
            std::vector<std::string>{"'" + (folder / "c.jxl").string() +
                                     "' has compressed XMP, which is not supported and was dropped"});
}

}  // namespace
}  // namespace fsrcnn
