#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

std::vector<Kind> kinds_of_steps() {
  std::vector<Kind> list;
  list.push_back(in_loops(
      "negative inputs skipped", [](const FitWorld&, size_t layer) { return layer > 0; }, {"input_negative_skipped"},
      [](LayerLoops& l, const auto&, size_t, Random&) {
        l.read = [f = l.read](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
          return std::max(0.0, f(in, c, y, x, oy, ox));
        };
      }));
  list.push_back(in_loops(
      "the window stays inside", is_mapping, {"window_kept_inside"}, [](LayerLoops& l, const auto&, size_t, Random&) {
        l.read = [f = l.read, r = l.kernel / 2](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
          const Shape s = in.shape();
          const int64_t cy = std::clamp<int64_t>(oy, r, s.h - 1 - r);
          const int64_t cx = std::clamp<int64_t>(ox, r, s.w - 1 - r);
          return f(in, c, y - oy + cy, x - ox + cx, cy, cx);
        };
      }));
  list.push_back(in_loops("a ring of lines that is not turned", is_mapping, {"ring_of_lines_*"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.read = [f = l.read, k = l.kernel](const Tensor<float>& in, auto c, auto y, auto x,
                                                                auto oy, auto ox) {
                              const int64_t first = oy - k / 2, line = y - first;
                              return f(in, c, first + (line + k - oy % k) % k, x, oy, ox);
                            };
                          }));
  list.push_back(in_loops("the sign is taken before the bias", is_inner, {"sign_before_bias"},
                          [](LayerLoops& l, const auto& w, size_t layer, Random&) {
                            l.activate = [bias = w.model.layers[layer].bias, slope = w.model.layers[layer].slope](
                                             double sum, int64_t out) {
                              const auto c = static_cast<size_t>(out);
                              return sum < bias[c] ? sum * slope[slope.size() == 1 ? 0 : c] : sum;
                            };
                          }));
  list.push_back(in_loops(
      "kernels packed in fours",
      [](const FitWorld& w, size_t layer) {
        return is_mapping(w, layer) && w.model.layers[layer].weight.shape().n % 4 == 0;
      },
      {"kernels_packed_*", "kernels_unpacked_*"},
      [](LayerLoops& l, const auto&, size_t, Random&) {
        const int64_t each = l.inputs * l.kernel * l.kernel;
        l.weight = [f = l.weight, each, k = l.kernel](int64_t o, int64_t i, int64_t y, int64_t x) {
          // Read plainly: four outputs lie side by side.
          const int64_t at = (o % 4) * each + (i * k + y) * k + x, value = at / 4;
          return f(o / 4 * 4 + at % 4, value / (k * k), value / k % k, value % k);
        };
      }));
  return list;
}

std::vector<Kind> kinds_at_places() {
  std::vector<Kind> list;
  list.push_back(in_places(
      "the bias is missing in the lower half", is_inner, {"bias_missing_in_places"},
      [](LayerLoops& l, const auto&, size_t, Random&) { l.bias = [](int64_t) { return 0.0; }; },
      [](const Shape& s, int64_t, int64_t y, int64_t) { return y >= s.h / 2; }));
  list.push_back(in_places(
      "the last columns are not activated", is_inner, {"activation_missing_in_places"},
      [](LayerLoops& l, const auto&, size_t, Random&) { l.activate = [](double sum, int64_t) { return sum; }; },
      [](const Shape& s, int64_t, int64_t, int64_t x) { return x >= s.w - s.w % 8 - (s.w % 8 == 0 ? 8 : 0); }));
  list.push_back(in_places(
      "every second kernel is turned", is_mapping, {"kernel_not_turned_in_places", "kernel_turned_in_places"},
      [](LayerLoops& l, const auto&, size_t, Random&) {
        l.weight = [f = l.weight, k = l.kernel](int64_t o, int64_t i, int64_t y, int64_t x) {
          return f(o, i, k - 1 - y, k - 1 - x);
        };
      },
      [](const Shape&, int64_t c, int64_t, int64_t) { return c % 2 == 1; }));
  list.push_back(in_places(
      "one phase is not turned", is_tail, {"kernel_not_turned_in_places"},
      [](LayerLoops& l, const auto&, size_t, Random&) {
        l.weight = [f = l.weight, k = l.kernel](int64_t o, int64_t i, int64_t y, int64_t x) {
          return f(o, i, k - 1 - y, k - 1 - x);
        };
      },
      [](const Shape&, int64_t, int64_t y, int64_t x) { return y % 2 == 1 && x % 2 == 1; }));
  return list;
}

TEST(Fit, NamesStepsWithinALayer) { expect_named(kinds_of_steps(), 0.9, 1); }
TEST(Fit, NamesMistakesAtSomePlaces) { expect_named(kinds_at_places(), 0.9, 1); }

}  // namespace
}  // namespace fsrcnn::test
