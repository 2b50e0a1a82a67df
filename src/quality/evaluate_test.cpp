#include "quality/evaluate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/file.hpp"
#include "model/builtin.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "quality/metrics.hpp"
#include "support/golden.hpp"
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
            "3: planes of shape (1, 1, 12, 12) and (1, 1, 12, 11) cannot be compared; two (1, 1, H, W) are expected");
  EXPECT_EQ(error_of([] {
              ssim(Tensor<float>({1, 1, 11, 10}), Tensor<float>({1, 1, 11, 10}));
            }),
            "3: SSIM needs planes of at least 11x11, but these are 10x11");
}

// Figures by other code: PIL, numpy and PyTorch, in tests/golden/make_golden.py.
TEST(Evaluate, BicubicMeetsProtocolA) {
  std::ifstream file(test::test_file("golden/protocol_a.json"));
  const nlohmann::json figures = nlohmann::json::parse(file);
  const Tensor<float> y = protocol_a_luma(read_picture(test::test_file("data/crop.png")));
  for (const int64_t scale : {2, 3, 4}) {
    const Evaluation evaluation = evaluate_picture(y, scale, nullptr);
    EXPECT_NEAR(evaluation.bicubic.psnr_db, figures[std::to_string(scale)]["psnr_db"], 0.001) << scale;
    EXPECT_NEAR(evaluation.bicubic.ssim, figures[std::to_string(scale)]["ssim"], 0.0001) << scale;
    EXPECT_FALSE(evaluation.model.has_value());
    EXPECT_EQ(evaluation.width, 95 / scale * scale);
    EXPECT_EQ(evaluation.height, 77 / scale * scale);
  }
}

TEST(Evaluate, TheShippedModelBeatsBicubic) {
  Engine engine(builtin_model("fsrcnn-x2").value());
  const auto evaluations = evaluate_folder(test::test_file("data/crop.png"), 2, &engine);
  ASSERT_EQ(evaluations.size(), 1U);
  EXPECT_GT(evaluations[0].model->psnr_db, evaluations[0].bicubic.psnr_db + 0.5);
  EXPECT_GT(evaluations[0].model->ssim, evaluations[0].bicubic.ssim);
}

TEST(Evaluate, SaysWhatCannotBeMeasured) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { evaluate_folder(folder.path(), 2, nullptr); }),
            "3: '" + folder.path().string() + "' has no pictures in it");
  Picture small;
  small.planes = Tensor<float>({1, 3, 30, 14});
  write_picture(small, folder / "small.png");
  EXPECT_EQ(error_of([&] { evaluate_folder(folder.path(), 2, nullptr); }),
            "3: " + (folder / "small.png").string() +
                ": a picture of 14x30 is too small to measure at scale 2; 15x15 is the least");
}

TEST(Evaluate, MeansOverThePictures) {
  const Evaluation a{"a", 1, 1, {30, 0.8}, Score{32, 0.9}}, b{"b", 1, 1, {34, 0.9}, Score{35, 1.0}};
  const Evaluation mean = mean_of({a, b});
  EXPECT_DOUBLE_EQ(mean.bicubic.psnr_db, 32);
  EXPECT_DOUBLE_EQ(mean.model->psnr_db, 33.5);
  EXPECT_DOUBLE_EQ(mean.model->ssim, 0.95);
}

}  // namespace
}  // namespace fsrcnn
