#include "picture/alpha_use.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string>

#include "network/builtin.hpp"
#include "picture/picture_reader.hpp"
#include "picture/upscale_picture.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

/// A picture of so many channels; of RGBA the upper third is invisible.
Picture picture_with(int64_t planes) {
  Picture picture;
  picture.header.colour_planes = planes <= 2 ? 1 : 3;
  picture.header.has_alpha = planes % 2 == 0;
  picture.planes = test::random_tensor({1, planes, 24, 30}, 4);
  if (picture.header.has_alpha) std::fill_n(picture.planes.plane(0, planes - 1), 8 * 30, 0.0F);
  return picture;
}

/// Its first planes.
Picture first_of(const Picture& picture, int64_t planes) {
  Picture result = picture;
  result.header.has_alpha = false;
  result.planes = Tensor<float>({1, planes, 24, 30});
  std::copy_n(picture.planes.data(), planes * 24 * 30, result.planes.data());
  return result;
}

class Alpha : public testing::Test {
 protected:
  Tensor<float> upscaled(const Picture& picture, const AlphaOptions& options, const std::string& output = "out.tif",
                         const std::string& input = "in.tif") {
    write_picture(picture, folder_ / input);
    upscale_picture(engine_, folder_ / input, folder_ / output, {.alpha = options});
    return read_picture(folder_ / output).planes;
  }
  std::string error(const Picture& picture, const AlphaOptions& options, const std::string& output) {
    return error_of([&] { upscaled(picture, options, output); });
  }

  TemporaryFolder folder_;
  Engine engine_{builtin_network("fsrcnn-x2").value()};
};

// Colours are as they would be alone, also where the channel is 0, and the channel as if it were gray's only one.
TEST_F(Alpha, DataGoesBesideTheColours) {
  for (const int64_t planes : {2, 4}) {
    Picture picture = picture_with(planes);
    const Tensor<float> alone = upscaled(first_of(picture, planes - 1), {});
    const Tensor<float> as_alpha = upscaled(picture, {});
    const Tensor<float> as_data = upscaled(picture, {.kind = AlphaKind::data});
    picture.header.alpha_is_data = true;
    EXPECT_EQ(upscaled(picture, {}), as_data) << "the file says so";
    EXPECT_TRUE(read_picture(folder_ / "out.tif").header.alpha_is_data);
    EXPECT_EQ(upscaled(picture, {.kind = AlphaKind::transparency}), as_alpha);
    EXPECT_FALSE(read_picture(folder_ / "out.tif").header.alpha_is_data);
    const int64_t pixels = 48 * 60;
    EXPECT_TRUE(std::equal(alone.data(), alone.data() + (planes - 1) * pixels, as_data.data()));
    EXPECT_FALSE(std::equal(alone.data(), alone.data() + (planes - 1) * pixels, as_alpha.data())) << "not a test";
    EXPECT_TRUE(
        std::equal(as_data.plane(0, planes - 1), as_data.plane(0, planes - 1) + pixels, as_alpha.plane(0, planes - 1)));
    EXPECT_EQ(upscaled(picture, {.kind = AlphaKind::dropped}), alone);
    EXPECT_TRUE(error(picture, {}, "out.png").starts_with("3: the picture has a channel of data"));
    EXPECT_TRUE(error(picture, {.background = {{1, 1, 1}}}, "out.png").starts_with("2: --background"));
  }
}

TEST_F(Alpha, AnOpaquePictureIsWrittenWithoutIt) {
  Picture picture = picture_with(4);
  EXPECT_TRUE(error(picture, {}, "out.jpg").starts_with("3: the picture is transparent in places"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.jpg"));
  std::fill_n(picture.planes.plane(0, 3), 24 * 30, 1.0F);
  const Tensor<float> alone = upscaled(first_of(picture, 3), {}, "out.jpg");
  EXPECT_EQ(upscaled(picture, {}, "out.jpg"), alone);
  EXPECT_EQ(upscaled(picture, {.kind = AlphaKind::dropped}, "out.jpg"), alone);
}

TEST_F(Alpha, ABackgroundShowsThrough) {
  for (const int64_t planes : {2, 4}) {
    const Picture picture = picture_with(planes);
    const std::array<float, 3> colour = {1, 0.5F, 0};
    // Gray has colours then.
    Picture flat;
    flat.header.bits = 16;
    flat.planes = Tensor<float>({1, 3, 24, 30});
    for (int64_t k = 0; k < 3; ++k) {
      const float ground = colour[static_cast<size_t>(k)];
      for (int64_t i = 0; i < 24 * 30; ++i) {
        // Of what the file keeps in 8 bits.
        const auto level = [](float value) { return std::floor(value * 255 + 0.5F) / 255; };
        const float a = level(picture.planes.plane(0, planes - 1)[i]);
        flat.planes.plane(0, k)[i] = a * level(picture.planes.plane(0, std::min(k, planes - 2))[i]) + (1 - a) * ground;
      }
    }
    const Tensor<float> on_ground = upscaled(picture, {.background = colour});
    EXPECT_EQ(on_ground.shape().c, 3);
    EXPECT_EQ(upscaled(picture, {.background = {{1, 1, 1}}}).shape().c, planes - 1) << "but on gray it stays gray";
    EXPECT_LE(test::max_difference(on_ground, upscaled(flat, {})), 0.6 / 255);
  }
}

TEST(Colour, IsWrittenAsNamesAndDigits) {
  using Colour = std::array<float, 3>;
  EXPECT_EQ(parse_colour("white"), (Colour{1, 1, 1}));
  EXPECT_EQ(parse_colour("black"), (Colour{0, 0, 0}));
  EXPECT_EQ(parse_colour("#ff0033"), (Colour{1, 0, 0.2F}));
  EXPECT_EQ(parse_colour("FF0033"), (Colour{1, 0, 0.2F}));
  for (const char* bad : {"", "#", "#fff", "red", "#ff00333", "gg0000", "#-f0000", "0xff00"}) {
    EXPECT_TRUE(error_of([&] { parse_colour(bad); }).starts_with("2: '" + std::string(bad) + "' is not a colour"))
        << bad;
  }
}

}  // namespace
}  // namespace fsrcnn
