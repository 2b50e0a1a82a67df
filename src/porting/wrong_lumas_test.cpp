#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "network/builtin.hpp"
#include "picture/picture_reader.hpp"
#include "porting/diagnose.hpp"
#include "porting/mistakes.hpp"
#include "support/golden.hpp"
#include "support/port.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kSide = 17;

/// Of R, G, B in 0 to 255, the luma in [0, 1].
using Luma = std::function<double(double, double, double)>;

double bt601(double r, double g, double b) { return (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255) / 255; }

Tensor<float> luma_of(const Tensor<float>& picture, const Luma& luma) {
  Tensor<float> y({1, 1, kSide, kSide});
  const auto level = [&](int64_t c, int64_t i, int64_t j) { return std::round(255.0 * picture(0, c, i, j)); };
  for (int64_t i = 0; i < kSide; ++i)
    for (int64_t j = 0; j < kSide; ++j) {
      y(0, 0, i, j) = static_cast<float>(luma(level(0, i, j), level(1, i, j), level(2, i, j)));
    }
  return y;
}

TEST(WrongLumas, EachIsNamed) {
  const Picture photo = read_picture(test::test_file("data/crop.png"));
  ASSERT_EQ(photo.header.colour_planes, 3);
  Tensor<float> part({1, 3, kSide, kSide});
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t y = 0; y < kSide; ++y)
      for (int64_t x = 0; x < kSide; ++x) part(0, c, y, x) = photo.planes(0, c, 20 + y, 30 + x);
  const Network model = *builtin_network("fsrcnn-x2");
  const auto diagnosis_of = [&](const Luma& luma) {
    const Tensor<float> first = test::NewcomersPort{model}.run(luma_of(part, luma))[0];
    return diagnose({.network = &model,
                     .input = luma_of(part, bt601),
                     .wrong_lumas = wrong_lumas(part, 3),
                     .dumps = {{"first_part.1", "first.npy", {first}}}});
  };
  EXPECT_TRUE(diagnosis_of(bt601).right);
  using D = double;
  const std::pair<const char*, Luma> lumas[] = {
      // NOLINT(*-avoid-c-arrays)
      {"input_the luma of BGR taken for RGB", [](D r, D g, D b) { return bt601(b, g, r); }},
      {"input_Cb (chroma)", [](D r, D g, D b) { return (128 + (-37.797 * r - 74.203 * g + 112 * b) / 255) / 255; }},
      {"input_Cr (chroma)", [](D r, D g, D b) { return (128 + (112 * r - 93.786 * g - 18.214 * b) / 255) / 255; }},
      {"input_the red plane", [](D r, D, D) { return r / 255; }},
      {"input_the green plane", [](D, D g, D) { return g / 255; }},
      {"input_the blue plane", [](D, D, D b) { return b / 255; }},
      {"input_integer luma (66, 129, 25) instead of 65.481, 128.553, 24.966",
       [](D r, D g, D b) { return (std::floor((66 * r + 129 * g + 25 * b + 128) / 256) + 16) / 255; }},
      {"input_luma of full range (0.299, 0.587, 0.114)",
       [](D r, D g, D b) { return (0.299 * r + 0.587 * g + 0.114 * b) / 255; }},
      {"input_luma of BT.709 (0.2126, 0.7152, 0.0722) instead of BT.601",
       [](D r, D g, D b) { return (16 + 219 * (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255) / 255; }},
      {"input_the mean of the planes, (R + G + B) / 3, of full range", [](D r, D g, D b) { return (r + g + b) / 765; }},
      {"input_the mean of the largest and the smallest of R, G and B (L of HSL), of full range",
       [](D r, D g, D b) {
         return (std::max({r, g, b}) + std::min({r, g, b})) / 510;
       }},
      {"input_luma of BT.2020 (0.2627, 0.678, 0.0593), of limited range",
       [](D r, D g, D b) { return (16 + 219 * (0.2627 * r + 0.678 * g + 0.0593 * b) / 255) / 255; }},
      {"input_luma of BT.601 without its offset of 16/255",
       [](D r, D g, D b) { return (65.481 * r + 128.553 * g + 24.966 * b) / 255 / 255; }},
      {"input_limited_twice", [](D r, D g, D b) { return (16 + 219 * bt601(r, g, b)) / 255; }},
      {"input_8_bits", [](D r, D g, D b) { return std::round(255 * bt601(r, g, b)) / 255; }},
      {"input_8_bits_truncated", [](D r, D g, D b) { return std::floor(255 * bt601(r, g, b)) / 255; }}};
  for (const auto& [id, luma] : lumas) {
    const Diagnosis d = diagnosis_of(luma);
    EXPECT_EQ(d.mistakes, std::vector<std::string>{id}) << d.verdict;
    EXPECT_EQ(d.layer, "feature extraction");
  }
}

}  // namespace
}  // namespace fsrcnn
