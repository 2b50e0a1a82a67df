#include "picture/jxl_info.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "base/atomic_output.hpp"
#include "picture/picture_reader.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using namespace std::string_literals;

// Animations of 8x8 gray pixels, of two frames and of one, by libjxl.
const std::string kTwoFrames =
    "\xff\x0a\x41\x04\x4d\x00\x20\x28\x6e\x09\x08\x02\x01\x00\x44\x00\x4b\x18\x8b\x15\x42\xb9\xf0\x09"
    "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x08\x02\x05\x00\x44\x00\x4b\x18\x8b\x15\xc2\x49\x41\x4e\x0c"
    "\x00\x00\x00\x00\x00\x00\x00\x00"s;
const std::string kOneFrame =
    "\xff\x0a\x41\x04\x4d\x00\x20\x28\x6e\x09\x08\x02\x05\x00\x44\x00\x4b\x18\x8b\x15\x42\xb9\xf0\x09"
    "\x01\x00\x00\x00\x00\x00\x00\x00\x00"s;

TEST(JxlInfo, TellsAnimations) {
  EXPECT_TRUE(jxl_info(as_bytes(kTwoFrames)).animated);
  EXPECT_FALSE(jxl_info(as_bytes(kOneFrame)).animated);
  for (size_t size = 0; size < kTwoFrames.size(); ++size) jxl_info(as_bytes(kTwoFrames.substr(0, size)));
}

// libvips would make one broken picture of it.
TEST(JxlInfo, AnimationsAreRefusedByName) {
  const test::TemporaryFolder folder;
  write_file(folder / "a.jxl", as_bytes(kTwoFrames));
  const std::string error = test::error_of([&] { PictureReader(folder / "a.jxl"); });
  EXPECT_TRUE(error.starts_with("3: '" + (folder / "a.jxl").string() + "' is an animated JPEG XL, ")) << error;
  write_file(folder / "b.jxl", as_bytes(kOneFrame));
  EXPECT_NEAR(read_picture(folder / "b.jxl").planes.plane(0, 0)[0], 40 / 255.0, 1e-3);
}

}  // namespace
}  // namespace fsrcnn
