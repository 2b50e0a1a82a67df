// What a layer that is computed by Winograd's algorithm may do otherwise to its terms.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "porting/mistakes.hpp"

namespace fsrcnn {
namespace {

/// A term of Winograd's F(2, 3): two outputs of four pixels and three kernel values. As kernel values of its output.
struct Term {
  const char* words;
  int64_t phase;  ///< of which of the two outputs
  std::array<float, 3> (*taps)(float a, float b, float c);
};
constexpr std::array<Term, 6> kTerms = {{{"(d0 - d2) g0", 0,
                                          [](float a, float, float) {
                                            return std::array{a, 0.0F, -a};
                                          }},
                                         {"(d1 + d2) (g0 + g1 + g2) / 2", 0,
                                          [](float a, float b, float c) {
                                            return std::array{0.0F, (a + b + c) / 2, (a + b + c) / 2};
                                          }},
                                         {"(d2 - d1) (g0 - g1 + g2) / 2", 0,
                                          [](float a, float b, float c) {
                                            return std::array{0.0F, (b - a - c) / 2, (a - b + c) / 2};
                                          }},
                                         {"(d1 + d2) (g0 + g1 + g2) / 2", 1,
                                          [](float a, float b, float c) {
                                            return std::array{(a + b + c) / 2, (a + b + c) / 2, 0.0F};
                                          }},
                                         {"(d2 - d1) (g0 - g1 + g2) / 2", 1,
                                          [](float a, float b, float c) {
                                            return std::array{(a - b + c) / 2, (b - a - c) / 2, 0.0F};
                                          }},
                                         {"(d1 - d3) g2", 1, [](float, float, float c) {
                                            return std::array{-c, 0.0F, c};
                                          }}}};

/// What of its terms is wrong: each times a factor.
using WrongTerms = std::vector<std::pair<Term, float>>;

/// What the kernels are for one of two outputs along rows (columns).
void put_wrong_terms(Tensor<float>& weight, const WrongTerms& terms, bool along_rows, int64_t phase) {
  const Shape w = weight.shape();
  for (int64_t kernel = 0; kernel < w.n * w.c; ++kernel) {
    float* const values = weight.data() + kernel * w.h * w.w;
    for (int64_t line = 0; line < (along_rows ? w.h : w.w); ++line) {
      const int64_t first = along_rows ? line * w.w : line, step = along_rows ? 1 : w.w;
      const float a = values[first], b = values[first + step], c = values[first + 2 * step];
      for (const auto& [term, factor] : terms) {
        if (term.phase != phase) continue;
        const auto taps = term.taps(a, b, c);
        for (int64_t i = 0; i < 3; ++i) values[first + i * step] += (factor - 1) * taps[static_cast<size_t>(i)];
      }
    }
  }
}

Tensor<float> with_wrong_terms(const LayerPort& port, const Tensor<float>& input, const WrongTerms& terms, bool rows,
                               bool columns) {
  LayerPort plain = port;
  plain.convolve = nullptr;
  Tensor<float> result = convolved(plain, input);
  const Shape s = result.shape();
  for (int64_t py = 0; py < (columns ? 2 : 1); ++py)
    for (int64_t px = 0; px < (rows ? 2 : 1); ++px) {
      plain.weight = port.weight;
      if (rows) put_wrong_terms(plain.weight, terms, true, px);
      if (columns) put_wrong_terms(plain.weight, terms, false, py);
      if (plain.weight == port.weight) continue;
      const Tensor<float> wrong = convolved(plain, input);
      for (int64_t c = 0; c < s.c; ++c)
        for (int64_t y = py; y < s.h; y += columns ? 2 : 1)
          for (int64_t x = px; x < s.w; x += rows ? 2 : 1) result(0, c, y, x) = wrong(0, c, y, x);
    }
  return result;
}

}  // namespace

std::vector<Mistake> mistakes_in_winograd(const LayerPort& port) {
  std::vector<Mistake> list;
  const Shape w = port.weight.shape();
  if (!is_plain_convolution(port)) return list;
  for (const auto& [rows, columns] : {std::pair(true, false), {false, true}, {true, true}}) {
    if ((rows && w.w != 3) || (columns && w.h != 3)) continue;
    const std::string name = rows && columns ? "F(2x2, 3x3)" : rows ? "F(2, 3) along rows" : "F(2, 3) along columns";
    const auto put = [&, rows = rows, columns = columns](const char* id, const std::string& what,
                                                         const WrongTerms& terms) {
      list.push_back({fmt::format("winograd_{}", id), fmt::format("of Winograd's {}, {}", name, what), "sums", true,
                      [=](LayerPort& p) {
                        p.convolve = [=](const LayerPort& right, const Tensor<float>& x) {
                          return with_wrong_terms(right, x, terms, rows, columns);
                        };
                      },
                      0.4});
    };
    const auto halves = [&](const char* what, float factor) {
      put("halves", fmt::format("the halves of the kernel's transform are {}", what),
          {{kTerms[1], factor}, {kTerms[2], factor}, {kTerms[3], factor}, {kTerms[4], factor}});
    };
    halves("missing", 2);
    halves("taken twice", 0.5F);
    if (rows && columns) continue;
    for (const Term& term : kTerms) {
      for (const float factor : {-1.0F, 0.0F}) {
        put(factor < 0 ? "sign" : "missing",
            fmt::format("the term {} of the {} of two outputs {} (each second {}, from {} on)", term.words,
                        term.phase == 0 ? "first" : "second", factor < 0 ? "has the wrong sign" : "is missing",
                        rows ? "column" : "row", term.phase),
            {{term, factor}});
      }
    }
  }
  return list;
}

}  // namespace fsrcnn
