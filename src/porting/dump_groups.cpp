#include "porting/dump_groups.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

// How likely ways are before values are looked at.
constexpr double kByCount = 0.3, kByModules = 0.25, kByOrder = 0.15;
constexpr double kUsualFirst = 0.1;
constexpr double kComplete = 0.15;
constexpr double kTellsOne = 0.04;     // by which the best way must be better than another
constexpr double kLoneLikeness = 0.5;  // of a single file of no role, squared

std::optional<int64_t> as_number(const std::string& digits) {
  return digits.size() > 6 ? std::nullopt : std::optional<int64_t>(std::stoll(digits));
}

}  // namespace

std::vector<NetworkPlace> DumpGroup::counted(bool modules) const {
  std::vector<NetworkPlace> list;
  for (const NetworkPlace& layer : layers_) {
    if (modules && matcher_.bends(layer)) list.push_back({layer.layer, false});
    list.push_back(layer);
  }
  return list;
}

NetworkPlace DumpGroup::place_of(const Member& member, const NetworkPlace& layer) const {
  return matcher_.place_of(*member.candidate, layer, member.words.state);
}

/// The numbers count layers, or their modules.
void DumpGroup::by_count(bool modules, int64_t first) {
  // Where all numbers but the last are alike, they say nothing.
  std::vector<int64_t> numbers;
  for (const Member& m : members_) {
    const std::vector<std::string>& n = m.words.numbers;
    if (n.empty() || !std::equal(n.begin(), n.end() - 1, members_[0].words.numbers.begin(),
                                 members_[0].words.numbers.empty() ? members_[0].words.numbers.end()
                                                                   : members_[0].words.numbers.end() - 1)) {
      return;
    }
    const auto number = as_number(n.back());
    if (!number) return;
    numbers.push_back(*number - first);
  }
  const std::vector<NetworkPlace> list = counted(modules);
  Way way;
  for (size_t i = 0; i < members_.size(); ++i) {
    if (numbers[i] == -1 && !is_role_ && matcher_.fits_input(*members_[i].candidate)) {
      way.places.push_back({kNetworkInput, true});
      continue;
    }
    if (numbers[i] < 0 || numbers[i] >= std::ssize(list)) return;
    const NetworkPlace& place = list[static_cast<size_t>(numbers[i])];
    way.places.push_back(modules ? place : place_of(members_[i], place));
  }
  way.words = fmt::format("by its number, {} from {}",
                          modules ? "which counts convolutions and activations" : "counted", first);
  const bool is_usual = counts_from_zero_ == (first == 0);
  judge(std::move(way), (modules ? kByModules : kByCount) + (is_usual ? kUsualFirst : 0), !modules);
}

/// The numbers tell the order of all layers, or modules, by value or letter by letter: "conv2" is before "conv22" and
/// that before "conv3".
void DumpGroup::by_order(bool modules) {
  const std::vector<NetworkPlace> list = counted(modules);
  const auto by_value = [](const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
      return x.size() != y.size() ? x.size() < y.size() : x < y;
    });
  };
  std::vector<std::vector<std::string>> values, letters;
  for (const Member& m : members_) values.push_back(m.words.numbers);
  std::sort(values.begin(), values.end(), by_value);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  letters = values;
  std::sort(letters.begin(), letters.end());
  for (const auto& order : {values, letters}) {
    for (const size_t with_input : {size_t{0}, size_t{1}}) {
      // The output may bear another name.
      const size_t count = order.size() - std::min(with_input, order.size());
      if (count != list.size() && count + 1 != list.size()) continue;
      Way way;
      for (const Member& m : members_) {
        const auto rank = static_cast<size_t>(std::find(order.begin(), order.end(), m.words.numbers) - order.begin());
        if (rank < with_input) {
          if (is_role_ || !matcher_.fits_input(*m.candidate)) break;
          way.places.push_back({kNetworkInput, true});
        } else {
          const NetworkPlace& place = list[rank - with_input];
          way.places.push_back(modules ? place : place_of(m, place));
        }
      }
      if (way.places.size() != members_.size()) continue;
      way.words = "by its number, in the order of all";
      judge(std::move(way), kByOrder, false);
    }
  }
}

void DumpGroup::judge(Way way, double prior, bool counts_layers) {
  std::set<NetworkPlace> covered;
  double likeness = 0;
  bool is_known = false;
  for (size_t i = 0; i < members_.size(); ++i) {
    const DumpState state = members_[i].words.state;
    const NetworkPlace& place = way.places[i];
    if (place.layer < 0) continue;
    if (!matcher_.fits(*members_[i].candidate, place)) return;
    if (members_.size() == 1 && matcher_.is_taken(place)) return;
    if (matcher_.bends({place.layer, true}) &&
        ((state == DumpState::before && place.activated) || (state == DumpState::after && !place.activated))) {
      return;
    }
    covered.insert({place.layer, true});
    if (const auto like = matcher_.likeness(*members_[i].candidate, place)) {
      likeness += *like > 0 ? *like * *like : 0;
      is_known = true;
    }
  }
  if (covered.empty()) return;
  way.score = prior + kComplete * static_cast<double>(covered.size()) / static_cast<double>(layers_.size());
  const double mean = likeness / static_cast<double>(members_.size());
  if (is_known) way.score += mean;
  // One number alone may count anything.
  if (members_.size() == 1 && !counts_layers && (!is_known || mean < kLoneLikeness) &&
      !(is_role_ && layers_.size() == 1)) {
    return;
  }
  ways_.push_back(std::move(way));
}

bool DumpGroup::match() {
  for (const bool modules : {false, true}) {
    for (const int64_t first : {0, 1}) by_count(modules, first);
    by_order(modules);
  }
  if (ways_.empty()) return false;
  const auto best =
      std::max_element(ways_.begin(), ways_.end(), [](const Way& a, const Way& b) { return a.score < b.score; });
  for (const Way& other : ways_) {
    if (other.places != best->places && other.score > best->score - kTellsOne) return false;
  }
  for (size_t i = 0; i < members_.size(); ++i) {
    members_[i].candidate->place = best->places[i];
    members_[i].candidate->matched = best->words;
    members_[i].candidate->rank = DumpCandidate::Rank::number;
  }
  return true;
}

}  // namespace fsrcnn
