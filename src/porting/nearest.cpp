#include "porting/nearest.hpp"

#include <algorithm>
#include <utility>

namespace fsrcnn {
namespace {

constexpr size_t kNearest = 4;  // of each measure

/// One mistake by two names: the simpler one stands for both.
bool has_same_effect(const Residual& a, const Residual& b) {
  return a.rms == b.rms && a.largest == b.largest && a.explained == b.explained;
}

}  // namespace

std::vector<Tried> nearest(const std::vector<Tried>& tried, const Residual& whole, const Residual& part) {
  std::vector<Tried> list;
  // `enough`: the share of what the right layers leave that a mistake may leave.
  const auto take = [&](const auto& left, double enough) {
    std::vector<std::pair<double, const Tried*>> sorted;
    for (const Tried& t : tried) {
      if (t.mistake->family == "values") continue;
      const Residual& base = t.mistake->local ? part : whole;
      const double share = left(t.residual) / std::max(left(base), 1e-30);
      if (!base.fits || share < enough) sorted.emplace_back(base.fits ? share : left(t.residual), &t);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second->mistake->numbers < b.second->mistake->numbers;
    });
    size_t taken = 0;
    const Residual* before = nullptr;
    for (const auto& [share, t] : sorted) {
      if (before != nullptr && has_same_effect(*before, t->residual)) continue;
      before = &t->residual;
      const auto is_there = [&, t = t](const Tried& other) { return other.mistake == t->mistake; };
      if (std::none_of(list.begin(), list.end(), is_there)) list.push_back(*t);
      if (++taken == kNearest) break;
    }
  };
  take([](const Residual& r) { return r.rms; }, 0.95);
  take([](const Residual& r) { return r.unlike; }, 0.8);
  take([](const Residual& r) { return 1 - r.explained; }, 0.97);
  return list;
}

}  // namespace fsrcnn
