#include "porting/evidence.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <set>

#include "base/error.hpp"

namespace fsrcnn::evidence_test {
namespace {

/// Smooth waves with noise, of both signs, so that no two neighbours are alike.
Tensor<float> scene(const Shape& shape, uint32_t seed) {
  Tensor<float> t(shape);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> noise(-0.2F, 0.2F);
  int64_t i = 0;
  for (float& v : t.values()) {
    const auto x = static_cast<float>(i % shape.w), y = static_cast<float>(i / shape.w % shape.h);
    v = std::sin(0.3F * x + static_cast<float>(seed)) * std::cos(0.2F * y) + noise(generator);
    ++i;
  }
  return t;
}

using Change = std::function<float(int64_t c, int64_t y, int64_t x, float v)>;

Tensor<float> changed(const Tensor<float>& t, const Change& change) {
  Tensor<float> result = t;
  const Shape s = t.shape();
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) result(0, c, y, x) = change(c, y, x, t(0, c, y, x));
  return result;
}

/// Moves by source: found(c, y, x) = expected(source).
using Where = std::function<std::array<int64_t, 3>(int64_t c, int64_t y, int64_t x)>;

Tensor<float> moved(const Tensor<float>& t, const Where& where) {
  return changed(t, [&](int64_t c, int64_t y, int64_t x, float) {
    const auto [k, i, j] = where(c, y, x);
    const Shape s = t.shape();
    return k < 0 || i < 0 || j < 0 || k >= s.c || i >= s.h || j >= s.w ? 0.0F : t(0, k, i, j);
  });
}

constexpr double kTolerance = 1e-5;

Evidence of(const Tensor<float>& expected, const Tensor<float>& found, int64_t scale = 1) {
  return gather_evidence(expected, found, kTolerance, scale);
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {{1, 6, 24, 30}, {1, 12, 37, 26}, {1, 3, 48, 50}};
  return list;
}

std::string ids(const Evidence& e) {
  std::string text;
  for (const Fact& f : e.facts) text += f.id + " ";
  return text;
}

TEST(Evidence, EqualTensorsHaveNone) {
  const Tensor<float> t = scene({1, 4, 9, 11}, 1);
  const Evidence e = of(t, t);
  EXPECT_EQ(e.differing, 0);
  EXPECT_TRUE(e.facts.empty() && e.place.empty() && e.sentences.empty());
  EXPECT_THROW(of(t, Tensor<float>({1, 4, 11, 9})), Error);
}

TEST(Evidence, TellsPlaces) {
  struct Case {
    std::string words;
    std::function<bool(const Shape& s, int64_t c, int64_t y, int64_t x)> differs;
  };
  const std::vector<Case> cases = {
      {"everywhere", [](auto...) { return true; }},
      {"channels 1 and 2", [](const Shape&, int64_t c, auto...) { return c == 1 || c == 2; }},
      {"the last 2 columns", [](const Shape& s, int64_t, int64_t, int64_t x) { return x >= s.w - 2; }},
      {"the first row", [](const Shape&, int64_t, int64_t y, int64_t) { return y == 0; }},
      {"the last channel, the last row",
       [](const Shape& s, int64_t c, int64_t y, int64_t) { return c == s.c - 1 && y == s.h - 1; }},
      {"each second row, from 1 on", [](const Shape&, int64_t, int64_t y, int64_t) { return y % 2 == 1; }},
      {"each 8th column, from 7 on", [](const Shape&, int64_t, int64_t, int64_t x) { return x % 8 == 7; }},
      {"2 columns of each 8 (7 and 8, 15 and 16, ...)",
       [](const Shape&, int64_t, int64_t, int64_t x) { return x > 6 && (x % 8 == 7 || x % 8 == 0); }},
      {"rows 5 to 9, columns 3 to 8",
       [](const Shape&, int64_t, int64_t y, int64_t x) { return y >= 5 && y < 10 && x >= 3 && x < 9; }},
      {"the outermost pixels of all sides",
       [](const Shape& s, int64_t, int64_t y, int64_t x) { return y == 0 || x == 0 || y == s.h - 1 || x == s.w - 1; }},
      {"the outer 2 pixels of all sides",
       [](const Shape& s, int64_t, int64_t y, int64_t x) { return y < 2 || x < 2 || y >= s.h - 2 || x >= s.w - 2; }},
      {"the outer rows or columns: bottom (2), right (1)",
       [](const Shape& s, int64_t, int64_t y, int64_t x) { return y >= s.h - 2 || x == s.w - 1; }},
      {"each 8th row, from 7 on and each 8th column, from 7 on",
       [](const Shape&, int64_t, int64_t y, int64_t x) { return y % 8 == 7 || x % 8 == 7; }},
      {"the quadrants top left and bottom right",
       [](const Shape& s, int64_t, int64_t y, int64_t x) { return (2 * y >= s.h) == (2 * x >= s.w); }},
      {"the interior; the outer 3 pixels of all sides are right",
       [](const Shape& s, int64_t, int64_t y, int64_t x) {
         return std::min({y, x, s.h - 1 - y, s.w - 1 - x}) >= 3;
       }},
      {"2 of each 2x2 pixels: (row 0, column 1), (row 1, column 0)",
       [](const Shape&, int64_t, int64_t y, int64_t x) { return (y + x) % 2 == 1; }},
      {"all from row 7, column 5 on",
       [](const Shape& s, int64_t, int64_t y, int64_t x) { return y * s.w + x >= 7 * s.w + 5; }},
      {"one value of channel 2 at row 4, column 6",
       [](const Shape&, int64_t c, int64_t y, int64_t x) { return c == 2 && y == 4 && x == 6; }},
  };
  for (const Shape& s : shapes()) {
    const Tensor<float> expected = scene(s, 3);
    for (const Case& k : cases) {
      const Tensor<float> found = changed(expected, [&](int64_t c, int64_t y, int64_t x, float v) {
        return k.differs(s, c, y, x) ? v + 0.1F + 0.01F * static_cast<float>((7 * x + 3 * y + c) % 5) : v;
      });
      const Evidence e = of(expected, found);
      std::string words = k.words;
      if (s.c == 3 && words == "channels 1 and 2") words = "the last 2 channels";
      EXPECT_EQ(e.place, words) << to_string(s);
    }
  }
}

TEST(Evidence, KnowsTheBorderFromTheInterior) {
  for (const Shape& s : shapes()) {
    for (const int64_t depth : {1, 2, 4}) {
      const Tensor<float> expected = scene(s, 4);
      const auto distance = [&](int64_t y, int64_t x) { return std::min({y, x, s.h - 1 - y, s.w - 1 - x}); };
      const Evidence border = of(expected, changed(expected, [&](int64_t, int64_t y, int64_t x, float v) {
                                   return distance(y, x) < depth ? v + 1 : v;
                                 }));
      EXPECT_TRUE(border.is_border);
      EXPECT_EQ(border.border_depth, depth);
      const Evidence interior = of(expected, changed(expected, [&](int64_t, int64_t y, int64_t x, float v) {
                                     return distance(y, x) >= depth ? v + 1 : v;
                                   }));
      EXPECT_FALSE(interior.is_border);
    }
  }
}

TEST(Evidence, CountsPhases) {
  for (const int64_t scale : {2, 3, 4}) {
    const Tensor<float> expected = scene({1, 1, 12 * scale, 9 * scale}, 5);
    for (int64_t p = 0; p < scale * scale; ++p) {
      const Evidence e =
          of(expected,
             changed(expected, [&](int64_t, int64_t y, int64_t x,
                                   float v) { return y % scale * scale + x % scale == p ? v * 1.5F + 0.1F : v; }),
             scale);
      for (int64_t q = 0; q < scale * scale; ++q) EXPECT_EQ(e.by_phase[q] > 50, q == p);
    }
  }
}

/// A change of values and the fact that must come first, with its first number.
struct Relation {
  std::string id;
  double number;
  Change change;
};

TEST(Evidence, TellsWhatValuesBecame) {
  const std::vector<Relation> relations = {
      {"constant", 0, [](auto...) { return 0.0F; }},
      {"constant", 1, [](auto...) { return 1.0F; }},
      {"offset", 0.25, [](int64_t, int64_t, int64_t, float v) { return v + 0.25F; }},
      {"offset", -0.5, [](int64_t c, int64_t, int64_t x, float v) { return c == 1 && x > 3 ? v - 0.5F : v; }},
      {"factor", 0.5, [](int64_t, int64_t, int64_t, float v) { return v * 0.5F; }},
      {"factor", -1, [](int64_t, int64_t, int64_t, float v) { return -v; }},
      {"factor", 1.088, [](int64_t c, int64_t, int64_t, float v) { return c == 0 ? v * 1.088F : v; }},
      {"affine", 2, [](int64_t, int64_t, int64_t, float v) { return 2 * v - 0.125F; }},
      {"clipped_high", 0.5, [](int64_t, int64_t, int64_t, float v) { return std::min(v, 0.5F); }},
      {"clipped_low", -0.75, [](int64_t, int64_t, int64_t, float v) { return std::max(v, -0.75F); }},
      {"clipped_low", 0, [](int64_t, int64_t, int64_t, float v) { return std::max(v, 0.0F); }},
      {"negative_factor", 0.25, [](int64_t, int64_t, int64_t, float v) { return v < 0 ? 0.25F * v : v; }},
      {"negative_factor", -1, [](int64_t, int64_t, int64_t, float v) { return std::abs(v); }},
      {"positive_factor", 2, [](int64_t, int64_t, int64_t, float v) { return v > 0 ? 2 * v : v; }},
      {"channel_negative_factor", 0.5,
       [](int64_t c, int64_t, int64_t, float v) { return v < 0 ? 0.5F * v / (1 + static_cast<float>(c)) : v; }},
      {"channel_offset", 0.1,
       [](int64_t c, int64_t, int64_t, float v) { return v + 0.1F * static_cast<float>(c + 1); }},
      {"channel_factor", 0.5,
       [](int64_t c, int64_t, int64_t, float v) { return v * (0.5F + 0.25F * static_cast<float>(c)); }},
      {"channel_affine", 0.5,
       [](int64_t c, int64_t, int64_t, float v) { return v * (0.5F + 0.2F * static_cast<float>(c)) + 0.3F; }},
      {"wrapped", 1, [](int64_t, int64_t, int64_t, float v) { return v - std::floor(v + 0.5F); }},
      {"multiple", 0.25,
       [](int64_t, int64_t y, int64_t x, float v) { return v + 0.25F * static_cast<float>((3 * y + x) % 4 - 1); }},
      {"rounded", 1.0 / 16, [](int64_t, int64_t, int64_t, float v) { return std::nearbyint(v * 16) / 16; }},
      {"rounded", 0.0123,
       [](int64_t, int64_t, int64_t, float v) { return static_cast<float>(0.0123 * std::nearbyint(v / 0.0123)); }},
      {"truncated", 1.0 / 32, [](int64_t, int64_t, int64_t, float v) { return std::floor(v * 32) / 32; }},
      {"differing_constant", 0,
       [](int64_t, int64_t y, int64_t x, float v) { return y > 4 && y < 9 && x > 3 && x < 12 ? 0.0F : v; }},
  };
  for (const Shape& s : shapes()) {
    const Tensor<float> expected = scene(s, 6);
    for (const Relation& r : relations) {
      const Evidence e = of(expected, changed(expected, r.change));
      const Fact* fact = e.fact(r.id);
      ASSERT_NE(fact, nullptr) << r.id << " " << r.number << " of " << to_string(s) << ": " << ids(e);
      EXPECT_NEAR(fact->numbers.at(0), r.number, 2e-5) << r.id;
    }
  }
}

TEST(Evidence, TellsChannelsOfOneValue) {
  for (const Shape& s : shapes()) {
    const Tensor<float> expected = scene(s, 7);
    const Evidence e =
        of(expected, changed(expected, [](int64_t c, int64_t, int64_t, float v) { return c == 2 ? 0.0F : v; }));
    const Fact* fact = e.fact("channel_constant");
    ASSERT_NE(fact, nullptr) << ids(e);
    EXPECT_EQ(fact->indices, std::vector<int64_t>{2});
    EXPECT_EQ(fact->numbers, std::vector<double>{0});
    EXPECT_EQ(e.facts.front().id, "channel_constant");
  }
}

TEST(Evidence, TellsWhereValuesWent) {
  struct Move {
    std::string id;
    std::vector<int64_t> indices;  // empty: not looked at
    Where where;
  };
  for (const Shape& s : shapes()) {
    const int64_t area = s.h * s.w;
    const auto raster = [&](int64_t c, int64_t y, int64_t x, int64_t n) -> std::array<int64_t, 3> {
      const int64_t from = y * s.w + x - n;
      if (from < 0 || from >= area) return {-1, 0, 0};
      return {c, from / s.w, from % s.w};
    };
    const std::vector<Move> moves = {
        {"shifted",
         {1, 0},
         [](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y - 1, x};
         }},
        {"shifted",
         {-2, 3},
         [](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y + 2, x - 3};
         }},
        {"shifted",
         {0, 5},
         [](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y, x - 5};
         }},
        {"delayed", {1}, [&](int64_t c, int64_t y, int64_t x) { return raster(c, y, x, 1); }},
        {"delayed", {-13}, [&](int64_t c, int64_t y, int64_t x) { return raster(c, y, x, -13); }},
        {"delayed", {s.w + 7}, [&](int64_t c, int64_t y, int64_t x) { return raster(c, y, x, s.w + 7); }},
        {"delayed_lanes",
         {2},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           const int64_t from = (y * s.w + x) * s.c + c - 2;
           if (from < 0) return {-1, 0, 0};
           return {from % s.c, from / s.c / s.w, from / s.c % s.w};
         }},
        {"flipped",
         {1},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, s.h - 1 - y, x};
         }},
        {"flipped",
         {2},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y, s.w - 1 - x};
         }},
        {"flipped",
         {3},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, s.h - 1 - y, s.w - 1 - x};
         }},
        {"axes",
         {1, 2, 0},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           const int64_t i = (c * s.h + y) * s.w + x;
           return {i % s.c, i / s.c / s.w, i / s.c % s.w};
         }},
        {"channels_permuted",
         {},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {s.c - 1 - c, y, x};
         }},
        {"channels_permuted",
         {},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c < 2 ? 1 - c : c, y, x};
         }},
        {"channels_permuted",
         {},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {(c + 1) % s.c, y, x};
         }},
        {"rows_permuted",
         {},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y % 4 == 3 ? y - 1 : y, x};
         }},
        {"columns_permuted",
         {},
         [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
           return {c, y, x % 6 == 5 ? x - 5 : x};
         }},
    };
    const Tensor<float> expected = scene(s, 8);
    for (const Move& m : moves) {
      const Evidence e = of(expected, moved(expected, m.where));
      const Fact* fact = e.fact(m.id);
      ASSERT_NE(fact, nullptr) << m.id << " of " << to_string(s) << ": " << ids(e) << e.sentence;
      if (!m.indices.empty()) {
        EXPECT_EQ(fact->indices, m.indices) << m.id;
      }
    }
  }
  for (const int64_t s : {2, 3, 4}) {
    const Tensor<float> expected = scene({1, 1, 8 * s, 7 * s}, 9);
    const Evidence e = of(expected,
                          moved(expected,
                                [&](int64_t c, int64_t y, int64_t x) -> std::array<int64_t, 3> {
                                  return {c, y - y % s + x % s, x - x % s + y % s};
                                }),
                          s);
    ASSERT_NE(e.fact("phases_permuted"), nullptr) << ids(e) << e.sentence;
    EXPECT_EQ(e.fact("phases_permuted")->indices.at(2), s);
  }
}

TEST(Evidence, ClaimsNothingOnNoise) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 generator(seed);
    const Shape s = shapes()[seed % shapes().size()];
    std::normal_distribution<float> noise(0, seed % 2 == 0 ? 0.1F : 2e-5F);
    const Tensor<float> expected = scene(s, seed);
    const int64_t part = seed % 4;  // all, many, some, a few
    const std::vector<int64_t> among = {1, 3, 50, s.count() / 4};
    const Evidence e = of(expected, changed(expected, [&](int64_t, int64_t, int64_t, float v) {
                            return generator() % static_cast<uint32_t>(among[part]) == 0 ? v + noise(generator) : v;
                          }));
    if (e.differing < 6) continue;
    for (const Fact& f : e.facts) ADD_FAILURE() << seed << ": " << f.sentence;
    if (part > 0 && e.differing > 200) {
      EXPECT_TRUE(e.place.starts_with("scattered") || e.place.starts_with("nearly everywhere") ||
                  e.place == "everywhere")
          << e.place;
    }
  }
}

TEST(Evidence, OneWrongValueTakesAClaimBack) {
  const Tensor<float> expected = scene({1, 6, 24, 30}, 11);
  const std::vector<Change> changes = {[](int64_t, int64_t, int64_t, float v) { return v + 0.25F; },
                                       [](int64_t, int64_t, int64_t, float v) { return 0.5F * v; },
                                       [](int64_t, int64_t, int64_t, float v) { return std::max(v, 0.0F); },
                                       [](auto...) { return 0.0F; }};
  const std::set<std::string> of_some = {"mostly", "channel_constant", "higher_only"};
  for (const Change& change : changes) {
    Tensor<float> found = changed(expected, change);
    EXPECT_FALSE(of(expected, found).facts.empty());
    found.data()[1234] += 0.37F;
    for (const Fact& f : of(expected, found).facts) EXPECT_TRUE(of_some.contains(f.id)) << f.sentence;
  }
}

TEST(Evidence, ToldWithoutFiniteValues) {
  const Tensor<float> expected = scene({1, 3, 12, 12}, 12);
  Tensor<float> found = expected;
  found(0, 1, 2, 3) = std::nanf("");
  const Evidence e = of(expected, found);
  EXPECT_EQ(e.differing, 1);
  ASSERT_NE(e.fact("not_finite"), nullptr);
  EXPECT_EQ(e.fact("not_finite")->indices, (std::vector<int64_t>{1, 2, 3}));
}

TEST(Evidence, MapShowsWhere) {
  const Tensor<float> expected = scene({1, 2, 32, 96}, 13);
  const Evidence e = of(expected, changed(expected, [](int64_t, int64_t y, int64_t x, float v) {
                          return y >= 16 && x >= 48 ? v + (x >= 72 ? 0.5F : 0.125F) : v;
                        }));
  ASSERT_EQ(e.map.size(), 16U);
  EXPECT_EQ(e.map[7], std::string(48, '.'));
  EXPECT_EQ(e.map[8], std::string(24, '.') + std::string(12, '7') + std::string(12, '9'));
}

TEST(Evidence, SaysIndexSetsInWords) {
  const auto words = [](int64_t extent, const std::vector<int64_t>& list) { return to_words({extent, list}, "row"); };
  EXPECT_EQ(words(4, {0, 1, 2, 3}), "all 4 rows");
  EXPECT_EQ(words(9, {4}), "row 4");
  EXPECT_EQ(words(9, {0, 1}), "the first 2 rows");
  EXPECT_EQ(words(9, {0, 7, 8}), "the first and the last 2 rows");
  EXPECT_EQ(words(90, {3, 40, 77}), "each 37th row, from 3 on");
  EXPECT_EQ(words(90, {3, 41, 77}), "rows 3, 41 and 77");
  EXPECT_EQ(words(90, {0, 2, 4, 6, 8}), "rows 0, 2, 4, 6 and 8");
  EXPECT_EQ(words(192, {46, 47, 48, 94, 96, 143, 144, 145}),
            "8 of the 192 rows, all among 4 of each 48 (46 to 49, 94 to 97, ...)");
}

}  // namespace
}  // namespace fsrcnn::evidence_test
