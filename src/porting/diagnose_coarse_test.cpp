// Numbers with few digits, in dumps and in the model's files, are nobody's mistake, unless it is they that are asked
// for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "network/builtin.hpp"
#include "porting/diagnose.hpp"
#include "porting/layer_port.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/port.hpp"

namespace fsrcnn {
namespace {

using test::NewcomersPort;

const Network& x2() {
  static const Network model = *builtin_network("fsrcnn-x2");
  return model;
}

Tensor<float> cut(int64_t h, int64_t w) {
  const Tensor<float> photo = read_input(test::test_file("data/crop.png"));
  Tensor<float> part({1, 1, h, w});
  for (int64_t y = 0; y < h; ++y) std::copy(photo.row(0, 0, 20 + y), photo.row(0, 0, 20 + y) + w, part.row(0, 0, y));
  return part;
}

DiagnoseRequest dumps_of(const std::vector<Tensor<float>>& written) {
  DiagnoseRequest request{.network = &x2(), .input = cut(21, 18), .dumps = {}};
  for (size_t i = 0; i < written.size(); ++i) {
    const bool tail = i + 1 == written.size();
    request.dumps.push_back({tail ? "preds" : x2().layers[i].name, "f.npy", {written[i]}});
  }
  return request;
}

Tensor<float> in_steps(Tensor<float> t, double step, double half) {
  for (float& v : t.values()) v = static_cast<float>(std::floor(v / step + half) * step);
  return t;
}

/// In fixed point: each layer reads what the one before it wrote.
std::vector<Tensor<float>> fixed_point(double step, double half) {
  std::vector<Tensor<float>> written;
  Tensor<float> x = cut(21, 18);
  for (size_t i = 0; i < x2().layers.size(); ++i) {
    LayerPort port = right_port(x2(), i), activation = port;
    port.activates = false;
    activation.convolves = false;
    x = in_steps(compute(activation, in_steps(compute(port, x), step, half)), step, half);
    written.push_back(x);
  }
  return written;
}

TEST(DiagnoseCoarse, DumpsInStepsOfARightPortAreRight) {
  const std::vector<Tensor<float>> exact = NewcomersPort{x2()}.run(cut(21, 18));
  for (const double step : {1e-4, std::ldexp(1, -12), std::ldexp(1, -8)}) {
    std::vector<Tensor<float>> rounded;
    for (const Tensor<float>& t : exact) rounded.push_back(in_steps(t, step, 0.5));
    const Diagnosis of_dumps = diagnose(dumps_of(rounded));
    EXPECT_TRUE(of_dumps.right) << step << of_dumps.verdict;
    const Diagnosis d = diagnose(dumps_of(fixed_point(step, 0.5)));
    EXPECT_TRUE(d.right) << step << d.verdict;
    EXPECT_NE(d.verdict.find("dumps in steps of"), std::string::npos) << d.verdict;
  }
  // Floating point of 11 bits, as float16's.
  std::vector<Tensor<float>> halves = exact;
  for (Tensor<float>& t : halves) {
    for (float& v : t.values()) {
      const int exponent = v == 0 ? 0 : std::ilogb(v) - 10;
      v = std::ldexp(std::nearbyint(std::ldexp(v, -exponent)), exponent);
    }
  }
  const Diagnosis d = diagnose(dumps_of(halves));
  EXPECT_TRUE(d.right) << d.verdict;
}

TEST(DiagnoseCoarse, TruncationIsNamedAtAnyLayer) {
  const double step = std::ldexp(1, -12);
  std::vector<Tensor<float>> written = NewcomersPort{x2()}.run(cut(21, 18));
  for (Tensor<float>& t : written) t = in_steps(t, step, 0);
  for (const auto& port : {written, fixed_point(step, 0)}) {
    const Diagnosis d = diagnose(dumps_of(port));
    EXPECT_EQ(d.mistakes, std::vector<std::string>{"output_truncated"}) << d.verdict;
    EXPECT_EQ(d.layer, "feature extraction");
  }
}

TEST(DiagnoseCoarse, StepsHideNoMistake) {
  NewcomersPort port{x2(), {{"bias_missing", 3}}};
  std::vector<Tensor<float>> written = port.run(cut(21, 18));
  for (Tensor<float>& t : written) t = in_steps(t, std::ldexp(1, -12), 0.5);
  const Diagnosis d = diagnose(dumps_of(written));
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"bias_missing"}) << d.verdict;
  EXPECT_EQ(d.layer, x2().layers[3].name);
}

/// Files with four decimals, of a network that has all.
struct RoundedFiles {
  Network tail = x2();
  Tensor<float> mid, preds;

  RoundedFiles() {
    const std::vector<Tensor<float>> written = NewcomersPort{x2()}.run(cut(24, 32));
    mid = written[written.size() - 2];
    preds = written.back();
    tail = test::last_layer_of(x2());
    tail.layers[0].weight = in_steps(tail.layers[0].weight, 1e-4, 0.5);
    for (float& b : tail.layers[0].bias) b = static_cast<float>(std::nearbyint(b * 1e4) / 1e4);
  }
  Diagnosis diagnose() const {
    return fsrcnn::diagnose(
        {.network = &tail, .input = {}, .dumps = {{"mid", "mid.npy", {mid}}, {"preds", "preds.npy", {preds}}}});
  }
};

TEST(DiagnoseCoarse, FilesWithFewDecimalsAreNotAccused) {
  RoundedFiles files;
  Diagnosis d = files.diagnose();
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_TRUE(d.files.empty());
  EXPECT_NE(d.verdict.find("the model's numbers, which have only 4 decimals, may make a difference of up to"),
            std::string::npos)
      << d.verdict;
  // A stale one among them is.
  const Tensor<float> foreign = test::random_tensor({1, 1, 9, 9}, 77, -0.05F, 0.05F);
  for (int64_t i = 0; i < 81; ++i) {
    files.tail.layers[0].weight.plane(7, 0)[i] = static_cast<float>(std::nearbyint(foreign.data()[i] * 1e4) / 1e4);
  }
  d = files.diagnose();
  EXPECT_EQ(d.files, std::vector<std::string>{"kernel/last/kernel7_0.txt"}) << d.verdict;
}

TEST(DiagnoseCoarse, AnOutputOf8BitsTellsTheLikeliestFile) {
  RoundedFiles files;
  files.tail = test::last_layer_of(x2());
  files.preds = in_steps(files.preds, 1.0 / 255, 0.5);
  EXPECT_TRUE(files.diagnose().right);
  const Tensor<float> foreign = test::random_tensor({1, 1, 9, 9}, 77, -0.05F, 0.05F);
  std::copy_n(foreign.data(), 81, files.tail.layers[0].weight.plane(7, 0));
  const Diagnosis d = files.diagnose();
  EXPECT_EQ(d.files, std::vector<std::string>{"kernel/last/kernel7_0.txt"}) << d.verdict;
  EXPECT_NE(d.verdict.find("most likely kernel/last/kernel7_0.txt is not the one"), std::string::npos) << d.verdict;
  std::copy_n(foreign.data(), 81, files.tail.layers[0].weight.plane(20, 0));
  const Diagnosis two = files.diagnose();
  EXPECT_TRUE(two.files.empty()) << two.verdict;
  EXPECT_TRUE(std::any_of(two.notes.begin(), two.notes.end(), [](const std::string& note) {
    return note.find("too coarse to solve for several kernels") != std::string::npos;
  }));
}

}  // namespace
}  // namespace fsrcnn
