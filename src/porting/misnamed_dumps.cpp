#include "porting/misnamed_dumps.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "porting/judging.hpp"

namespace fsrcnn {
namespace {

struct Moved {
  std::string file;
  NetworkPlace named, found;
  bool agrees = false;
};

/// What a dump should be by the dumps before it, NCHW as they are; empty: unknown.
std::optional<Tensor<float>> expected_at(const DumpedNetwork& dumped, const NetworkPlace& place) {
  try {
    return dumped.value_of(place);
  } catch (const Error&) {  // a dump before it is of another shape
    return std::nullopt;
  }
}

}  // namespace

std::optional<Exchanged> exchange_misnamed(const Network& network, DumpedNetwork& dumped, double tolerance) {
  std::vector<PlacedDump>& dumps = dumped.dumps();
  std::vector<Moved> moved;
  for (size_t i = 0; i < dumps.size(); ++i) moved.push_back({dumps[i].file, dumps[i].place, dumps[i].place});
  const auto agrees = [&](const PlacedDump& dump, const Tensor<float>& expected) {
    return largest_difference(dump.values, expected) <=
           tolerance * std::max(full_scale(dump.values), 1e-30) + dump.quantum / 2 * 1.001;
  };
  bool any = false;
  for (size_t i = 1; i + 1 < dumps.size(); ++i) {
    const bool has_alike =
        std::any_of(dumps.begin() + static_cast<std::ptrdiff_t>(i) + 1, dumps.end(),
                    [&](const auto& d) { return d.values.shape() == dumps[i].values.shape() && !d.is_picture; });
    if (!has_alike) continue;
    const auto expected = expected_at(dumped, dumps[i].place);
    if (!expected || agrees(dumps[i], *expected)) continue;
    for (size_t k = i + 1; k < dumps.size(); ++k) {
      if (dumps[k].values.shape() != expected->shape() || !agrees(dumps[k], *expected)) continue;
      // Of one layer's two sides that are alike nothing is exchanged.
      if (agrees(dumps[i], dumps[k].values)) break;
      std::swap(dumps[i], dumps[k]);
      std::swap(dumps[i].place, dumps[k].place);
      std::swap(moved[i], moved[k]);
      std::swap(moved[i].found, moved[k].found);
      moved[i].agrees = any = true;
      break;
    }
  }
  if (!any) return std::nullopt;
  Exchanged result;
  std::vector<std::string> parts;
  size_t strangers = 0;
  for (size_t i = 0; i < dumps.size(); ++i) {
    const Moved& m = moved[i];
    if (m.named == m.found) continue;
    const auto expected = expected_at(dumped, m.found);
    if (!expected || !agrees(dumps[i], *expected)) {
      ++strangers;
      continue;
    }
    if (result.layer.empty()) result.layer = layer_of(network, m.found);
    const auto name = [&](const NetworkPlace& place) {
      return fmt::format("{} ({})", layer_of(network, place), step_of(network, place));
    };
    parts.push_back(fmt::format("{} holds the output of {}, not of {}", m.file, name(m.found), name(m.named)));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    result.sentence += i == 0 ? "" : i + 1 == parts.size() ? ", and " : ", ";
    result.sentence += parts[i];
  }
  result.sentence += parts.size() == 2 && strangers == 0 ? ": the two files are exchanged." : ".";
  return result;
}

}  // namespace fsrcnn
