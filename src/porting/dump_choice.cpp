// Of several dumps of one place: which is compared.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/dump_matcher.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {
namespace {

constexpr double kMoreAlike = 0.02;    // correlation of values
constexpr double kIsActivated = 1e-4;  // of full scale

}  // namespace

void DumpMatcher::settle(std::vector<DumpCandidate>& all) const {
  const auto at = [&](const NetworkPlace& place) {
    std::vector<DumpCandidate*> there;
    for (DumpCandidate& c : all) {
      if (c.place == place) there.push_back(&c);
    }
    return there;
  };
  std::vector<NetworkPlace> places = {{kNetworkInput, true}};
  for (const NetworkPlace& layer : places_) {
    places.push_back({layer.layer, false});
    places.push_back(layer);
  }
  const auto same = [](const DumpCandidate& a, const DumpCandidate& b) {
    return a.tensor.to_float().values() == b.tensor.to_float().values();
  };
  // One may be what the activation makes of the other.
  for (const NetworkPlace& place : places) {
    const NetworkPlace sibling{place.layer, !place.activated};
    if (!bends(place)) continue;
    for (DumpCandidate* const c : at(place)) {
      if (at(place).size() < 2 || !at(sibling).empty()) break;
      for (const DumpCandidate* const other : at(place)) {
        const DumpCandidate& before = place.activated ? *c : *other;
        const DumpCandidate& after = place.activated ? *other : *c;
        if (c == other || !is_activation_of(after, before, place)) continue;
        c->place = sibling;
        c->matched =
            fmt::format("by its values: {} is {} the activation", c->file, place.activated ? "before" : "after");
        break;
      }
    }
  }
  for (const NetworkPlace& place : places) {
    const std::vector<DumpCandidate*> there = at(place);
    if (there.size() < 2) continue;
    const auto surer = [&](const DumpCandidate* a, const DumpCandidate* b) {
      if (a->rank != b->rank) return a->rank < b->rank;
      return likeness(*a, place).value_or(0) > likeness(*b, place).value_or(0) + kMoreAlike;
    };
    DumpCandidate* const chosen = *std::min_element(there.begin(), there.end(), surer);
    for (DumpCandidate* const c : there) {
      if (c == chosen) continue;
      if (same(*c, *chosen)) {
        c->lost = fmt::format("the same as {}", chosen->file);
        continue;
      }
      const std::string where =
          place.layer < 0 ? "the input" : fmt::format("{} {}", layer_of(network_, place), step_of(network_, place));
      const char* const why = c->rank > chosen->rank ? "whose name says it more surely"
                              : surer(chosen, c)     ? "whose values are more like the network's"
                                                     : "the first of them";
      c->lost = fmt::format(
          "another dump of the same place, {}: {} is compared, {}; keep the one that counts, or give "
          "--feature LAYER=FILE",
          where, chosen->file, why);
    }
  }
}

bool DumpMatcher::is_activation_of(const DumpCandidate& after, const DumpCandidate& before,
                                   const NetworkPlace& place) const {
  const auto layer = static_cast<size_t>(place.layer);
  LayerPort port = right_port(network_, layer);
  port.convolves = false;
  const int64_t channels = shape_at(network_, place).channels;
  const Shape s = before.tensor.shape();
  if (after.tensor.shape() != s || s.n != 1 || s.c != channels) return false;
  const Tensor<float> values = after.tensor.to_float(), made = compute(port, before.tensor.to_float());
  float largest = 0, full = 0, moved = 0;
  const Tensor<float> from = before.tensor.to_float();
  for (int64_t i = 0; i < values.count(); ++i) {
    largest = std::max(largest, std::abs(made.data()[i] - values.data()[i]));
    full = std::max(full, std::abs(values.data()[i]));
    moved = std::max(moved, std::abs(from.data()[i] - values.data()[i]));
  }
  return largest <= kIsActivated * full && moved > kIsActivated * full;
}

}  // namespace fsrcnn
