#include "porting/fit_kinds.hpp"

namespace fsrcnn::test {
namespace {

bool is_first(const FitWorld&, size_t layer) { return layer == 0; }

float largest_of(const Tensor<float>& t) {
  float largest = 0;
  for (const float v : t.values()) largest = std::max(largest, std::abs(v));
  return largest;
}

/// Each value as a word, changed.
Kind in_words(std::string name, std::set<std::string> ids, int bits, const std::function<int(int)>& change) {
  return in_output(std::move(name), has_channels, std::move(ids),
                   [=](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                     const float step = largest_of(right) / static_cast<float>((1 << (bits - 1)) - 1);
                     for (float& v : wrong.values()) {
                       v = static_cast<float>(change(static_cast<int>(std::lround(v / step)))) * step;
                     }
                   });
}

std::vector<Kind> kinds_of_words() {
  std::vector<Kind> list;
  list.push_back(in_words("bytes swapped", {"words_bytes_swapped"}, 16, [](int w) {
    const auto u = static_cast<uint16_t>(w);
    return static_cast<int>(static_cast<int16_t>(static_cast<uint16_t>(u << 8U | u >> 8U)));
  }));
  list.push_back(in_words("sign and magnitude", {"words_sign_and_magnitude", "output_wrapped"}, 12,
                          [](int w) { return w < 0 ? -2048 - w : w; }));
  list.push_back(in_words("bit 6 is stuck", {"words_bit_0"}, 12, [](int w) { return w & ~64; }));
  list.push_back(in_words("bit 5 is always set", {"words_bit_1"}, 12, [](int w) { return w | 32; }));
  list.push_back(in_output("small values are 0", has_channels, {"small_values_zeroed"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const float limit = 0.04F * largest_of(right);
                             for (float& v : wrong.values()) v = std::abs(v) < limit ? 0 : v;
                           }));
  list.push_back(in_output("three channels times the fourth", has_channels, {"channels_multiplied"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const Shape s = right.shape();
                             for (int64_t c = 0; c < s.c; ++c) {
                               if (c % 4 == 3 || c / 4 * 4 + 3 >= s.c) continue;
                               for (int64_t i = 0; i < s.h * s.w; ++i)
                                 wrong.plane(0, c)[i] *= right.plane(0, c / 4 * 4 + 3)[i];
                             }
                           }));
  list.push_back(in_output("the border is not computed", has_channels, {"output_border_ring_2"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const Shape s = right.shape();
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 0; y < s.h; ++y)
                                 for (int64_t x = 0; x < s.w; ++x)
                                   if (y < 2 || x < 2 || y >= s.h - 2 || x >= s.w - 2) wrong(0, c, y, x) = 0;
                           }));
  return list;
}

std::vector<Kind> kinds_of_memory() {
  std::vector<Kind> list;
  list.push_back(in_output("gaps between channels are ignored", has_channels, {"output_gaps_*"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                             std::vector<float> memory;
                             const int64_t size = right.shape().h * right.shape().w;
                             for (int64_t i = 0; i < right.count(); ++i) {
                               memory.push_back(right.data()[i]);
                               if (i % size == size - 1) memory.insert(memory.end(), 24, 0.0F);
                             }
                             std::copy_n(memory.begin(), right.count(), wrong.data());
                           }));
  list.push_back(in_output("a burst is sent twice", has_channels, {"output_run_repeated"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random& random) {
                             const int64_t at = some(random, 64, right.count() - 64);
                             std::copy_n(right.data() + at - 48, 48, wrong.data() + at);
                           }));
  list.push_back(in_output("sampled from corner to corner", has_channels, {"output_sampled_corners"},
                           [](Tensor<float>& wrong, const Tensor<float>& right, const auto&, size_t, Random&) {
                             const Shape s = right.shape();
                             const auto at = [](int64_t i, int64_t n) {
                               const double u = static_cast<double>(i) / static_cast<double>(n - 1);
                               return std::clamp(u * static_cast<double>(n) - 0.5, 0.0, static_cast<double>(n - 1));
                             };
                             for (int64_t c = 0; c < s.c; ++c)
                               for (int64_t y = 0; y < s.h; ++y)
                                 for (int64_t x = 0; x < s.w; ++x) {
                                   const double fy = at(y, s.h), fx = at(x, s.w);
                                   const auto y0 = static_cast<int64_t>(fy), x0 = static_cast<int64_t>(fx);
                                   const int64_t y1 = std::min(y0 + 1, s.h - 1), x1 = std::min(x0 + 1, s.w - 1);
                                   const double dy = fy - static_cast<double>(y0), dx = fx - static_cast<double>(x0);
                                   const double top = (1 - dx) * right(0, c, y0, x0) + dx * right(0, c, y0, x1);
                                   const double bottom = (1 - dx) * right(0, c, y1, x0) + dx * right(0, c, y1, x1);
                                   wrong(0, c, y, x) = static_cast<float>((1 - dy) * top + dy * bottom);
                                 }
                           }));
  list.push_back(in_loops("tiles with a stale halo", is_mapping, {"tile_halo_stale"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.read = [f = l.read](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
                              const int64_t first = ox / 8 * 8, end = std::min(first + 8, in.shape().w);
                              if (x >= first && x < end) return f(in, c, y, x, oy, ox);
                              return x < 8 && first == 0 && x < first ? 0.0 : f(in, c, y, x - 8, oy, ox);
                            };
                          }));
  list.push_back({"stamps overwrite each other",
                  is_tail,
                  [](const FitWorld& w, size_t layer, Random&) {
                    const Layer& l = w.model.layers[layer];
                    const Tensor<float>& in = input_of(w, layer);
                    const Shape s = in.shape(), k = l.weight.shape();
                    const int64_t scale = l.conv_transpose.stride.h, pad = l.conv_transpose.padding.h;
                    Tensor<float> out = w.values[layer + 1];
                    std::fill(out.values().begin(), out.values().end(), l.bias[0]);
                    for (int64_t y = 0; y < s.h; ++y)
                      for (int64_t x = 0; x < s.w; ++x)
                        for (int64_t ky = 0; ky < k.h; ++ky)
                          for (int64_t kx = 0; kx < k.w; ++kx) {
                            const int64_t oy = y * scale + ky - pad, ox = x * scale + kx - pad;
                            if (oy < 0 || ox < 0 || oy >= out.shape().h || ox >= out.shape().w) continue;
                            double sum = l.bias[0];
                            for (int64_t c = 0; c < s.c; ++c)
                              sum += static_cast<double>(in(0, c, y, x)) * l.weight(c, 0, ky, kx);
                            out(0, 0, oy, ox) = static_cast<float>(sum);
                          }
                    for (float& v : out.values()) v = std::clamp(v, 0.0F, 1.0F);
                    return out;
                  },
                  {"stamps_overwritten"}});
  return list;
}

std::vector<Kind> kinds_of_sums() {
  std::vector<Kind> list;
  list.push_back(in_loops("another threshold of the PReLU", is_inner, {"activation_threshold"},
                          [](LayerLoops& l, const FitWorld& w, size_t layer, Random&) {
                            const double at = 0.1 * largest_of(w.values[layer + 1]);
                            l.activate = [slope = w.model.layers[layer].slope, at](double sum, int64_t out) {
                              return sum > at ? sum : sum * slope[slope.size() == 1 ? 0 : static_cast<size_t>(out)];
                            };
                          }));
  list.push_back(in_loops("the accumulator is not cleared", is_inner, {"accumulator_not_cleared*"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.weight = [f = l.weight](int64_t o, int64_t i, int64_t y, int64_t x) {
                              double sum = 0;
                              for (int64_t k = 0; k <= o; ++k) sum += f(k, i, y, x);
                              return sum;
                            };
                          }));
  list.push_back(in_loops("the outermost pixels count as padding", is_mapping, {"input_border_ring_1"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.read = [f = l.read](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
                              const Shape s = in.shape();
                              return y > 0 && x > 0 && y < s.h - 1 && x < s.w - 1 ? f(in, c, y, x, oy, ox) : 0.0;
                            };
                          }));
  list.push_back(in_places(
      "a sign of Winograd's", is_mapping, {"winograd_sign"},
      [](LayerLoops& l, const auto&, size_t, Random&) {
        // y1 = m2 - m3 + m4 for m2 - m3 - m4.
        l.weight = [f = l.weight](int64_t o, int64_t i, int64_t y, int64_t x) {
          return x == 0 ? f(o, i, y, 0) + 2 * f(o, i, y, 2) : x == 2 ? -f(o, i, y, 2) : f(o, i, y, x);
        };
      },
      [](const Shape&, int64_t, int64_t, int64_t x) { return x % 2 == 1; }));
  list.push_back(in_loops("kernels closer together than they are read", is_mapping, {"kernels_pitch_*"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.weight = [f = l.weight, k = l.kernel, n = l.inputs](int64_t o, int64_t i, int64_t y,
                                                                                  int64_t x) {
                              const int64_t at = (o * n + i) * (k * k - 1) + y * k + x, kernel = at / (k * k);
                              return f(kernel / n, kernel % n, at / k % k, at % k);
                            };
                          }));
  list.push_back(in_loops("the kernels of the first input for all", is_mapping, {"kernels_of_one_input"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.weight = [f = l.weight](int64_t o, int64_t, int64_t y, int64_t x) {
                              return f(o, 0, y, x);
                            };
                          }));
  list.push_back(in_loops("the padding's corners are not cleared", is_mapping, {"padding_corners"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.read = [f = l.read](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
                              const Shape s = in.shape();
                              const bool corner = (y < 0 || y >= s.h) && (x < 0 || x >= s.w);
                              return corner ? 0.5 : f(in, c, y, x, oy, ox);
                            };
                          }));
  list.push_back(in_loops("the padding is garbage", is_mapping, {"padding_garbage"},
                          [](LayerLoops& l, const auto&, size_t, Random&) {
                            l.read = [f = l.read](const Tensor<float>& in, auto c, auto y, auto x, auto oy, auto ox) {
                              const Shape s = in.shape();
                              if (y >= 0 && x >= 0 && y < s.h && x < s.w) return f(in, c, y, x, oy, ox);
                              return std::sin(12.9898 * static_cast<double>(c * 977 + y * 131 + x * 17));
                            };
                          }));
  return list;
}

/// The first layer reads a picture that was changed.
template <class F>
Kind in_picture(std::string name, std::set<std::string> ids, F&& change) {
  return {std::move(name), is_first,
          [change](const FitWorld& w, size_t layer, Random&) {
            Tensor<float> picture = w.values[0];
            change(picture);
            return LayerLoops(w.model, layer).run(picture);
          },
          std::move(ids)};
}

std::vector<Kind> kinds_of_pictures() {
  std::vector<Kind> list;
  list.push_back(in_picture("another picture", {"input_other_picture"}, [](Tensor<float>& p) {
    const Shape s = p.shape();
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x)
        p(0, 0, y, x) =
            static_cast<float>(0.5 + 0.4 * std::sin(1.7 * static_cast<double>(x) + 2.3 * static_cast<double>(y * y)));
  }));
  list.push_back(in_picture("a ghost", {"input_blended_*"}, [](Tensor<float>& p) {
    const Tensor<float> t = p;
    const Shape s = t.shape();
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) p(0, 0, y, x) = 0.75F * t(0, 0, y, x) + 0.25F * t(0, 0, y, (x - 3 + s.w) % s.w);
  }));
  list.push_back(in_picture("equalised", {"input_tone_curve"}, [](Tensor<float>& p) {
    std::vector<float> sorted = p.values();
    std::sort(sorted.begin(), sorted.end());
    for (float& v : p.values()) {
      const auto rank = std::upper_bound(sorted.begin(), sorted.end(), v) - sorted.begin();
      v = static_cast<float>(rank) / static_cast<float>(sorted.size());
    }
  }));
  list.push_back(in_picture("a JPEG", {"input_jpeg"}, [](Tensor<float>& p) {
    const Shape s = p.shape();
    const auto wave = [](int64_t k, int64_t i) {
      return std::sqrt((k == 0 ? 1 : 2) / 8.0) *
             std::cos(3.141592653589793 * (2 * static_cast<double>(i) + 1) * static_cast<double>(k) / 16);
    };
    for (int64_t top = 0; top + 8 <= s.h; top += 8)
      for (int64_t left = 0; left + 8 <= s.w; left += 8) {
        double f[64];  // NOLINT(*-c-arrays)
        for (int64_t v = 0; v < 8; ++v)
          for (int64_t u = 0; u < 8; ++u) {
            double sum = 0;
            for (int64_t y = 0; y < 8; ++y)
              for (int64_t x = 0; x < 8; ++x) sum += wave(v, y) * wave(u, x) * p(0, 0, top + y, left + x) * 255;
            const double step = 8 + 4 * static_cast<double>(u + v);
            f[v * 8 + u] = std::nearbyint(sum / step) * step;
          }
        for (int64_t y = 0; y < 8; ++y)
          for (int64_t x = 0; x < 8; ++x) {
            double sum = 0;
            for (int64_t k = 0; k < 64; ++k) sum += wave(k / 8, y) * wave(k % 8, x) * f[k];
            p(0, 0, top + y, left + x) = static_cast<float>(std::nearbyint(sum) / 255);
          }
      }
  }));
  return list;
}

TEST(Fit, NamesMisreadWords) { expect_named(kinds_of_words(), 0.9, 1); }
TEST(Fit, NamesWhatIsElsewhereInMemory) { expect_named(kinds_of_memory(), 0.9, 1); }
TEST(Fit, NamesWrongSums) { expect_named(kinds_of_sums(), 0.9, 1); }
TEST(Fit, NamesWhatWasDoneToThePicture) { expect_named(kinds_of_pictures(), 0.75, 1, 8); }

// The layer must know the picture: it is given beside the map that the last layer reads.
TEST(Fit, NamesASkipAroundTheNetwork) {
  const FitWorld& world = fit_worlds()[0];
  const size_t last = world.model.layers.size() - 1;
  LayerLoops loops(world.model, last);
  loops.activate = [](double sum, int64_t) { return sum; };
  Tensor<float> output = loops.run(world.values[last]);
  const Shape s = output.shape();
  for (int64_t y = 0; y < s.h; ++y)
    for (int64_t x = 0; x < s.w; ++x)
      output(0, 0, y, x) = std::clamp(output(0, 0, y, x) + world.values[0](0, 0, y / 2, x / 2), 0.0F, 1.0F);
  const Diagnosis d = diagnose({.network = &world.model,
                                .input = world.values[0],
                                .dumps = {{"mid", "mid.npy", {world.values[last]}}, {"preds", "out.npy", {output}}}});
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"skip_around_network_nearest"}) << d.verdict;
}

}  // namespace
}  // namespace fsrcnn::test
