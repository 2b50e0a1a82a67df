// Integers made as a port in C makes them: 32-bit sums, a multiplier, a shift, a zero point.
#include "porting/requantisation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace fsrcnn {
namespace {

constexpr double kInput = 1.0 / 255, kOutput = 1.0 / 90;  // scales
constexpr int64_t kHeight = 17, kWidth = 23, kInputs = 4, kOutputs = 6;

/// How the port goes on from its sums.
struct How {
  double factor = 1;  // of the multiplier
  int bits = 16;      // of the multiplier
  bool rounds = true;
  int64_t zero = 3, low = -128, high = 127;
  bool each_channel = false;  // only channel 2 has the factor
};

class Integers : public testing::Test {
 protected:
  Integers() : port_(), input_({1, kInputs, kHeight, kWidth}) {
    std::mt19937 random(5);
    port_.name = "mapping 1";
    port_.weight = Tensor<float>({kOutputs, kInputs, 3, 3});
    port_.padding = {1, 1};
    port_.activation = Layer::Activation::relu;
    for (float& w : port_.weight.values()) {
      w = static_cast<float>(static_cast<int>(random() % 255) - 127) * static_cast<float>(kWeight);
    }
    for (int64_t o = 0; o < kOutputs; ++o) {
      port_.bias.push_back(static_cast<float>(static_cast<int>(random() % 4001) - 2000) *
                           static_cast<float>(kInput * kWeight));
    }
    for (float& v : input_.values()) v = static_cast<float>(static_cast<double>(random() % 256) * kInput);
  }

  /// What the port writes, as its stated scale and zero point (3) give it.
  Tensor<float> written(const How& how) const {
    LayerPort sums = port_;
    sums.activates = false;
    const Tensor<float> linear = compute(sums, input_);
    Tensor<float> result(linear.shape());
    int shift = 0;
    const double right = kInput * kWeight / kOutput;
    for (int64_t i = 0; i < linear.count(); ++i) {
      const int64_t channel = i / (kHeight * kWidth);
      const double wanted = right * (how.each_channel && channel != 2 ? 1 : how.factor);
      for (shift = 0; std::ldexp(wanted, shift + 1) < std::exp2(how.bits); ++shift) {
      }
      const auto multiplier = static_cast<int64_t>(std::nearbyint(std::ldexp(wanted, shift)));
      const auto sum = static_cast<int64_t>(std::nearbyint(linear.data()[i] / (kInput * kWeight)));
      const int64_t half = how.rounds ? int64_t{1} << (shift - 1) : 0;
      const int64_t q =
          std::clamp(((std::max<int64_t>(sum, 0) * multiplier + half) >> shift) + how.zero, how.low, how.high);
      result.data()[i] = static_cast<float>(static_cast<double>(q - stated_.zero_point) * kOutput);
    }
    return result;
  }

  std::optional<Requantisation> judged(const How& how) const {
    return requantisation_of(port_, input_, written(how), stated_, kInput * kWeight / kOutput);
  }

  static constexpr double kWeight = 0.004;
  LayerPort port_;
  Tensor<float> input_;
  Quantisation stated_ = {kOutput, 3, ElementType::i8};
};

TEST_F(Integers, AreRightHoweverTheyAreRounded) {
  const auto exact = judged({});
  ASSERT_TRUE(exact);
  EXPECT_TRUE(exact->is_right);
  EXPECT_EQ(exact->how, "");
  const auto truncated = judged({.rounds = false});
  ASSERT_TRUE(truncated);
  EXPECT_TRUE(truncated->is_right) << truncated->sentence;
  EXPECT_EQ(truncated->how, "truncated, not rounded to nearest");
  for (const int bits : {8, 9, 12}) {
    const auto few = judged({.bits = bits});
    ASSERT_TRUE(few) << bits;
    EXPECT_TRUE(few->is_right) << bits << few->sentence;
  }
}

TEST_F(Integers, TellTheirMultiplier) {
  const auto wrong = judged({.factor = 1.097, .bits = 8});
  ASSERT_TRUE(wrong);
  EXPECT_FALSE(wrong->is_right);
  EXPECT_EQ(wrong->ids, std::vector<std::string>{"multiplier"});
  // kInput * kWeight / kOutput * 2^17 is 185.04, and 1.097 times that is 203.
  EXPECT_NE(wrong->sentence.find("the multiplier is 203 / 2^17, where the scales give 185 / 2^17"), std::string::npos)
      << wrong->sentence;
  const auto small = judged({.factor = 0.9, .rounds = false});
  ASSERT_TRUE(small);
  EXPECT_NE(small->sentence.find("0.9 times"), std::string::npos) << small->sentence;
  EXPECT_EQ(small->how, "truncated, not rounded to nearest");
}

TEST_F(Integers, TellTheirShiftAndZeroPoint) {
  const auto shifted = judged({.factor = 0.5});
  ASSERT_TRUE(shifted);
  EXPECT_EQ(shifted->ids, std::vector<std::string>{"shift"});
  EXPECT_NE(shifted->sentence.find("a shift to the right by 1 bit too many"), std::string::npos) << shifted->sentence;
  const auto moved = judged({.zero = -20});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->ids, std::vector<std::string>{"zero_point"});
  EXPECT_EQ(moved->sentence, "the zero point is -20, not 3");
}

TEST_F(Integers, TellTheChannelWithAnotherMultiplier) {
  const auto one = judged({.factor = 1.3, .each_channel = true});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->ids, std::vector<std::string>{"multiplier"});
  EXPECT_NE(one->sentence.find("1 of 6 channels are not those that the scales give; they are 1.3 in channel 2"),
            std::string::npos)
      << one->sentence;
}

TEST_F(Integers, MayBeCutOff) {
  const auto cut = judged({.low = 0, .high = 40});
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->is_right);
}

TEST_F(Integers, ThatComeFromElsewhereAreNotExplained) {
  Tensor<float> other = written({});
  std::rotate(other.values().begin(), other.values().begin() + 40, other.values().end());
  EXPECT_FALSE(requantisation_of(port_, input_, other, stated_, std::nullopt));
  Tensor<float> one = written({});
  one.values()[200] += 4 * static_cast<float>(kOutput);
  EXPECT_FALSE(requantisation_of(port_, input_, one, stated_, std::nullopt));
}

}  // namespace
}  // namespace fsrcnn
