#include "picture/output_format.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

// What has neither metadata nor options: back come the samples, rounded.
TEST(OutputFormat, SimpleOnesKeepSamples) {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& name, int planes, int bits) {
    SCOPED_TRACE(name);
    Picture picture;
    picture.header.colour_planes = planes < 3 ? 1 : 3;
    picture.header.has_alpha = planes % 2 == 0;
    picture.header.bits = bits;
    picture.planes = test::random_tensor({1, planes, 5, 7}, 3);
    write_picture(picture, folder / name);
    const Picture again = read_picture(folder / name);
    ASSERT_EQ(again.header.bits, bits);
    ASSERT_EQ(again.planes.shape().c, planes);
    const double step = bits == 32 ? 0 : 1.0 / ((1 << bits) - 1);
    for (int64_t i = 0; i < picture.planes.count(); ++i) {
      EXPECT_NEAR(again.planes.data()[i], std::clamp(picture.planes.data()[i], 0.0F, 1.0F), step / 2 + 1e-5);
    }
  };
  for (const int bits : {8, 16}) {
    check("a.ppm", 3, bits);
    check("a.pnm", 3, bits);
    check("a.pgm", 1, bits);
    check("a.pnm", 1, bits);
  }
  check("a.pam", 3, 8);
  check("a.pam", 4, 8);
  check("a.bmp", 3, 8);
  check("a.bmp", 4, 8);
  check("a.tga", 1, 8);
  check("a.tga", 3, 8);
  check("a.tga", 4, 8);
  check("a.pfm", 3, 32);
}

TEST(OutputFormat, GrayOnesRefuseColours) {
  EXPECT_EQ(error_of([] { check_writable({}, "a.pgm"); }),
            "3: the picture has colours, which 'a.pgm' cannot store; use .ppm or .png");
}

}  // namespace
}  // namespace fsrcnn
