#include "picture/upscale_picture.hpp"

#include <array>

#include <gtest/gtest.h>

#include "network/builtin.hpp"
#include "picture/colour.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::TemporaryFolder;

Tensor<float> plane_of_picture(const Tensor<float>& planes, int64_t index) {
  const Shape shape = planes.shape();
  const float* first = planes.plane(0, index);
  return {{1, 1, shape.h, shape.w}, {first, first + shape.h * shape.w}};
}

/// All rows that the stream makes of a file, as one tensor.
Tensor<float> upscaled(Engine& engine, const std::filesystem::path& path, const TargetSize& target = {},
                       ChromaMethod chroma = ChromaMethod::guided) {
  PictureReader reader(path);
  const PictureHeader& header = reader.header();
  const ScalePlan plan = plan_scale(header.width, header.height, engine.scale(), target);
  UpscaledRows rows(engine, reader, plan, chroma);
  Tensor<float> all({1, header.planes(), plan.height * header.frames, plan.width});
  int64_t y = 0;
  for (Tensor<float> next = rows.next(); next.count() > 0; next = rows.next()) {
    for (int64_t k = 0; k < header.planes(); ++k) {
      std::copy_n(next.plane(0, k), next.shape().h * plan.width, all.row(0, k, y));
    }
    y += next.shape().h;
  }
  EXPECT_EQ(y, plan.height * header.frames);
  return all;
}

std::filesystem::path write_random(const TemporaryFolder& folder, int64_t planes, int64_t height, int64_t width,
                                   int bits, uint32_t seed) {
  Picture picture;
  picture.planes = test::random_tensor({1, planes, height, width}, seed);
  picture.header.colour_planes = planes >= 3 ? 3 : 1;
  picture.header.has_alpha = planes % 2 == 0;
  picture.header.bits = bits;
  // No pixel is fully transparent, so no colour bleeds.
  for (int64_t i = 0; picture.header.has_alpha && i < height * width; ++i) {
    float& alpha = picture.planes.plane(0, planes - 1)[i];
    alpha = 0.01F + 0.99F * alpha;
  }
  const std::filesystem::path path = folder / ("in" + std::to_string(planes) + ".png");
  write_picture(picture, path);
  return path;
}

/// Residual, with a network of three channels; and the same picture by the engine on whole planes.
TEST(UpscalePicture, GivesAllColoursToNetworksOfThreeChannels) {
  const TemporaryFolder folder;
  test::NetworkBuilder builder(Colours::rgb, 5);
  builder.convolution(6, 3), builder.with(Layer::Activation::prelu);
  builder.convolution(12, 3);
  const int large_colours = builder.depth_to_space(2);
  builder.add(large_colours, builder.interpolate(Interpolation::nearest, 2, kNetworkInput));
  Engine engine(builder.finish());
  for (const int64_t planes : {1, 2, 3, 4}) {
    for (const int64_t height : {7, 90}) {
      SCOPED_TRACE(fmt::format("{} planes, {} rows", planes, height));
      const auto path = write_random(folder, planes, height, 41, planes == 2 ? 16 : 8, 4);
      const Tensor<float> lr = read_picture(path).planes;
      Tensor<float> colours({1, 3, height, 41});
      for (int64_t k = 0; k < 3; ++k) std::copy_n(lr.plane(0, planes < 3 ? 0 : k), height * 41, colours.plane(0, k));
      const Tensor<float> large = engine.upscale(colours);
      const Tensor<float> actual = upscaled(engine, path);
      for (int64_t i = 0; i < 2 * height * 82; ++i) {
        if (planes < 3) {
          const float gray =
              0.299F * large.plane(0, 0)[i] + 0.587F * large.plane(0, 1)[i] + 0.114F * large.plane(0, 2)[i];
          ASSERT_EQ(actual.plane(0, 0)[i], gray) << i;
        }
        for (int64_t k = 0; planes >= 3 && k < 3; ++k) ASSERT_EQ(actual.plane(0, k)[i], large.plane(0, k)[i]) << i;
      }
      if (planes % 2 == 1) continue;
      const Tensor<float> alpha = resize_bicubic(plane_of_picture(lr, planes - 1), 2 * height, 82);
      EXPECT_LE(test::max_difference(plane_of_picture(actual, planes - 1), alpha), 1e-6);
    }
  }
}

/// The second and third of three planes, guided by the first enlarged.
void guide_chroma(const Tensor<float>& lr, Tensor<float>& large, std::string_view cpu) {
  GuidedChroma chroma(lr.shape().w, lr.shape().h, large.shape().w, large.shape().h, cpu);
  chroma.push(plane_of(lr, 0), plane_of(lr, 1), plane_of(lr, 2));
  for (int64_t y = 0; y < large.shape().h; ++y)
    chroma.compute_row(y, large.row(0, 0, y), large.row(0, 1, y), large.row(0, 2, y));
}

// Row by row is the same, to the bit, as the whole picture at once: luma by the network, chroma guided by it or
// bicubic, alpha bicubic.
TEST(UpscalePicture, StreamsWhatTheWholeWouldBe) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const auto chroma : {ChromaMethod::guided, ChromaMethod::bicubic}) {
    for (const int64_t planes : {1, 2, 3, 4}) {
      for (const int64_t height : {1, 7, 33, 150}) {
        SCOPED_TRACE(fmt::format("{} planes, {} rows, method {}", planes, height, static_cast<int>(chroma)));
        const auto path = write_random(folder, planes, height, 41, planes == 2 ? 16 : 8, 3);
        Tensor<float> lr = read_picture(path).planes;
        planes <= 2 ? gray_to_luma(lr) : rgb_to_ycbcr(lr);
        Tensor<float> expected({1, planes, 2 * height, 82});
        for (int64_t k = 0; k < planes; ++k) {
          const Tensor<float> plane = plane_of_picture(lr, k);
          const Tensor<float> large = k == 0 ? engine.upscale(plane) : resize_bicubic(plane, 2 * height, 82);
          std::copy(large.values().begin(), large.values().end(), expected.plane(0, k));
        }
        if (planes >= 3 && chroma == ChromaMethod::guided) guide_chroma(lr, expected, engine.cpu());
        planes <= 2 ? luma_to_gray(expected) : ycbcr_to_rgb(expected);
        EXPECT_EQ(upscaled(engine, path, {}, chroma), expected);
      }
    }
  }
}

/// Strokes of a colour, as thick, on a ground, in half of their size.
Picture strokes(const std::array<float, 3>& colour, float ground, int64_t thickness) {
  Tensor<float> original({1, 3, 96, 96});
  for (int64_t k = 0; k < 3; ++k) {
    for (int64_t y = 0; y < 96; ++y) {
      for (int64_t x = 0; x < 96; ++x) {
        const int64_t across = x < 48 ? y : x + y / 2;
        original(0, k, y, x) = across % 16 < thickness ? colour[static_cast<size_t>(k)] : ground;
      }
    }
  }
  Picture picture;
  picture.planes = resize_bicubic(original, 48, 48);
  for (float& sample : picture.planes.values()) sample = std::clamp(sample, 0.0F, 1.0F);
  return picture;
}

// Whatever the factor: along a stroke is its colour, and none is left beside it.
TEST(UpscalePicture, ThinStrokesKeepTheirColour) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  constexpr std::array<float, 3> kRed = {1, 6.0F / 255, 6.0F / 255};
  write_picture(strokes(kRed, 1, 3), folder / "red.png");
  // The least that a stroke across the left half has of green, and the red that is there.
  const auto reddest = [&](double scale, ChromaMethod chroma) {
    const Tensor<float> large = upscaled(engine, folder / "red.png", {.scale = scale}, chroma);
    const int64_t x = large.shape().w / 4, middle = large.shape().h / 2, reach = large.shape().h / 6;
    std::array<float, 2> colour = {0, 1};
    for (int64_t y = middle - reach; y < middle + reach; ++y)
      if (large(0, 1, y, x) < colour[1]) colour = {large(0, 0, y, x), large(0, 1, y, x)};
    return colour;
  };
  for (const double scale : {2.0, 2.5, 4.0}) {
    SCOPED_TRACE(scale);
    const auto [red, green] = reddest(scale, ChromaMethod::guided);
    const auto [plain_red, plain_green] = reddest(scale, ChromaMethod::bicubic);
    EXPECT_GE(red, 0.97F);
    EXPECT_LE(green, 0.04F);
    EXPECT_LE(plain_red, 0.94F) << "the test must be one that bicubic fails";
  }
}

TEST(UpscalePicture, GrayInThreePlanesStaysGray) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  Picture picture;
  const Tensor<float> gray = test::random_tensor({1, 1, 40, 40}, 9);
  picture.planes = Tensor<float>({1, 3, 40, 40});
  for (int64_t k = 0; k < 3; ++k) std::copy_n(gray.plane(0, 0), 40 * 40, picture.planes.plane(0, k));
  write_picture(picture, folder / "gray.png");
  const Tensor<float> large = upscaled(engine, folder / "gray.png");
  for (int64_t k = 1; k < 3; ++k)
    EXPECT_LE(test::max_difference(plane_of_picture(large, 0), plane_of_picture(large, k)), 1e-6);
}

// The part of floats beyond the network's range is added to luma after it has guided chroma.
TEST(UpscalePicture, LightsBeyondWhiteAreAdded) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  Picture picture;
  picture.header.bits = 32;
  picture.planes = test::random_tensor({1, 3, 30, 30}, 10);
  for (int64_t k = 0; k < 3; ++k) picture.planes(0, k, 15, 15) = 8;
  write_picture(picture, folder / "in.tif");
  Tensor<float> lr = read_picture(folder / "in.tif").planes;
  rgb_to_ycbcr(lr);
  Tensor<float> limited = lr;
  for (int64_t i = 0; i < 30 * 30; ++i) limited.plane(0, 0)[i] = std::clamp(lr.plane(0, 0)[i], 0.0F, 1.0F);
  Tensor<float> expected({1, 3, 60, 60}), excess({1, 1, 30, 30});
  const Tensor<float> large = engine.upscale(plane_of_picture(limited, 0));
  std::copy(large.values().begin(), large.values().end(), expected.plane(0, 0));
  guide_chroma(limited, expected, engine.cpu());
  for (int64_t i = 0; i < 30 * 30; ++i) excess.data()[i] = lr.plane(0, 0)[i] - limited.plane(0, 0)[i];
  const Tensor<float> added = resize_bicubic(excess, 60, 60);
  for (int64_t i = 0; i < 60 * 60; ++i) expected.plane(0, 0)[i] += added.data()[i];
  ycbcr_to_rgb(expected);
  EXPECT_LE(test::max_difference(upscaled(engine, folder / "in.tif"), expected), 1e-6);
}

TEST(UpscalePicture, RepeatsTheNetworkAndResamples) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  const auto path = write_random(folder, 1, 45, 37, 8, 4);
  Tensor<float> lr = read_picture(path).planes;
  gray_to_luma(lr);
  Tensor<float> twice = engine.upscale(engine.upscale(lr));
  luma_to_gray(twice);
  EXPECT_EQ(upscaled(engine, path, {.scale = 4}), twice);
  // A picture that is smooth stays what it is at any size: neither shifted nor brightened.
  Picture ramp;
  ramp.header.colour_planes = 1;
  ramp.header.bits = 16;
  ramp.planes = Tensor<float>({1, 1, 40, 40});
  for (int64_t y = 0; y < 40; ++y)
    for (int64_t x = 0; x < 40; ++x) ramp.planes(0, 0, y, x) = 0.2F + 0.01F * static_cast<float>(x);
  write_picture(ramp, folder / "ramp.png");
  for (const auto& size : {std::pair<int64_t, int64_t>{120, 120}, {50, 77}, {33, 40}, {9, 13}}) {
    SCOPED_TRACE(fmt::format("{}x{}", size.first, size.second));
    const Tensor<float> large = upscaled(engine, folder / "ramp.png", {.width = size.first, .height = size.second});
    ASSERT_EQ(large.shape(), (Shape{1, 1, size.second, size.first}));
    const double factor = static_cast<double>(size.first) / 40;
    for (int64_t x = size.first / 4; x < size.first * 3 / 4; ++x) {
      const double at = (static_cast<double>(x) + 0.5) / factor - 0.5;
      EXPECT_NEAR(large(0, 0, size.second / 2, x), 0.2 + 0.01 * at, 0.003) << x;
    }
  }
}

TEST(UpscalePicture, PlansTheNearestScale) {
  const auto passes = [](double scale) { return plan_scale(100, 50, 2, {.scale = scale}).passes; };
  EXPECT_EQ(passes(1), 0);
  EXPECT_EQ(passes(1.1), 1);
  EXPECT_EQ(passes(2), 1);
  EXPECT_EQ(passes(2.8), 1);
  EXPECT_EQ(passes(2.9), 2);
  EXPECT_EQ(passes(4), 2);
  EXPECT_EQ(passes(8), 3);
  const ScalePlan plan = plan_scale(100, 50, 2, {.width = 300, .height = 50});
  EXPECT_EQ(plan.passes, 2);
  EXPECT_EQ(describe(plan, "net"), "net twice to 400x200, then Lanczos");
  EXPECT_EQ(describe(plan_scale(100, 50, 2, {}), "net"), "net");
  EXPECT_EQ(describe(plan_scale(100, 50, 2, {.scale = 8}), "net"), "net 3 times");
  EXPECT_EQ(describe(plan_scale(100, 50, 2, {.width = 30, .height = 50}), "net"), "Lanczos only, not enlarged");
}

TEST(UpscalePicture, TakesTheModelOfTheNearestScale) {
  const auto nearest = [](double factor) { return nearest_scale(factor, {2, 3, 4}); };
  EXPECT_EQ(nearest(0.5), 2);
  EXPECT_EQ(nearest(1.5), 2);
  EXPECT_EQ(nearest(2.4), 2);
  EXPECT_EQ(nearest(2.5), 3);
  EXPECT_EQ(nearest(3.4), 3);
  EXPECT_EQ(nearest(4), 4) << "once, rather than twice by 2";
  EXPECT_EQ(nearest(5), 4);
  EXPECT_EQ(nearest(8), 2) << "three times";
  EXPECT_EQ(nearest_scale(4, {2, 3}), 2);
  EXPECT_EQ(TargetSize({.width = 300, .height = 50}).factor(100, 50), 3);
  EXPECT_EQ(TargetSize({.scale = 2.5}).factor(100, 50), 2.5);
  EXPECT_FALSE(TargetSize().factor(100, 50).has_value());
}

TEST(ScalePlan, SizesOfAnotherShape) {
  const auto plan = [](const TargetSize& target) {
    const ScalePlan p = plan_scale(100, 50, 2, target);
    return fmt::format("{}x{} {}x{}", p.width, p.height, p.cut_width, p.cut_height);
  };
  EXPECT_EQ(plan({.width = 300, .height = 300}), "300x300 300x300");
  EXPECT_EQ(plan({.width = 300, .height = 300, .fit = Fit::inside}), "300x150 300x150");
  EXPECT_EQ(plan({.width = 300, .height = 301, .fit = Fit::cover}), "602x301 300x301");
  EXPECT_EQ(plan({.width = 301}), "301x151 301x151");
  EXPECT_EQ(plan({.height = 75}), "150x75 150x75");
  EXPECT_EQ(plan({.longer_side = 250}), "250x125 250x125");
  EXPECT_EQ(plan({.width = 1, .fit = Fit::cover}), "1x1 1x1");
  EXPECT_EQ(TargetSize({.width = 300, .height = 151}).stretches(100, 50), "") << "rounded";
  EXPECT_EQ(TargetSize({.width = 300, .height = 152}).stretches(100, 50),
            "the picture is stretched: 300x152 has another shape than 100x50; --fit inside keeps the shape and gives "
            "300x150, --fit cover cuts off what stands out");
  EXPECT_EQ(TargetSize({.width = 300, .height = 300, .fit = Fit::inside}).stretches(100, 50), "");
}

TEST(UpscalePicture, CutsOutTheMiddle) {
  const TemporaryFolder folder;
  Engine engine(builtin_network("fsrcnn-x2").value());
  // Several blocks of rows, of which the first and the last are dropped whole.
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{40, 700}, {900, 30}}) {
    const auto path = write_random(folder, 3, height, width, 8, 5);
    const int64_t side = 2 * std::min(height, width) - 6;
    const TargetSize whole{.width = width > height ? 0 : side, .height = width > height ? side : 0};
    const auto written = [&](const TargetSize& target) {
      upscale_picture(engine, path, folder / "out.png", {.target = target});
      return read_picture(folder / "out.png").planes;
    };
    const Tensor<float> uncut = written(whole), cut = written({.width = side, .height = side, .fit = Fit::cover});
    ASSERT_EQ(cut.shape(), (Shape{1, 3, side, side}));
    const int64_t top = (uncut.shape().h - side) / 2, left = (uncut.shape().w - side) / 2;
    for (int64_t k = 0; k < 3; ++k) {
      for (int64_t y = 0; y < side; ++y) {
        ASSERT_TRUE(std::equal(cut.row(0, k, y), cut.row(0, k, y) + side, uncut.row(0, k, top + y) + left)) << y;
      }
    }
  }
}

/// Rows and columns from (top, left) on, going round.
Tensor<float> turned_round(const Tensor<float>& picture, int64_t top, int64_t left) {
  const auto [n, c, h, w] = picture.shape();
  Tensor<float> result(picture.shape());
  for (int64_t k = 0; k < c; ++k) {
    for (int64_t y = 0; y < h; ++y) {
      for (int64_t x = 0; x < w; ++x) result(0, k, y, x) = picture(0, k, (y + top) % h, (x + left) % w);
    }
  }
  return result;
}

// Wherever a tile begins, the same floor comes of it.
TEST(UpscalePicture, TilesHaveNoSeams) {
  const TemporaryFolder folder;
  for (const char* model : {"fsrcnn-x2", "fsrcnn-x3"}) {
    Engine engine(builtin_network(model).value(), {.extend_edges = true, .guard = 1});
    for (const int64_t planes : {1, 3, 4}) {
      Picture picture;
      picture.header.bits = 16;
      picture.header.colour_planes = planes == 1 ? 1 : 3;
      picture.header.has_alpha = planes == 4;
      picture.planes = test::random_tensor({1, planes, 30, 20}, 7);
      if (planes == 4) std::fill_n(picture.planes.plane(0, 3), 150, 0.0F);  // invisible, with colours from beside it
      const auto tile = [&](const Tensor<float>& input, const TargetSize& target) {
        Picture of = picture;
        of.planes = input;
        write_picture(of, folder / "in.png");
        upscale_picture(engine, folder / "in.png", folder / "out.png", {.target = target, .tile = true});
        return read_picture(folder / "out.png").planes;
      };
      // By the model's scale, twice, not by a whole number, and smaller; 10 pixels are a whole number of output pixels.
      for (const double scale : {1.0 * static_cast<double>(engine.scale()), 4.0, 1.3, 0.7}) {
        SCOPED_TRACE(fmt::format("{}, {} planes, x{}", model, planes, scale));
        const Tensor<float> whole = tile(picture.planes, {.scale = scale});
        const auto shift = static_cast<int64_t>(std::llround(10 * scale));
        EXPECT_EQ(whole.shape().w, 2 * shift);
        EXPECT_LE(test::max_difference(tile(turned_round(picture.planes, 10, 10), {.scale = scale}),
                                       turned_round(whole, shift, shift)),
                  3e-5);
      }
    }
  }
}

/// A white disc over transparent black, of straight alpha, as people cut pictures out.
Picture cut_out(int64_t side) {
  Picture picture;
  picture.header.has_alpha = true;
  picture.planes = Tensor<float>({1, 4, side, side});
  const double centre = (static_cast<double>(side) - 1) / 2, radius = static_cast<double>(side) / 3;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      const double distance = std::hypot(static_cast<double>(y) - centre, static_cast<double>(x) - centre);
      const auto alpha = static_cast<float>(std::clamp(radius + 0.5 - distance, 0.0, 1.0));
      picture.planes(0, 3, y, x) = alpha;
      for (int64_t k = 0; k < 3; ++k) picture.planes(0, k, y, x) = alpha > 0 ? 1.0F : 0.0F;
    }
  }
  return picture;
}

/// Rows `first` to `end` - 1 are white, and what is above and below is transparent black.
Picture band(int64_t first, int64_t end) {
  Picture picture;
  picture.header.has_alpha = true;
  picture.planes = Tensor<float>({1, 4, 120, 30});
  for (int64_t k = 0; k < 4; ++k) std::fill(picture.planes.row(0, k, first), picture.planes.row(0, k, end), 1.0F);
  return picture;
}

/// The darkest that an upscaled picture is on white.
double darkest_on_white(const Tensor<float>& large) {
  double darkest = 1;
  for (int64_t y = 0; y < large.shape().h; ++y) {
    for (int64_t x = 0; x < large.shape().w; ++x) {
      const float alpha = std::clamp(large(0, 3, y, x), 0.0F, 1.0F);
      for (int64_t k = 0; k < 3; ++k) {
        const float colour = std::clamp(large(0, k, y, x), 0.0F, 1.0F);
        darkest = std::min<double>(darkest, alpha * colour + (1 - alpha));
      }
    }
  }
  return darkest;
}

/// Put on white, a white cut-out is as white everywhere as a picture that is white all over: no dark fringe.
void expect_no_fringe(const Picture& picture, const std::vector<TargetSize>& targets) {
  const TemporaryFolder folder;
  write_picture(picture, folder / "in.png");
  Picture white = picture;
  std::fill(white.planes.values().begin(), white.planes.values().end(), 1.0F);
  write_picture(white, folder / "white.png");
  Engine engine(builtin_network("fsrcnn-x2").value());
  for (const TargetSize& target : targets) {
    SCOPED_TRACE(target.scale ? fmt::format("{}", *target.scale) : fmt::format("{}", target.width));
    EXPECT_GE(darkest_on_white(upscaled(engine, folder / "in.png", target)),
              darkest_on_white(upscaled(engine, folder / "white.png", target)) - 0.5 / 255);
  }
}

TEST(UpscalePicture, CutOutPicturesHaveNoFringes) {
  const auto times = [](double scale) { return TargetSize{.scale = scale}; };
  const auto size = [](int64_t width, int64_t height) { return TargetSize{.width = width, .height = height}; };
  expect_no_fringe(cut_out(120), {times(2), times(4), times(3)});
  // Rows come in blocks of 32: edges at a block's end, too.
  for (const int64_t first : {30, 32, 33, 64}) {
    expect_no_fringe(band(first, first + 31), {times(2), times(4), times(3)});
  }
  // The kernels of what shrinks are wider, along one axis or both.
  expect_no_fringe(cut_out(600), {size(60, 60), size(12, 12), size(300, 9)});
  expect_no_fringe(band(30, 50), {size(60, 5), size(9, 11)});
}

TEST(UpscalePicture, WeightsThatOverflowAreAnError) {
  const TemporaryFolder folder;
  Network network = builtin_network("fsrcnn-x2").value();
  for (Layer& layer : network.layers)
    for (float& value : layer.weight.values()) value *= 1e20F;
  Engine engine(network);
  const auto path = write_random(folder, 3, 6, 6, 8, 5);
  EXPECT_TRUE(test::error_of([&] {
                upscale_picture(engine, path, folder / "out.png");
              }).starts_with("4: the network's output is not finite"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.png"));
}

}  // namespace
}  // namespace fsrcnn
