#include "picture/decoder_messages.hpp"

#include <gtest/gtest.h>
#include <vips/vips.h>

#include <limits>

#include "picture/vips_support.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

PictureStart any_start() {
  start_vips();
  PictureStart start;
  start.header.width = 30;
  start.header.height = 20;
  start.header.frames = 3;
  start.header.colour_planes = 1;
  start.header.has_alpha = start.header.linear = true;
  start.header.bits = 16;
  start.header.used_bits = 10;
  start.white = 1023;
  start.warnings = {"one", "", "two"};
  start.header.metadata.reset(vips_image_new(), VipsUnref());
  VipsImage* const metadata = start.header.metadata.get();
  metadata->Xres = 11.8;
  metadata->Yres = 2;
  vips_image_set_int(metadata, "loop", -4);
  vips_image_set_double(metadata, "real", 0.1);
  vips_image_set_string(metadata, "exif-ifd0-Artist", "A. Person");
  vips_image_set_blob_copy(metadata, VIPS_META_XMP_NAME, "a\0b", 3);
  const int delays[3] = {100, 250, 70};
  vips_image_set_array_int(metadata, "delay", delays, 3);
  return start;
}

TEST(DecoderMessages, ComeBackAsTheyWere) {
  const PictureStart start = unpack_start(pack_start(any_start()), 1800);
  EXPECT_EQ(start.header.width, 30);
  EXPECT_EQ(start.header.height, 20);
  EXPECT_EQ(start.header.frames, 3);
  EXPECT_EQ(start.header.planes(), 2);
  EXPECT_TRUE(start.header.has_alpha && start.header.linear);
  EXPECT_EQ(start.header.bits, 16);
  EXPECT_EQ(start.header.used_bits, 10);
  EXPECT_EQ(start.white, 1023);
  EXPECT_EQ(start.warnings, (std::vector<std::string>{"one", "", "two"}));
  VipsImage* const metadata = start.header.metadata.get();
  EXPECT_EQ(metadata->Xres, 11.8);
  EXPECT_EQ(metadata->Yres, 2);
  int loop = 0, count = 0, *delays = nullptr;
  double real = 0;
  const char* artist = nullptr;
  const void* xmp = nullptr;
  size_t size = 0;
  ASSERT_EQ(vips_image_get_int(metadata, "loop", &loop), 0);
  EXPECT_EQ(loop, -4);
  ASSERT_EQ(vips_image_get_double(metadata, "real", &real), 0);
  EXPECT_EQ(real, 0.1);
  ASSERT_EQ(vips_image_get_string(metadata, "exif-ifd0-Artist", &artist), 0);
  EXPECT_STREQ(artist, "A. Person");
  ASSERT_EQ(vips_image_get_blob(metadata, VIPS_META_XMP_NAME, &xmp, &size), 0);
  EXPECT_EQ(std::string(static_cast<const char*>(xmp), size), std::string("a\0b", 3));
  ASSERT_EQ(vips_image_get_array_int(metadata, "delay", &delays, &count), 0);
  EXPECT_EQ(std::vector<int>(delays, delays + count), (std::vector<int>{100, 250, 70}));

  EmbeddedMetadata sent{"e", "x", "y", "g", std::string("a\0b", 3), "t", true, {"c", "d"}, {}, {"tEXt"}};
  std::vector<std::string> warnings = {"first"};
  const EmbeddedMetadata embedded = unpack_metadata(pack_metadata(sent, {"second"}), warnings);
  EXPECT_EQ(embedded.exif + embedded.xmp + embedded.xmp_extension + embedded.xmp_guid, "exyg");
  EXPECT_EQ(embedded.photoshop, sent.photoshop);
  EXPECT_EQ(embedded.description, "t");
  EXPECT_TRUE(embedded.has_place && embedded.jpeg_segments.empty());
  EXPECT_EQ(embedded.comments, sent.comments);
  EXPECT_EQ(embedded.png_chunks, sent.png_chunks);
  EXPECT_EQ(warnings, (std::vector<std::string>{"first", "second"}));

  EXPECT_EQ(error_of([] { throw_error(pack_error(6, "too large")); }), "6: too large");
  EXPECT_THROW(throw_error(pack_error(0, "")), std::bad_alloc);
}

TEST(DecoderMessages, AreNotTrusted) {
  const std::string malformed = "5: the answer of the process that decodes pictures is malformed";
  const std::string whole = pack_start(any_start());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(error_of([&] { unpack_start(whole.substr(0, size), 1800); }), malformed) << size;
  }
  EXPECT_EQ(error_of([&] { unpack_start(whole, 1799); }), malformed) << "more pixels than were allowed";
  const std::string metadata = pack_metadata({"e", "x", "", "", "", "", true, {"c"}, {}, {}}, {"warning"});
  for (size_t size = 0; size < metadata.size(); ++size) {
    std::vector<std::string> warnings;
    EXPECT_EQ(error_of([&] { unpack_metadata(metadata.substr(0, size), warnings); }), malformed) << size;
  }
  // Each of the numbers at the beginning is checked.
  for (size_t i = 0; i < 10; ++i) {
    for (const int64_t value :
         {int64_t{-1}, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
      std::string bad = whole;
      bad.replace(8 * i, 8, reinterpret_cast<const char*>(&value), 8);
      EXPECT_EQ(error_of([&] { unpack_start(bad, 1800); }), malformed) << i;
    }
  }
  // A list of numbers with nothing in it.
  std::string empty = pack_start(any_start());
  const size_t delays = empty.rfind("delay") + 5;
  empty = empty.substr(0, delays) + std::string(8 + 1, '\0');
  EXPECT_EQ(error_of([&] { unpack_start(empty, 1800); }), malformed);
  for (const int code : {-1, 1, 7, 1000}) EXPECT_EQ(error_of([&] { throw_error(pack_error(code, "x")); }), malformed);
}

}  // namespace
}  // namespace fsrcnn
