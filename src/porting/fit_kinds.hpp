#pragma once

// Mistakes of each kind with random numbers, planted in plain loops, at each kind of layer: what is named must be it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <set>

#include "network/builtin.hpp"
#include "porting/diagnose.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/layer_loops.hpp"
#include "support/networks.hpp"

namespace fsrcnn::test {

using Random = std::mt19937;

inline int64_t some(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}
inline double real(Random& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
}

/// A network, a picture and what each layer reads and gives when right.
struct FitWorld {
  std::string name;
  Network model;
  std::vector<Tensor<float>> values;  // the picture, then each layer's output
};

inline FitWorld fit_world(std::string name, Network model, const Tensor<float>& luma) {
  FitWorld world{std::move(name), std::move(model), {luma}};
  for (size_t i = 0; i < world.model.layers.size(); ++i) {
    world.values.push_back(LayerLoops(world.model, i).run(world.values.back()));
  }
  return world;
}

inline Tensor<float> photo(int64_t top, int64_t left, int64_t h, int64_t w) {
  const Tensor<float> whole = read_input(test_file("data/crop.png"));
  Tensor<float> part({1, 1, h, w});
  for (int64_t y = 0; y < h; ++y)
    for (int64_t x = 0; x < w; ++x) part(0, 0, y, x) = whole(0, 0, top + y, left + x);
  return part;
}

inline const std::vector<FitWorld>& fit_worlds() {
  static const std::vector<FitWorld> list = [] {
    std::vector<FitWorld> worlds;
    worlds.push_back(fit_world("real", *builtin_network("fsrcnn-x2"), photo(20, 30, 22, 26)));
    worlds.push_back(fit_world("random", random_network(16, 8, 2, 3, 5), photo(10, 10, 24, 30)));
    worlds.push_back(fit_world("large", random_network(12, 6, 1, 2, 8), photo(0, 0, 72, 88)));
    return worlds;
  }();
  return list;
}

inline Diagnosis diagnose_layer(const FitWorld& world, size_t layer, const Tensor<float>& wrong) {
  DiagnoseRequest request{.network = &world.model, .input = {}, .dumps = {}};
  const bool last = layer + 1 == world.model.layers.size();
  if (layer == 0) {
    request.input = world.values[0];
  } else {
    request.dumps.push_back(
        {dump_name(world.model.layers[layer - 1].name, "prelu"), "before.npy", {world.values[layer]}});
  }
  request.dumps.push_back({last ? "preds" : dump_name(world.model.layers[layer].name, "prelu"), "found.npy", {wrong}});
  return diagnose(request);
}

/// Changes the loops, or what they wrote, and says by which ids that may be named.
struct Kind {
  std::string name;
  std::function<bool(const FitWorld&, size_t layer)> fits;
  std::function<Tensor<float>(const FitWorld&, size_t layer, Random&)> plant;
  std::set<std::string> ids;  ///< or beginnings of ids that end with *; "says ...": words of a verdict without a cause
};

inline bool is_any(const FitWorld&, size_t) { return true; }
inline bool is_tail(const FitWorld& w, size_t layer) { return layer + 1 == w.model.layers.size(); }
inline bool has_channels(const FitWorld& w, size_t layer) { return !is_tail(w, layer); }
inline bool is_inner(const FitWorld& w, size_t layer) { return layer > 0 && !is_tail(w, layer); }
inline bool has_kernel(const FitWorld& w, size_t layer) { return w.model.layers[layer].weight.shape().h > 1; }
inline bool is_mapping(const FitWorld& w, size_t layer) {
  return has_channels(w, layer) && has_kernel(w, layer) && layer > 0;
}

inline const Tensor<float>& input_of(const FitWorld& w, size_t layer) { return w.values[layer]; }

template <class F>
Kind in_loops(std::string name, decltype(Kind::fits) fits, std::set<std::string> ids, F&& change) {
  return {std::move(name), std::move(fits),
          [change](const FitWorld& w, size_t layer, Random& random) {
            LayerLoops loops(w.model, layer);
            change(loops, w, layer, random);
            return loops.run(input_of(w, layer));
          },
          std::move(ids)};
}

template <class F>
Kind in_output(std::string name, decltype(Kind::fits) fits, std::set<std::string> ids, F&& change) {
  return {std::move(name), std::move(fits),
          [change](const FitWorld& w, size_t layer, Random& random) {
            const Tensor<float>& right = w.values[layer + 1];
            Tensor<float> wrong = right;
            change(wrong, right, w, layer, random);
            return wrong;
          },
          std::move(ids)};
}

/// A layer with a mistake at some places, and right at the others.
template <class Mistake, class Where>
Kind in_places(std::string name, decltype(Kind::fits) fits, std::set<std::string> ids, Mistake&& mistake,
               Where&& where) {
  return {std::move(name), std::move(fits),
          [mistake, where](const FitWorld& w, size_t layer, Random& random) {
            LayerLoops loops(w.model, layer);
            mistake(loops, w, layer, random);
            Tensor<float> to = loops.run(input_of(w, layer));
            const Tensor<float>& right = w.values[layer + 1];
            const Shape s = to.shape();
            for (int64_t c = 0; c < s.c; ++c)
              for (int64_t y = 0; y < s.h; ++y)
                for (int64_t x = 0; x < s.w; ++x)
                  if (!where(s, c, y, x)) to(0, c, y, x) = right(0, c, y, x);
            return to;
          },
          std::move(ids)};
}

inline bool is_expected(const std::set<std::string>& expected, const std::string& id) {
  return std::any_of(expected.begin(), expected.end(), [&](const std::string& e) {
    return e == id || (e.back() == '*' && id.starts_with(e.substr(0, e.size() - 1)));
  });
}

inline bool says(const std::string& verdict, const std::set<std::string>& expected) {
  return std::any_of(expected.begin(), expected.end(), [&](const std::string& e) {
    return e.starts_with("says ") && verdict.find(e.substr(5)) != std::string::npos;
  });
}

/// Each kind at one in so many of the layers where it can be made, in turn: at `fewest` or more.
inline void expect_named(const std::vector<Kind>& kinds, double at_least, int one_in = 3, int fewest = 21) {
  int count = 0, named = 0, wrong = 0, turn = 0;
  Random random(7);
  for (const FitWorld& world : fit_worlds()) {
    const size_t layers = world.model.layers.size();
    for (const Kind& kind : kinds) {
      for (const size_t layer : {size_t{0}, size_t{1}, size_t{2}, layers - 2, layers - 1}) {
        if (!kind.fits(world, layer) || turn++ % one_in != 0) continue;
        const Tensor<float> planted = kind.plant(world, layer, random), &right = world.values[layer + 1];
        float largest = 0, scale = 0;
        for (int64_t i = 0; i < right.count(); ++i) {
          largest = std::max(largest, std::abs(planted.data()[i] - right.data()[i]));
          scale = std::max(scale, std::abs(planted.data()[i]));
        }
        if (largest < 1e-4F * scale) continue;  // it is none
        const Diagnosis d = diagnose_layer(world, layer, planted);
        ++count;
        const bool is_named = d.mistakes.empty() ? says(d.verdict, kind.ids)
                                                 : d.mistakes.size() == 1 && is_expected(kind.ids, d.mistakes[0]);
        const bool is_wrong = !is_named && !d.mistakes.empty();
        named += is_named ? 1 : 0;
        wrong += is_wrong ? 1 : 0;
        if (!is_named) {
          std::printf("%s, %s at %s: %s\n  %s\n", world.name.c_str(), kind.name.c_str(),
                      world.model.layers[layer].name.c_str(), is_wrong ? "WRONG" : "unknown", d.verdict.c_str());
          for (const std::string& note : d.notes) std::printf("  note: %s\n", note.c_str());
        }
      }
    }
  }
  std::printf("%d of %d named, %d wrong\n", named, count, wrong);
  EXPECT_GE(count, fewest);
  EXPECT_GE(named, at_least * count);
  EXPECT_LE(wrong, 0.02 * count);
}

}  // namespace fsrcnn::test
