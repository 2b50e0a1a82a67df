// Rules of places, delays of channels, filters and curves, planted in plain loops.
#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

/// The output's pixel (y, x) is the one of `source` (y, x, h, w).
template <class Source>
Kind moved_pixels(std::string name, Source source, std::set<std::string> ids = {"output_*"}) {
  return in_output(std::move(name), is_any, std::move(ids),
                   [source](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                     const Shape s = t.shape();
                     for (int64_t c = 0; c < s.c; ++c)
                       for (int64_t y = 0; y < s.h; ++y)
                         for (int64_t x = 0; x < s.w; ++x) {
                           const auto [fy, fx] = source(y, x, s.h, s.w);
                           t(0, c, y, x) = right(0, c, fy, fx);
                         }
                   });
}

using Place = std::pair<int64_t, int64_t>;
using I = int64_t;

std::vector<Kind> kinds_of_sources() {
  std::vector<Kind> list;
  list.push_back(moved_pixels("stride 2, repeated",
                              [](I y, I x, I, I) {
                                return Place{y / 2 * 2, x / 2 * 2};
                              },
                              {"output_rows_repeated_2_0_columns_repeated_2_0", "output_phases_exchanged"}));
  list.push_back(moved_pixels("each third column repeated",
                              [](I y, I x, I, I) {
                                return Place{y, x / 3 * 3};
                              },
                              {"output_columns_repeated_3_0", "output_columns_*"}));
  list.push_back(moved_pixels("fields not woven",
                              [](I y, I x, I h, I) {
                                const I half = (h + 1) / 2;
                                return Place{y < half ? 2 * y : 2 * (y - half) + 1, x};
                              },
                              {"output_rows_fields", "output_rows_interleaved*"}));
  list.push_back(moved_pixels("serpentine",
                              [](I y, I x, I, I w) {
                                return Place{y, y % 2 == 1 ? w - 1 - x : x};
                              },
                              {"output_tiles_serpentine_rows_1_1_1", "output_tiles_each_serpentine_*"}));
  list.push_back(moved_pixels("each fifth row left out",
                              [](I y, I x, I h, I) {
                                return Place{std::min(y + y / 4, h - 1), x};
                              },
                              {"output_resampled_dropped_5", "output_rows_*"}));
  list.push_back(moved_pixels("blocks of 2 transposed",
                              [](I y, I x, I, I) {
                                return Place{y / 2 * 2 + x % 2, x / 2 * 2 + y % 2};
                              },
                              {"output_tiles_each_transposed_2_2", "output_phases_exchanged", "output_morton_2*"}));
  list.push_back(moved_pixels("both halves exchanged",
                              [](I y, I x, I h, I w) {
                                return Place{(y + h / 2) % h, (x + w / 2) % w};
                              },
                              {"output_rows_halves_exchanged_columns_halves_exchanged", "output_moved_*"}));
  list.push_back(moved_pixels("strips of 2 columns by columns",
                              [](I y, I x, I h, I w) {
                                const I t = y * (w / 2) + x / 2;
                                return Place{t % h, t / h * 2 + x % 2};
                              },
                              {"output_tiles_by_columns_1_2"}));
  return list;
}

std::vector<Kind> kinds_of_lanes() {
  std::vector<Kind> list;
  const auto lanes = [](std::string name, auto delay, std::set<std::string> ids) {
    return in_output(std::move(name), has_channels, std::move(ids),
                     [delay](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                       const Shape s = t.shape();
                       for (int64_t c = 0; c < s.c; ++c)
                         for (int64_t i = 0; i < s.h * s.w; ++i) {
                           const int64_t from = i - delay(c, s);
                           t.plane(0, c)[i] = from < 0 || from >= s.h * s.w ? 0 : right.plane(0, c)[from];
                         }
                     });
  };
  list.push_back(in_output("a half a row too low", is_any, {"output_part_moved"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const Shape s = t.shape();
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 0; y < s.h; ++y)
                                 for (int64_t x = s.w / 2; x < s.w; ++x)
                                   t(0, c, y, x) = y == 0 ? 0 : right(0, c, y - 1, x);
                           }));
  list.push_back(in_output("a value lost", is_any, {"output_late_from"},
                           [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const int64_t size = t.shape().h * t.shape().w;
                             for (int64_t c = 0; c < t.shape().c; ++c)
                               for (int64_t i = size / 3; i < size; ++i)
                                 t.plane(0, c)[i] = i + 1 < size ? right.plane(0, c)[i + 1] : 0;
                           }));
  list.push_back(lanes("systolic skew", [](I c, const Shape&) { return c; }, {"output_lanes_delayed"}));
  list.push_back(lanes("odd channels late", [](I c, const Shape&) { return c % 2; }, {"output_lanes_delayed"}));
  list.push_back(lanes("skew within four", [](I c, const Shape&) { return 2 * (c % 4); }, {"output_lanes_delayed"}));
  list.push_back(lanes("skew of groups", [](I c, const Shape&) { return c / 4; }, {"output_lanes_delayed"}));
  list.push_back(lanes("rows late by channel", [](I c, const Shape& s) { return c % 3 * s.w; }, {"output_lanes_rows"}));
  list.push_back(
      lanes("the second half late", [](I c, const Shape& s) { return c < s.c / 2 ? 0 : 3; }, {"output_lanes_delayed"}));
  list.push_back(lanes("each lane later, from the last", [](I c, const Shape& s) { return s.c - 1 - c; },
                       {"output_lanes_delayed"}));
  list.push_back(lanes("one channel early", [](I c, const Shape&) { return c == 3 ? -2 : 0; },
                       {"output_lanes_delayed", "channel_*", "output_*"}));
  return list;
}

/// Each pixel from the 3 by 3 around it, the edge repeated.
template <class F>
Kind filter(std::string name, std::set<std::string> ids, F f) {
  return in_output(std::move(name), is_any, std::move(ids),
                   [f](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
                     const Shape s = t.shape();
                     for (int64_t c = 0; c < s.c; ++c)
                       for (int64_t y = 0; y < s.h; ++y)
                         for (int64_t x = 0; x < s.w; ++x) {
                           t(0, c, y, x) = f([&](int64_t dy, int64_t dx) {
                             return right(0, c, std::clamp<int64_t>(y + dy, 0, s.h - 1),
                                          std::clamp<int64_t>(x + dx, 0, s.w - 1));
                           });
                         }
                   });
}

std::vector<Kind> kinds_of_filters() {
  std::vector<Kind> list;
  list.push_back(filter("half a pixel", {"output_filtered"},
                        [](const auto& at) { return (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4; }));
  list.push_back(filter("a box", {"output_filtered"}, [](const auto& at) {
    float sum = 0;
    for (int64_t y = -1; y <= 1; ++y)
      for (int64_t x = -1; x <= 1; ++x) sum += at(y, x);
    return sum / 9;
  }));
  list.push_back(filter("sharpened", {"output_filtered"}, [](const auto& at) {
    return 2 * at(0, 0) - (at(0, 1) + at(0, -1) + at(1, 0) + at(-1, 0)) / 4;
  }));
  list.push_back(filter("a difference", {"output_filtered"}, [](const auto& at) { return at(0, 0) - at(0, -1); }));
  list.push_back(filter("a strange one", {"output_filtered"},
                        [](const auto& at) { return 0.83F * at(0, 0) + 0.21F * at(-1, 0) - 0.134F * at(1, 1); }));
  list.push_back(in_output(
      "means of 2 by 2", is_any, {"output_pooled_2_2"},
      [](Tensor<float>& t, const Tensor<float>& right, const auto&, size_t, Random&) {
        const Shape s = t.shape();
        for (int64_t c = 0; c < s.c; ++c)
          for (int64_t y = 0; y < s.h; ++y)
            for (int64_t x = 0; x < s.w; ++x) {
              const int64_t a = y / 2 * 2, b = x / 2 * 2;
              t(0, c, y, x) =
                  (right(0, c, a, b) + right(0, c, a + 1, b) + right(0, c, a, b + 1) + right(0, c, a + 1, b + 1)) / 4;
            }
      }));
  list.push_back(in_output("rows added twice", is_any, {"output_lines_scaled", "sum_lines_scaled"},
                           [](Tensor<float>& t, const Tensor<float>&, const auto&, size_t, Random&) {
                             const Shape s = t.shape();
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 8; y < s.h; y += 8)
                                 for (int64_t r = y - 1; r <= y; ++r)
                                   for (int64_t x = 0; x < s.w; ++x) t(0, c, r, x) *= 2;
                           }));
  return list;
}

std::vector<Kind> kinds_of_curves() {
  std::vector<Kind> list;
  const auto curve = [&](std::string name, std::set<std::string> ids, auto f) {
    list.push_back(in_output(std::move(name), is_tail, std::move(ids),
                             [f](Tensor<float>& t, const auto&, const auto&, size_t, Random& r) {
                               const double p = real(r, 0.6, 1.7);
                               for (float& v : t.values()) v = static_cast<float>(f(static_cast<double>(v), p));
                             }));
  };
  for (int i = 0; i < 4; ++i) {
    curve("sRGB", {"output_to_srgb"},
          [](double v, double) { return v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055; });
    curve("gamma 2.2", {"output_gamma_2.2"}, [](double v, double) { return std::pow(v, 2.2); });
    curve("any power", {"output_power"}, [](double v, double p) { return std::pow(v, p); });
    curve("negative", {"output_negative", "output_scaled", "sum_scaled"}, [](double v, double) { return 1 - v; });
    curve("limited to full", {"output_limited_to_full", "sum_scaled"},
          [](double v, double) { return std::clamp((255 * v - 16) / 219, 0.0, 1.0); });
    curve("BT.709", {"output_from_bt709"},
          [](double v, double) { return v < 0.081 ? v / 4.5 : std::pow((v + 0.099) / 1.099, 1 / 0.45); });
    curve("full to limited", {"output_full_to_limited", "output_scaled", "sum_scaled"},
          [](double v, double) { return (219 * v + 16) / 255; });
  }
  return list;
}

TEST(Fit, NamesSources) { expect_named(kinds_of_sources(), 0.9); }
TEST(Fit, NamesLanes) { expect_named(kinds_of_lanes(), 0.9); }
TEST(Fit, NamesFilters) { expect_named(kinds_of_filters(), 0.9); }
TEST(Fit, NamesCurves) { expect_named(kinds_of_curves(), 0.9); }

TEST(Fit, NamesOutputsThatWrap) {
  const FitWorld& world = fit_worlds()[0];
  const size_t layer = world.model.layers.size() - 1;
  LayerLoops loops(world.model, layer);
  // As bright as to go beyond 1 somewhere.
  Tensor<float> features = world.values[layer];
  for (float& v : features.values()) v *= 1.7F;
  loops.activate = [](double v, auto) { return v - 256.0 / 255 * std::floor(v * 255 / 256); };
  const Tensor<float> wrapped = loops.run(features);
  const DiagnoseRequest request{
      .network = &world.model,
      .input = {},
      .dumps = {{dump_name(world.model.layers[layer - 1].name, "prelu"), "before.npy", {features}},
                {"preds", "found.npy", {wrapped}}}};
  const Diagnosis d = diagnose(request);
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"sum_wrapped"}) << d.verdict;
  EXPECT_NE(d.verdict.find("wrapped round modulo 256/255"), std::string::npos) << d.verdict;
}

TEST(Fit, TellsUnknownCurves) {
  const FitWorld& world = fit_worlds()[0];
  const size_t layer = world.model.layers.size() - 1;
  Tensor<float> bent = world.values.back();
  for (float& v : bent.values()) v = std::sin(2.5F * v) * v;
  const Diagnosis d = diagnose_layer(world, layer, bent);
  EXPECT_TRUE(d.mistakes.empty()) << d.verdict;
  EXPECT_TRUE(std::any_of(d.notes.begin(), d.notes.end(), [](const std::string& note) {
    return note.find("each value is a function (a curve) of the right one alone") != std::string::npos;
  }));
}

/// The picture that the first layer reads, changed by `change`.
Diagnosis with_input(const std::function<void(Tensor<float>&)>& change) {
  const FitWorld& world = fit_worlds()[0];
  Tensor<float> wrong = world.values[0];
  change(wrong);
  return diagnose_layer(world, 0, LayerLoops(world.model, 0).run(wrong));
}

TEST(Fit, NamesWhatWasDoneToTheInput) {
  const auto expect = [](const std::string& id, const std::function<void(Tensor<float>&)>& change) {
    const Diagnosis d = with_input(change);
    EXPECT_EQ(d.mistakes, std::vector<std::string>{id}) << d.verdict;
    EXPECT_NE(d.verdict.find("input"), std::string::npos);
  };
  expect("input_pooled_2_2", [](Tensor<float>& t) {
    for (int64_t y = 0; y < t.shape().h; y += 2)
      for (int64_t x = 0; x < t.shape().w; x += 2) {
        const float mean = (t(0, 0, y, x) + t(0, 0, y + 1, x) + t(0, 0, y, x + 1) + t(0, 0, y + 1, x + 1)) / 4;
        for (int64_t i = 0; i < 4; ++i) t(0, 0, y + i / 2, x + i % 2) = mean;
      }
  });
  expect("input_filtered", [](Tensor<float>& t) {
    const Tensor<float> was = t;
    for (int64_t y = 0; y < t.shape().h; ++y)
      for (int64_t x = 1; x < t.shape().w; ++x) t(0, 0, y, x) = (was(0, 0, y, x) + was(0, 0, y, x - 1)) / 2;
  });
  expect("input_rows_fields", [](Tensor<float>& t) {
    const Tensor<float> was = t;
    const int64_t half = (t.shape().h + 1) / 2;
    for (int64_t y = 0; y < t.shape().h; ++y)
      for (int64_t x = 0; x < t.shape().w; ++x) t(0, 0, y, x) = was(0, 0, y < half ? 2 * y : 2 * (y - half) + 1, x);
  });
}

TEST(Fit, TellsHowTheInputDiffers) {
  const Diagnosis d = with_input([](Tensor<float>& t) {
    for (int64_t y = 0; y < t.shape().h; ++y)
      for (int64_t x = 0; x < t.shape().w; ++x)
        if (y < 3 || y >= t.shape().h - 3) t(0, 0, y, x) = 16.0F / 255;
  });
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"input"});
  EXPECT_NE(d.verdict.find("differs from"), std::string::npos) << d.verdict;
  EXPECT_NE(d.verdict.find("the first 3 and the last 3 rows"), std::string::npos) << d.verdict;
  EXPECT_NE(d.verdict.find("are all 0.0627"), std::string::npos) << d.verdict;
}

}  // namespace
}  // namespace fsrcnn::test
