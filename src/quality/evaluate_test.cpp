#include "quality/evaluate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <fmt/format.h>

#include "base/file.hpp"
#include "network/builtin.hpp"
#include "network/formats/weights_file.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/resample.hpp"
#include "quality/metrics.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

TEST(Metrics, MeetTheirDefinitions) {
  Tensor<float> a({1, 1, 12, 12}), b({1, 1, 12, 12});
  EXPECT_EQ(psnr(a, b), INFINITY);
  EXPECT_EQ(ssim(a, b), 1);
  b.values()[0] = 12;  // mean square error 1
  EXPECT_DOUBLE_EQ(psnr(a, b), 20 * std::log10(255.0));
  for (float& value : a.values()) value = 100;
  for (float& value : b.values()) value = 110;
  // Flat pictures differ in luminance only: (2ab + C1) / (a^2 + b^2 + C1)
  EXPECT_NEAR(ssim(a, b), (2 * 100 * 110 + 6.5025) / (100 * 100 + 110 * 110 + 6.5025), 1e-9);
  EXPECT_EQ(error_of([&] {
              psnr(a, Tensor<float>({1, 1, 12, 11}));
            }),
            "3: cannot compare planes of shape (1, 1, 12, 12) and (1, 1, 12, 11); expected two of the same shape (1, "
            "1, H, W)");
  EXPECT_EQ(error_of([] {
              ssim(Tensor<float>({1, 1, 11, 10}), Tensor<float>({1, 1, 11, 10}));
            }),
            "3: SSIM needs planes of at least 11x11, got 10x11");
}

nlohmann::json figures_of(const std::string& name) {
  std::ifstream file(test::test_file("golden/" + name));
  return nlohmann::json::parse(file);
}

void expect_score(const Score& score, const nlohmann::json& figures) {
  EXPECT_NEAR(score.psnr_db, figures["psnr_db"], 0.001);
  EXPECT_NEAR(score.ssim, figures["ssim"], 0.0001);
}

// Figures by other code: PIL, numpy and PyTorch, in tests/golden/make_golden.py.
TEST(Evaluate, BicubicMeetsProtocolA) {
  const nlohmann::json figures = figures_of("protocol_a.json");
  const Picture picture = read_picture(test::test_file("data/crop.png"));
  for (const int64_t scale : {2, 3, 4}) {
    SCOPED_TRACE(scale);
    const Evaluation evaluation = evaluate_picture(picture, scale, Protocol::a, nullptr);
    expect_score(evaluation.bicubic, figures[std::to_string(scale)]);
    EXPECT_FALSE(evaluation.model.has_value());
    EXPECT_EQ(evaluation.width, 95 / scale * scale);
    EXPECT_EQ(evaluation.height, 77 / scale * scale);
  }
}

TEST(Evaluate, MeetsTheProtocolOfYjn870) {
  const nlohmann::json figures = figures_of("protocol_yjn870.json");
  const Picture rgb = read_picture(test::test_file("data/crop.png"));
  Picture gray{rgb.header, Tensor<float>({1, 2, 77, 95})};  // with alpha, which is left out
  gray.header.colour_planes = 1;
  gray.header.has_alpha = true;
  std::copy_n(rgb.planes.plane(0, 1), 77 * 95, gray.planes.data());
  Engine engine(load_network(test::test_file("golden/tiny.safetensors")));
  for (const auto& [kind, picture] : {std::pair{"rgb", &rgb}, {"gray", &gray}}) {
    for (const int64_t scale : {2, 3, 4}) {
      const std::string name = fmt::format("{} {}", kind, scale);
      SCOPED_TRACE(name);
      const Evaluation evaluation = evaluate_picture(*picture, scale, Protocol::yjn870, scale == 3 ? &engine : nullptr);
      expect_score(evaluation.bicubic, figures[name]["bicubic"]);
      ASSERT_EQ(evaluation.model.has_value(), scale == 3);
      if (evaluation.model) expect_score(*evaluation.model, figures[name]["model"]);
      EXPECT_EQ(evaluation.width, 95 / scale * scale);
      EXPECT_EQ(evaluation.height, 77 / scale * scale);
    }
  }
}

TEST(Evaluate, TheShippedModelBeatsBicubic) {
  Engine engine(builtin_network("fsrcnn-x2").value());
  const auto evaluations = evaluate_folder(test::test_file("data/crop.png"), 2, Protocol::a, &engine);
  ASSERT_EQ(evaluations.size(), 1U);
  EXPECT_GT(evaluations[0].model->psnr_db, evaluations[0].bicubic.psnr_db + 0.5);
  EXPECT_GT(evaluations[0].model->ssim, evaluations[0].bicubic.ssim);
}

TEST(Evaluate, RoundsAndLimitsTheOutputAsTheProtocolSays) {
  const Picture picture = read_picture(test::test_file("data/crop.png"));
  Network model = load_network(test::test_file("golden/tiny.safetensors"));
  model.layers.back().bias = {0.9F};  // far too bright
  Engine engine(model);
  for (const Protocol protocol : {Protocol::a, Protocol::yjn870}) {
    const auto output = evaluate_picture(picture, 3, protocol, &engine).crop.model->values();
    const bool whole =
        std::all_of(output.begin(), output.end(), [](float value) { return value == std::round(value); });
    EXPECT_EQ(whole, protocol == Protocol::a);
    EXPECT_EQ(*std::max_element(output.begin(), output.end()), 255);
  }
}

// A flat picture with checks in two places, which no bicubic can rebuild.
TEST(Evaluate, CropsWhereMostIsToSee) {
  Picture picture;
  picture.header.colour_planes = 1;
  picture.planes = Tensor<float>({1, 1, 200, 300});
  std::fill(picture.planes.values().begin(), picture.planes.values().end(), 0.5F);
  const auto check = [&](int64_t top, int64_t left, float contrast) {
    for (int64_t y = top; y < top + 60; ++y)
      for (int64_t x = left; x < left + 60; ++x) picture.planes(0, 0, y, x) += (x + y) % 2 == 0 ? contrast : -contrast;
  };
  check(10, 20, 0.1F);
  check(120, 230, 0.2F);
  for (const Protocol protocol : {Protocol::a, Protocol::yjn870}) {
    const Crop crop = evaluate_picture(picture, 2, protocol, nullptr).crop;
    EXPECT_EQ(crop.original.shape(), (Shape{1, 1, 96, 96}));
    EXPECT_LE(crop.left, 230);
    EXPECT_GE(crop.left + 96, 290);
    EXPECT_LE(crop.top, 120);
    EXPECT_GE(crop.top + 96, 180);
    // left and top are those of the picture, though protocol A has shaved it.
    const float bright =
        protocol == Protocol::a ? std::round(0.7F * 255) : 16 + 218.859F / 256 * std::round(0.7F * 255);
    EXPECT_NEAR(crop.original(0, 0, 120 - crop.top, 230 - crop.left), bright, 0.01);
    EXPECT_LT(crop.original(0, 0, 120 - crop.top, 229 - crop.left), bright - 20);
    EXPECT_FALSE(crop.model.has_value());
  }
  // Of a small picture all that is left; the model's output is what its score was measured on.
  Engine engine(builtin_network("fsrcnn-x2").value());
  const Evaluation small = evaluate_picture(read_picture(test::test_file("data/crop.png")), 2, Protocol::a, &engine);
  EXPECT_EQ(small.crop.original.shape(), (Shape{1, 1, 72, 90}));
  EXPECT_EQ(small.crop.left, 2);
  EXPECT_EQ(small.crop.top, 2);
  EXPECT_EQ(psnr(*small.crop.model, small.crop.original), small.model->psnr_db);
  EXPECT_EQ(psnr(small.crop.bicubic, small.crop.original), small.bicubic.psnr_db);
}

TEST(Evaluate, SaysWhatCannotBeMeasured) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { evaluate_folder(folder.path(), 2, Protocol::a, nullptr); }),
            "3: '" + folder.path().string() + "' contains no pictures");
  Picture small;
  small.planes = Tensor<float>({1, 3, 30, 14});
  write_picture(small, folder / "small.png");
  EXPECT_EQ(error_of([&] { evaluate_folder(folder.path(), 2, Protocol::a, nullptr); }),
            "3: " + (folder / "small.png").string() +
                ": a 14x30 picture is too small to measure at scale 2; the minimum is 15x15");
}

TEST(Evaluate, MeansOverThePictures) {
  const Evaluation a{"a", 1, 1, {30, 0.8}, Score{32, 0.9}}, b{"b", 1, 1, {34, 0.9}, Score{35, 1.0}};
  const Evaluation mean = mean_of({a, b});
  EXPECT_DOUBLE_EQ(mean.bicubic.psnr_db, 32);
  EXPECT_DOUBLE_EQ(mean.model->psnr_db, 33.5);
  EXPECT_DOUBLE_EQ(mean.model->ssim, 0.95);
}

// By hand: RGB is shrunk, goes through the network in 8 bits, and its Y is compared.
TEST(Evaluate, MeasuresTheLumaOfANetworkOfRgb) {
  test::NetworkBuilder b(Colours::rgb, 1);
  b.interpolate(Interpolation::nearest, 2);
  Engine engine(b.finish());
  Picture picture = read_picture(test::test_file("data/crop.png"));
  const Evaluation evaluation = evaluate_picture(picture, 2, Protocol::a, &engine);
  Tensor<float> rgb({1, 3, 76, 94}), output({1, 3, 76, 94});
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 76; ++y) std::copy_n(picture.planes.row(0, c, y), 94, rgb.row(0, c, y));
  }
  const Tensor<float> lr = resize_bicubic(rgb, 38, 47);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < 76; ++y) {
      for (int64_t x = 0; x < 94; ++x) {
        output(0, c, y, x) = std::clamp(std::floor(lr(0, c, y / 2, x / 2) * 255 + 0.5F), 0.0F, 255.0F) / 255;
      }
    }
  }
  const auto luma = [](Tensor<float> planes) {
    rgb_to_ycbcr(planes);
    Tensor<float> y({1, 1, 72, 90});
    for (int64_t row = 0; row < 72; ++row) {
      for (int64_t x = 0; x < 90; ++x) y(0, 0, row, x) = std::floor(planes(0, 0, row + 2, x + 2) * 255 + 0.5F);
    }
    return y;
  };
  ASSERT_TRUE(evaluation.model.has_value());
  EXPECT_NEAR(evaluation.model->psnr_db, psnr(luma(output), luma(rgb)), 1e-3);
  EXPECT_LT(evaluation.model->psnr_db, evaluation.bicubic.psnr_db);
  EXPECT_EQ(evaluation.bicubic.psnr_db, evaluate_picture(picture, 2, Protocol::a, nullptr).bicubic.psnr_db);
  // Gray is three equal planes, and is measured as its samples, which white and black tell from limited range.
  Picture gray{picture.header, Tensor<float>({1, 1, 77, 95})};
  gray.header.colour_planes = 1;
  std::copy_n(picture.planes.plane(0, 1), 77 * 95, gray.planes.data());
  const Evaluation of_gray = evaluate_picture(gray, 2, Protocol::a, &engine);
  EXPECT_NEAR(of_gray.model->psnr_db, evaluation.model->psnr_db, 2);
  EXPECT_TRUE(evaluate_picture(picture, 2, Protocol::yjn870, &engine).model.has_value());
}

}  // namespace
}  // namespace fsrcnn
