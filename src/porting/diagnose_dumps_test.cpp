// Dumps as strangers give them: under another's name, of another shape, in steps of their own; and sums and
// interpolations that are made otherwise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/atomic_output.hpp"
#include "base/error.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "network/formats/npy.hpp"
#include "porting/diagnose.hpp"
#include "porting/dump_folder.hpp"
#include "porting/right_values.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

/// The right port's dumps of a network at all its places, which a test may spoil.
class DiagnoseDumps : public testing::Test {
 protected:
  void use(const Network& network, const Shape& input) {
    network_ = network;
    picture_ = test::random_tensor(input, 21);
    dumps_.clear();
    const RightValues right(network_, picture_);
    for (size_t i = 0; i < network_.layers.size(); ++i) {
      for (const bool activated : {false, true}) {
        const NetworkPlace place{static_cast<int64_t>(i), activated};
        const std::string name = name_of(network_, place);
        if (right.at(place) != nullptr && parse_place(network_, name) == place)
          dumps_.push_back({name, name + ".npy", {*right.at(place)}});
      }
    }
  }
  void use_fsrcnn() { use(test::random_network(8, 4, 3, 2, 9), {1, 1, 24, 28}); }
  void use_residual() { use(test::residual_network(Colours::rgb, 8, 2, 2, 5), {1, 3, 17, 20}); }

  Dump& dump(const std::string& name) {
    return *std::find_if(dumps_.begin(), dumps_.end(), [&](const Dump& d) { return d.name == name; });
  }
  void change(const std::string& name, const std::function<Tensor<float>(const Tensor<float>&)>& f) {
    dump(name).tensor = {f(dump(name).tensor.to_float())};
  }
  Diagnosis diagnose() const { return fsrcnn::diagnose({.network = &network_, .input = picture_, .dumps = dumps_}); }

  Network network_;
  std::optional<Tensor<float>> picture_;
  std::vector<Dump> dumps_;
};

#define EXPECT_SAYS(verdict, words) EXPECT_NE((verdict).find(words), std::string::npos) << (verdict)

TEST_F(DiagnoseDumps, NamesExchangedFiles) {
  use_fsrcnn();
  std::swap(dump("mapping_1").tensor, dump("mapping_2").tensor);
  Diagnosis d = diagnose();
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"dumps_exchanged"}) << d.verdict;
  EXPECT_SAYS(d.verdict, "mapping_2.npy holds the output of mapping 1 (PReLU), not of mapping 2 (PReLU)");
  EXPECT_SAYS(d.verdict, "mapping_1.npy holds the output of mapping 2 (PReLU), not of mapping 1 (PReLU)");
  EXPECT_SAYS(d.verdict, "the two files are exchanged");
  // Beside a mistake that is named as without it.
  change("mapping_3", [](Tensor<float> t) {
    for (float& v : t.values()) v = std::max(v, 0.0F);
    return t;
  });
  d = diagnose();
  EXPECT_SAYS(d.verdict, "In mapping 3, the output is clipped below at 0");
  EXPECT_SAYS(d.verdict, "Beside that: mapping_2.npy holds the output of mapping 1");
}

TEST_F(DiagnoseDumps, TellsWhatOfAShapeIsWrong) {
  use_fsrcnn();
  const auto verdict = [&](const std::string& name, const Shape& shape) {
    const std::vector<Dump> all = dumps_;
    dump(name).tensor = {test::random_tensor(shape, 3)};
    const Diagnosis d = diagnose();
    // What comes behind it is compared all the same.
    EXPECT_EQ(std::count_if(d.layers.begin(), d.layers.end(), [](const LayerFinding& l) { return !l.agrees; }), 1);
    dumps_ = all;
    return d.verdict;
  };
  std::string v = verdict("preds", {1, 1, 72, 84});
  EXPECT_SAYS(v, "preds.npy has the shape (1, 1, 72, 84), where deconvolution gives (1, 1, 48, 56).");
  EXPECT_SAYS(v, "That is x3 of the input, and deconvolution makes x2");
  EXPECT_SAYS(verdict("preds", {1, 1, 40, 48}), "It has 8 rows and 8 columns less.");
  v = verdict("mapping_1", {1, 8, 20, 20});
  EXPECT_SAYS(v, "where mapping 1 gives (1, 4, 24, 28) (or, as NHWC, (1, 24, 28, 4))");
  v = verdict("shrinking", {1, 3, 24, 28});
  EXPECT_SAYS(v, "has the shape (1, 3, 24, 28), where shrinking gives (1, 4, 24, 28)");
  v = verdict("mapping_2", {1, 5, 1, 28});
  EXPECT_SAYS(v, "has the shape (1, 5, 1, 28)");
}

// Whatever the number of channels, the answer is one or an error.
TEST_F(DiagnoseDumps, TakesAnyNumberOfChannels) {
  for (const auto& [name, network] : test::other_networks()) {
    if (name != "SESR x2" && name != "FSRCNNX x2" && name != "every padding, and a skip") continue;
    use(network, {1, network.channels(), 9, 10});
    const std::vector<Dump> all = dumps_;
    for (size_t i = 0; i < all.size(); ++i) {
      const Shape s = all[i].tensor.shape();
      for (const Shape& other : {Shape{1, s.c + 1, s.h, s.w},
                                 {1, 2 * s.c, s.h, s.w},
                                 {1, s.c + 3, s.h - 1, s.w},
                                 {1, s.c + 2, 1, s.w},
                                 {1, s.h, s.w, s.c + 1},
                                 {2, s.c, s.h, s.w}}) {
        dumps_ = all;
        dumps_[i].tensor = {test::random_tensor(other, 4)};
        // Values that are right as far as they go are read.
        std::copy_n(all[i].tensor.to_float().data(), std::min(s.count(), other.count()),
                    std::get<Tensor<float>>(dumps_[i].tensor.values).data());
        try {
          EXPECT_FALSE(diagnose().layers.empty());
        } catch (const Error& error) {
          EXPECT_NE(std::string(error.what()), "") << name;
        }
      }
    }
  }
}

TEST_F(DiagnoseDumps, ReadsPicturesThatAreFilledUp) {
  use_fsrcnn();
  const auto filled = [](const Tensor<float>& t) {
    const Shape s = t.shape();
    Tensor<float> large({1, s.c, (s.h + 15) / 16 * 16, (s.w + 15) / 16 * 16});
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y) std::copy_n(t.row(0, c, y), s.w, large.row(0, c, y));
    return large;
  };
  for (const char* name : {"mapping_1", "mapping_2", "expanding", "preds"}) change(name, filled);
  const Diagnosis d = diagnose();
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_SAYS(d.layers.back().form, "rows 0 to 47 and columns 0 to 55 of 64x48, which are filled up");
}

TEST_F(DiagnoseDumps, AcceptsStepsOfEachChannel) {
  use_fsrcnn();
  const auto quantised = [](Tensor<float> t) {
    for (int64_t c = 0; c < t.shape().c; ++c) {
      float* const values = t.plane(0, c);
      const int64_t size = t.shape().h * t.shape().w;
      float largest = 0;
      for (int64_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(values[i]));
      const float step = largest / 127;
      for (int64_t i = 0; i < size; ++i) values[i] = std::nearbyint(values[i] / step) * step;
    }
    return t;
  };
  for (Dump& d : dumps_) d.tensor = {quantised(d.tensor.to_float())};
  EXPECT_TRUE(diagnose().right) << diagnose().verdict;
  // A step hides no mistake that is larger.
  change("mapping_2", [&](Tensor<float> t) {
    for (float& v : t.values()) v = std::abs(v);
    return quantised(t);
  });
  EXPECT_EQ(diagnose().layer, "mapping 2");
}

TEST_F(DiagnoseDumps, SaysNotFirstOfSeveralLayers) {
  use_fsrcnn();
  change("preds", [](Tensor<float> t) {
    const Tensor<float> noise = test::random_tensor(t.shape(), 8);
    for (int64_t i = 0; i < t.count(); ++i) t.data()[i] += 0.3F * (noise.data()[i] - 0.5F);
    return t;
  });
  dumps_ = {dump("preds")};
  const Diagnosis d = diagnose();
  EXPECT_EQ(d.verdict.find("first"), std::string::npos) << d.verdict;
  EXPECT_SAYS(d.verdict, "no cause found, and which of the layers before it is wrong cannot be told");
}

TEST_F(DiagnoseDumps, NamesWhatASumMakesOtherwise) {
  const auto expect = [&](const std::string& id, const std::string& words, const auto& sum_of) {
    use_residual();
    const Tensor<float> detail = dump("depth_to_space").tensor.to_float(), base = dump("base").tensor.to_float();
    Tensor<float> sum = sum_of(detail, base);
    dump("sum_addition").tensor = {sum};
    for (float& v : sum.values()) v = std::clamp(v, 0.0F, 1.0F);
    dump("preds").tensor = {sum};
    const Diagnosis d = diagnose();
    EXPECT_EQ(d.mistakes, std::vector<std::string>{id}) << d.verdict;
    EXPECT_SAYS(d.verdict, words);
    EXPECT_EQ(d.layer, "sum");
  };
  const auto with = [](const auto& factor) {
    return [factor](Tensor<float> a, const Tensor<float>& b) {
      const int64_t size = a.shape().h * a.shape().w;
      for (int64_t i = 0; i < a.count(); ++i) a.data()[i] += factor(i / size) * b.data()[i];
      return a;
    };
  };
  expect("summand_missing", "base is not added in channel 1 of 3",
         with([](int64_t c) { return c == 1 ? 0.0F : 1.0F; }));
  expect("summand_factor", "base is added twice", with([](int64_t) { return 2.0F; }));
  expect("summand_factor", "base is subtracted", with([](int64_t) { return -1.0F; }));
  expect("summand_factor", "base is added 0.3 times", with([](int64_t) { return 0.3F; }));
  expect("summand_moved", "base is added", [](Tensor<float> a, const Tensor<float>& b) {
    const Shape s = a.shape();
    for (int64_t c = 0; c < s.c; ++c)
      for (int64_t y = 0; y < s.h; ++y)
        for (int64_t x = 1; x < s.w; ++x) a(0, c, y, x) += b(0, c, y, x - 1);
    return a;
  });
}

/// Bilinear, of which corners lie on corners.
Tensor<float> with_aligned_corners(const Tensor<float>& t, int64_t factor) {
  const Shape s = t.shape();
  Tensor<float> to({1, s.c, s.h * factor, s.w * factor});
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = 0; y < to.shape().h; ++y) {
      for (int64_t x = 0; x < to.shape().w; ++x) {
        const double v = static_cast<double>(y) * static_cast<double>(s.h - 1) / static_cast<double>(to.shape().h - 1);
        const double u = static_cast<double>(x) * static_cast<double>(s.w - 1) / static_cast<double>(to.shape().w - 1);
        const int64_t y0 = std::min<int64_t>(static_cast<int64_t>(v), s.h - 2);
        const int64_t x0 = std::min<int64_t>(static_cast<int64_t>(u), s.w - 2);
        const double b = v - static_cast<double>(y0), a = u - static_cast<double>(x0);
        to(0, c, y, x) = static_cast<float>((1 - b) * ((1 - a) * t(0, c, y0, x0) + a * t(0, c, y0, x0 + 1)) +
                                            b * ((1 - a) * t(0, c, y0 + 1, x0) + a * t(0, c, y0 + 1, x0 + 1)));
      }
    }
  }
  return to;
}

TEST_F(DiagnoseDumps, NamesOtherInterpolations) {
  for (const bool is_dumped : {true, false}) {
    test::NetworkBuilder b(Colours::luma, 31);
    b.convolution(4, 3), b.with(Layer::Activation::prelu);
    b.convolution(4, 3);
    const int large = b.depth_to_space(2);
    b.add(large, b.interpolate(Interpolation::bilinear, 2, kNetworkInput));
    use(b.finish(), {1, 1, 15, 18});
    const std::string base = name_of(network_, {3, true}), sum = name_of(network_, {4, false});
    const Tensor<float> wrong = with_aligned_corners(*picture_, 2), right = dump(base).tensor.to_float();
    dump(base).tensor = {wrong};
    for (const std::string& name : {sum, std::string("preds")}) {
      change(name, [&](Tensor<float> t) {
        const Tensor<float> before = dump(sum).tensor.to_float();
        for (int64_t i = 0; i < t.count(); ++i) t.data()[i] = before.data()[i];
        if (name == sum) {
          for (int64_t i = 0; i < t.count(); ++i) t.data()[i] += wrong.data()[i] - right.data()[i];
        } else {
          for (float& v : t.values()) v = std::clamp(v, 0.0F, 1.0F);
        }
        return t;
      });
    }
    if (!is_dumped) std::erase_if(dumps_, [&](const Dump& d) { return d.name == base; });
    const Diagnosis d = diagnose();
    ASSERT_EQ(d.mistakes.size(), 1U) << d.verdict;
    EXPECT_SAYS(d.verdict, "align_corners=True");
    EXPECT_EQ(d.layer, layer_of(network_, {3, true}));
  }
}

TEST_F(DiagnoseDumps, NamesOtherShuffles) {
  use_residual();
  // Rows and columns of the phases.
  for (const char* name : {"depth_to_space", "sum_addition", "preds"}) {
    const Tensor<float> detail = dump("depth_to_space").tensor.to_float();
    if (std::string(name) != "depth_to_space") continue;
    change(name, [&](const Tensor<float>& t) {
      Tensor<float> to = t;
      const Shape s = t.shape();
      for (int64_t c = 0; c < s.c; ++c)
        for (int64_t y = 0; y < s.h; ++y)
          for (int64_t x = 0; x < s.w; ++x) to(0, c, y, x) = t(0, c, y / 2 * 2 + x % 2, x / 2 * 2 + y % 2);
      return to;
    });
  }
  const Diagnosis d = diagnose();
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"shuffle_transposed"}) << d.verdict;
  EXPECT_SAYS(d.verdict, "rows and columns of the phases are exchanged");
}

TEST_F(DiagnoseDumps, ReadsScalesOfEachFile) {
  use_fsrcnn();
  test::TemporaryFolder folder;
  std::string scales = "{";
  for (const char* name : {"shrinking", "mapping_1", "mapping_2"}) {
    Tensor<float> t = dump(name).tensor.to_float();
    float largest = 0;
    for (const float v : t.values()) largest = std::max(largest, std::abs(v));
    const float scale = largest / 127;
    for (float& v : t.values()) v = std::nearbyint(v / scale) + 3;
    write_file(folder.path() / (std::string(name) + ".npy"), format_npy(t));
    scales +=
        fmt::format("{}\"{}.npy\": {{\"scale\": {}, \"zero_point\": 3}}", scales.size() > 1 ? ", " : "", name, scale);
  }
  write_file(folder.path() / "scales.json", as_bytes(scales + "}"));
  const DumpFolder read = read_dump_folder(folder.path(), network_, picture_);
  ASSERT_EQ(read.dumps.size(), 3U);
  for (const Dump& d : read.dumps) {
    ASSERT_TRUE(d.integers_of) << d.name;
    EXPECT_EQ(d.integers_of->zero_point, 3);
  }
  const Diagnosis d = fsrcnn::diagnose({.network = &network_, .input = picture_, .dumps = read.dumps});
  EXPECT_TRUE(d.right) << d.verdict;
}

TEST_F(DiagnoseDumps, ReadsSamplesOf8Bits) {
  test::TemporaryFolder folder;
  Tensor<float> samples = test::random_tensor({1, 1, 5, 7}, 2, 0, 255);
  for (float& v : samples.values()) v = std::nearbyint(v);
  write_file(folder.path() / "input.npy", format_npy(samples));
  std::string read_as;
  const Tensor<float> input = read_input(folder.path() / "input.npy", *builtin_network("fsrcnn-x2"), &read_as);
  EXPECT_EQ(read_as, "samples of 8 bits, 0 to 255, divided by 255");
  for (int64_t i = 0; i < input.count(); ++i) EXPECT_FLOAT_EQ(input.data()[i], samples.data()[i] / 255);
}

}  // namespace
}  // namespace fsrcnn
