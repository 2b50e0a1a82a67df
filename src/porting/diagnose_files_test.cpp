// Which files of a folder of text kernels are wrong.
#include <gtest/gtest.h>

#include <algorithm>

#include "network/builtin.hpp"
#include "porting/diagnose.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/port.hpp"

namespace fsrcnn {
namespace {

using test::NewcomersPort;

/// The slides' day: mid and preds are the framework's, the kernels come from a folder.
struct Riddle {
  Network model = *builtin_network("fsrcnn-x2");  // what made preds
  Network tail;                                   // what the folder has: the last layer alone
  Tensor<float> picture, mid, preds;

  Riddle() : Riddle(52, 46) {}
  Riddle(int64_t height, int64_t width) {
    const Tensor<float> photo = read_input(test::test_file("data/crop.png"));
    picture = Tensor<float>({1, 1, height, width});
    for (int64_t y = 0; y < height; ++y)
      std::copy(photo.row(0, 0, 20 + y), photo.row(0, 0, 20 + y) + width, picture.row(0, 0, y));
    const std::vector<Tensor<float>> written = NewcomersPort{model}.run(picture);
    mid = written[written.size() - 2];
    preds = written.back();
    tail = test::last_layer_of(model);
  }
  Diagnosis diagnose() const {
    const DiagnoseRequest request{
        .network = &tail, .input = {}, .dumps = {{"mid", "mid.npy", {mid}}, {"preds", "preds.npy", {preds}}}};
    return fsrcnn::diagnose(request);
  }
};

Tensor<float> foreign_kernels(const Tensor<float>& like) {
  Tensor<float> foreign = test::random_tensor(like.shape(), 77, -0.05F, 0.05F);
  return foreign;
}

TEST(DiagnoseFiles, SolvesTheSlidesRiddle) {
  Riddle riddle;
  EXPECT_TRUE(riddle.diagnose().right);
  const Tensor<float> foreign = foreign_kernels(riddle.tail.layers[0].weight);
  for (const int64_t stale : {17, 0, 55}) {
    riddle.tail = test::last_layer_of(riddle.model);
    std::copy(foreign.plane(stale, 0), foreign.plane(stale, 0) + 81, riddle.tail.layers[0].weight.plane(stale, 0));
    const Diagnosis d = riddle.diagnose();
    EXPECT_EQ(d.files, (std::vector<std::string>{fmt::format("kernel/last/kernel{}_0.txt", stale)})) << d.verdict;
    EXPECT_NE(d.verdict.find(fmt::format("kernel/last/kernel{}_0.txt is not the one that made preds.npy; the other 55 "
                                         "kernels and the bias are right",
                                         stale)),
              std::string::npos)
        << d.verdict;
  }
  // Three of them, and the bias.
  riddle.tail = test::last_layer_of(riddle.model);
  for (const int64_t stale : {3, 30, 41}) {
    std::copy(foreign.plane(stale, 0), foreign.plane(stale, 0) + 81, riddle.tail.layers[0].weight.plane(stale, 0));
  }
  riddle.tail.layers[0].bias[0] += 0.125F;
  EXPECT_EQ(riddle.diagnose().files,
            (std::vector<std::string>{"kernel/last/kernel3_0.txt", "kernel/last/kernel30_0.txt",
                                      "kernel/last/kernel41_0.txt", "bias/last/bias0_0.txt"}));
}

TEST(DiagnoseFiles, KnowsAForeignSet) {
  Riddle riddle;
  riddle.tail.layers[0].weight = foreign_kernels(riddle.tail.layers[0].weight);
  const Diagnosis d = riddle.diagnose();
  EXPECT_FALSE(d.right);
  EXPECT_NE(
      d.verdict.find("of the 56 kernels of deconvolution are not the ones that made preds.npy, which is another set of "
                     "weights, or a step that acts like one; those are hardly like these (correlation "),
      std::string::npos)
      << d.verdict;
}

TEST(DiagnoseFiles, SaysWhenThePictureIsTooSmallToSolve) {
  Riddle riddle;
  riddle.tail.layers[0].weight = foreign_kernels(riddle.tail.layers[0].weight);
  const auto cut = [](const Tensor<float>& t, int64_t side) {
    Tensor<float> part({1, t.shape().c, side, side});
    for (int64_t c = 0; c < t.shape().c; ++c)
      for (int64_t y = 0; y < side; ++y) std::copy(t.row(0, c, y), t.row(0, c, y) + side, part.row(0, c, y));
    return part;
  };
  riddle.mid = cut(riddle.mid, 12);
  riddle.preds = cut(riddle.preds, 24);
  const Diagnosis d = riddle.diagnose();
  EXPECT_FALSE(d.right);
  EXPECT_TRUE(d.files.empty());
  ASSERT_FALSE(d.notes.empty());
  EXPECT_NE(d.notes.back().find("the picture is too small"), std::string::npos) << d.notes.back();
}

/// Kernel `to` becomes what `from` is.
void put(Riddle& riddle, int64_t to, const float* from) {
  std::copy(from, from + 81, riddle.tail.layers[0].weight.plane(to, 0));
}

TEST(DiagnoseFiles, SaysWhichFileHoldsWhatAnotherShould) {
  Riddle riddle(24, 32);
  const Tensor<float>& right = riddle.model.layers.back().weight;
  put(riddle, 3, right.plane(4, 0));
  put(riddle, 4, right.plane(3, 0));
  const Diagnosis d = riddle.diagnose();
  EXPECT_EQ(d.files, (std::vector<std::string>{"kernel/last/kernel3_0.txt", "kernel/last/kernel4_0.txt"}));
  EXPECT_EQ(d.notes,
            (std::vector<std::string>{"kernel/last/kernel4_0.txt holds what kernel/last/kernel3_0.txt should.",
                                      "kernel/last/kernel3_0.txt holds what kernel/last/kernel4_0.txt should."}));
}

TEST(DiagnoseFiles, KnowsFilesInAnotherOrder) {
  Riddle riddle(24, 32);
  const Tensor<float> right = riddle.model.layers.back().weight;
  for (const int64_t by : {1, 55}) {
    for (int64_t i = 0; i < 56; ++i) put(riddle, i, right.plane((i + by) % 56, 0));
    const Diagnosis d = riddle.diagnose();
    EXPECT_EQ(d.mistakes, std::vector<std::string>{by == 1 ? "kernels_off_by_-1" : "kernels_off_by_1"});
    // What made preds.npy is the port.
    EXPECT_NE(
        d.verdict.find(by == 1 ? "the port's kernel 1 is the model's kernel 0" : "the port's kernel 0 is the model's"),
        std::string::npos)
        << d.verdict;
  }
}

// sorted(glob("kernel*_0.txt")) gives kernel0, kernel10, ... kernel19, kernel1, kernel20, ...: '_' is after the digits.
TEST(DiagnoseFiles, KnowsTheOrderOfNames) {
  Riddle riddle(24, 32);
  Network port = riddle.model;
  std::vector<int64_t> order = {0};
  for (int64_t first = 1; first < 10; ++first) {
    for (int64_t i = 10 * first; i < 10 * first + 10 && i < 56; ++i) order.push_back(i);
    order.push_back(first);
  }
  ASSERT_EQ(order.size(), 56U);
  for (int64_t i = 0; i < 56; ++i) {
    const float* from = riddle.model.layers.back().weight.plane(order[i], 0);
    std::copy(from, from + 81, port.layers.back().weight.plane(i, 0));
  }
  riddle.preds = NewcomersPort{port}.run(riddle.picture).back();
  const Diagnosis d = riddle.diagnose();
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"files_in_order_of_names"}) << d.verdict;
}

TEST(DiagnoseFiles, FindsAStaleFileBesideAMistake) {
  Riddle riddle(24, 32);
  const Tensor<float> foreign = foreign_kernels(riddle.tail.layers[0].weight);
  for (int64_t i = 0; i < 56; ++i) {
    float* kernel = riddle.tail.layers[0].weight.plane(i, 0);
    std::reverse(kernel, kernel + 81);
  }
  put(riddle, 17, foreign.plane(17, 0));
  const Diagnosis d = riddle.diagnose();
  EXPECT_EQ(d.mistakes, (std::vector<std::string>{"kernel_not_turned", "kernels"})) << d.verdict;
  EXPECT_EQ(d.files, std::vector<std::string>{"kernel/last/kernel17_0.txt"});
}

}  // namespace
}  // namespace fsrcnn
