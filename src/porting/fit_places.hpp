#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "porting/layer_case.hpp"

namespace fsrcnn {

/// Places of the output (flat indices) by which rules of where values come from are judged: most of them differ, and
/// none is flat, for what is flat moves and stays the same.
class JudgedPlaces {
 public:
  explicit JudgedPlaces(const LayerCase& layer, size_t differing = 64, size_t any = 32) : layer_(layer) {
    const Tensor<float>&found = layer.found(), &right = layer.right();
    const int64_t width = found.shape().w;
    if (found.shape() != right.shape() || found.count() < 16 || width < 2) return;
    std::mt19937 generator(11);
    const float* f = found.data();
    size_t wrong = 0, same = 0;
    for (int i = 0; i < 20000 && (wrong < differing || same < any); ++i) {
      const auto at = static_cast<int64_t>(generator() % static_cast<uint64_t>(found.count()));
      const int64_t next = at % width + 1 < width ? at + 1 : at - 1;
      const bool differs = std::abs(f[at] - right.data()[at]) > layer.tolerance();
      if (!differs && std::abs(f[at] - f[next]) <= 4 * layer.tolerance()) continue;
      if (differs ? wrong >= differing : same >= any) continue;
      (differs ? wrong : same) += 1;
      places_.push_back(at);
    }
    if (wrong < 8) places_.clear();
  }

  bool empty() const { return places_.empty(); }

  static constexpr int64_t kAny = -2;

  /// Whether nearly all are the right value of where `source` (flat index -> flat index; below 0: zero; kAny: it does
  /// not say) says, and it says something of the half of them.
  template <class Source>
  bool agree(Source&& source) const {
    size_t bad = 0, unsaid = 0;
    for (const int64_t at : places_) {
      const int64_t from = source(at);
      if (from == kAny) {
        if (2 * ++unsaid > places_.size()) return false;
        continue;
      }
      const float value = from < 0 ? 0 : layer_.right().data()[from];
      if (std::abs(layer_.found().data()[at] - value) <= layer_.tolerance()) continue;
      if (++bad > places_.size() / 10) return false;
    }
    return true;
  }

  /// The same for what `value` (flat index -> value) says.
  template <class Value>
  bool agree_in_value(Value&& value) const {
    size_t bad = 0;
    for (const int64_t at : places_) {
      if (std::abs(layer_.found().data()[at] - value(at)) <= layer_.tolerance()) continue;
      if (++bad > places_.size() / 10) return false;
    }
    return true;
  }

 private:
  const LayerCase& layer_;
  std::vector<int64_t> places_;
};

}  // namespace fsrcnn
