#include "picture/upscale_picture.hpp"

#include <gtest/gtest.h>

#include "engine/reference_network.hpp"
#include "model/builtin.hpp"
#include "picture/bicubic.hpp"
#include "picture/colour.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

Tensor<float> plane_of(const Tensor<float>& planes, int64_t index) {
  const Shape shape = planes.shape();
  const float* first = planes.plane(0, index);
  return {{1, 1, shape.h, shape.w}, {first, first + shape.h * shape.w}};
}

TEST(UpscalePicture, LumaGoesThroughTheNetworkAndTheRestIsBicubic) {
  const Model model = builtin_model("fsrcnn-x2").value();
  Picture picture;
  picture.planes = test::random_tensor({1, 4, 14, 15}, 3);
  picture.has_alpha = true;
  Engine engine(model, {.cpu = "reference"});
  const Picture result = upscale_picture(engine, picture);
  ASSERT_EQ(result.planes.shape(), (Shape{1, 4, 28, 30}));
  EXPECT_TRUE(result.has_alpha);

  Tensor<float> before = picture.planes, after = result.planes;
  rgb_to_ycbcr(before);
  rgb_to_ycbcr(after);
  EXPECT_LE(test::max_difference(plane_of(after, 0), reference_network(model, plane_of(before, 0))), 1e-6);
  for (const int64_t chroma : {1, 2}) {
    EXPECT_LE(test::max_difference(plane_of(after, chroma), resize_bicubic(plane_of(before, chroma), 28, 30)), 1e-6);
  }
  EXPECT_EQ(plane_of(result.planes, 3), resize_bicubic(plane_of(picture.planes, 3), 28, 30));
}

TEST(UpscalePicture, GrayGoesThroughAsLimitedRangeLuma) {
  const Model model = builtin_model("fsrcnn-x2").value();
  Picture picture;
  picture.planes = test::random_tensor({1, 2, 9, 8}, 4);
  picture.colour_planes = 1;
  picture.has_alpha = true;
  picture.bits = 16;
  Engine engine(model, {.cpu = "reference"});
  const Picture result = upscale_picture(engine, picture);
  EXPECT_EQ(result.bits, 16);
  EXPECT_EQ(result.colour_planes, 1);
  Tensor<float> before = picture.planes, after = result.planes;
  gray_to_luma(before);
  gray_to_luma(after);
  EXPECT_LE(test::max_difference(plane_of(after, 0), reference_network(model, plane_of(before, 0))), 1e-6);
}

TEST(UpscalePicture, WeightsThatOverflowAreAnError) {
  Model model = builtin_model("fsrcnn-x2").value();
  for (Layer& layer : model.layers)
    for (float& value : layer.weight.values()) value *= 1e20F;
  Picture picture;
  picture.planes = test::random_tensor({1, 3, 6, 6}, 5);
  Engine engine(model);
  EXPECT_TRUE(
      test::error_of([&] { upscale_picture(engine, picture); }).starts_with("4: the network's output has the value"));
}

}  // namespace
}  // namespace fsrcnn
