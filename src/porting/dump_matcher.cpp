#include "porting/dump_matcher.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "engine/reference_network.hpp"
#include "porting/dump_groups.hpp"
#include "porting/layer_port.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

constexpr double kAlikePlace = 0.8, kFarMoreAlike = 0.1;  // correlation of values that tell a place alone
constexpr double kTellsActivation = 0.02;                 // difference of squared correlations

}  // namespace

void DumpMatcher::match(std::vector<DumpCandidate>& all) {
  all_ = &all;
  for (DumpCandidate& c : all) {
    c.place = parse_place(network_, c.name);
    if (c.place && is_counted_from_zero(*c.place)) c.place.reset();
    if (!c.place && fits_any(c)) by_key(c);
  }
  by_words(all, false);
  find_pixels(all);
  by_number_of_others(all);
  by_number(all);
  by_words(all, true);
  for (DumpCandidate& c : all) {
    if (!c.place) by_shape(c, all);
  }
  for (DumpCandidate& c : all) {
    if (!c.place) by_values(c, all);
  }
  by_before_and_after(all);
  // Depth to space's own dump is compared, rather than that of the convolution before it.
  for (DumpCandidate& c : all) {
    const auto is_shuffled = [&](const DumpCandidate& o) { return o.place == c.place && !comes_before_shuffle(o); };
    if (c.place && comes_before_shuffle(c) && std::any_of(all.begin(), all.end(), is_shuffled)) c.place.reset();
  }
  settle(all);
  all_ = nullptr;
}

bool DumpMatcher::is_taken(const NetworkPlace& place) const {
  return std::any_of(all_->begin(), all_->end(), [&](const DumpCandidate& o) { return o.place == place; });
}

bool DumpMatcher::is_counted_from_zero(const NetworkPlace& place) const {
  const std::vector<std::string> words = tokens_of(layer_of(network_, place));
  if (words.size() < 2 || !is_number(words.back())) return false;
  return std::any_of(all_->begin(), all_->end(), [&](const DumpCandidate& o) {
    const std::vector<std::string> tokens = tokens_of(o.name);
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i] == words[0] && tokens[i + 1] == "0") return true;
    }
    return false;
  });
}

bool DumpMatcher::comes_before_shuffle(const DumpCandidate& c) const {
  return is_before_depth_to_space(network_, *c.place, c.tensor.shape());
}

bool DumpMatcher::names_layer(const DumpCandidate& c, const NetworkPlace& place) const {
  const std::string name = dump_name(c.name.substr(c.name.rfind('/') + 1), "");
  return name.find(dump_name(layer_of(network_, place), "")) != std::string::npos;
}

std::string DumpMatcher::layer_of_step(const DumpCandidate& c) const {
  const auto place = std::find_if(places_.begin(), places_.end(), [&](const auto& p) { return names_layer(c, p); });
  return place == places_.end() ? "" : layer_of(network_, *place);
}

std::string DumpMatcher::reason(const DumpCandidate& c) const {
  if (!c.lost.empty()) return c.lost;
  if (is_step(c)) return fmt::format("a step within {}", layer_of_step(c));
  const std::vector<std::string> fitting = layers_that_fit(c);
  if (fitting.empty()) {
    return fmt::format("its name matches no layer, and its shape {} fits none", to_string(c.tensor.shape()));
  }
  return fmt::format("its name matches no layer, and its shape {} fits several ({} to {}); give --feature LAYER=FILE",
                     to_string(c.tensor.shape()), fitting.front(), fitting.back());
}

bool DumpMatcher::fits(const DumpCandidate& c, const NetworkPlace& place) const {
  const auto [channels, scale] = shape_at(network_, place);
  const int64_t values = c.tensor.count(), area = channels * scale * scale;
  if (c.is_picture && is_output(network_, place)) {
    const Shape s = c.tensor.shape();
    return pixels_ == 0 || s.h * s.w == pixels_ * scale * scale;
  }
  if (pixels_ > 0) return values == pixels_ * area;
  const Shape s = c.tensor.shape();
  return c.tensor.has_shape ? s.c == channels || s.w == channels || is_before_depth_to_space(network_, place, s)
                            : values % area == 0;
}

bool DumpMatcher::fits_any(const DumpCandidate& c) const {
  return std::any_of(places_.begin(), places_.end(), [&](const auto& place) { return fits(c, place); });
}

std::vector<std::string> DumpMatcher::layers_that_fit(const DumpCandidate& c) const {
  std::vector<std::string> names;
  for (const NetworkPlace& place : places_) {
    if (fits(c, place)) names.push_back(layer_of(network_, place));
  }
  return names;
}

bool DumpMatcher::bends(const NetworkPlace& layer) const {
  if (layer.layer < 0) return false;
  const auto index = static_cast<size_t>(layer.layer);
  return network_.layers[depth_to_space_after(network_, index).value_or(index)].activation != Layer::Activation::none;
}

std::optional<double> DumpMatcher::likeness(const DumpCandidate& c, const NetworkPlace& place) const {
  if (right_.at(place) == nullptr || c.is_picture) return std::nullopt;
  return right_.likeness(c.tensor.to_float(), place);
}

NetworkPlace DumpMatcher::place_of(const DumpCandidate& c, const NetworkPlace& layer, DumpState state) const {
  const NetworkPlace before{layer.layer, false}, after{layer.layer, true};
  if (is_output(network_, layer)) return state == DumpState::before ? before : after;
  if (!bends(layer) || state == DumpState::after) return after;
  if (state == DumpState::before) return before;
  const auto a = likeness(c, before), b = likeness(c, after);
  if (a && b && std::abs(*a - *b) > kTellsActivation && std::max(*a, *b) > 0) return *a > *b ? before : after;
  return state == DumpState::convolution ? before : after;
}

void DumpMatcher::by_key(DumpCandidate& c) const {
  const std::vector<std::string> tokens = tokens_of(c.name);
  size_t longest = 0;
  for (const NetworkPlace& place : places_) {
    const auto layer = static_cast<size_t>(place.layer);
    const Layer& begin = network_.layers[layer];
    const Layer& end = network_.layers[depth_to_space_after(network_, layer).value_or(layer)];
    const auto try_key = [&](const std::string& key, bool activated) {
      const std::vector<std::string> words = tokens_of(key);
      if (words.empty() || words.size() < longest) return;
      if (std::search(tokens.begin(), tokens.end(), words.begin(), words.end()) == tokens.end()) return;
      longest = words.size();
      c.place = NetworkPlace{place.layer, activated};
      c.matched = "by the key " + key;
      c.rank = DumpCandidate::Rank::key;
    };
    try_key(begin.key, end.activation == Layer::Activation::none && !is_output(network_, place));
    try_key(end.activation_key, true);
  }
  if (is_step_within(c)) return;
  for (const NetworkPlace& place : places_) {
    const auto layer = static_cast<size_t>(place.layer);
    if (c.place || !depth_to_space_after(network_, layer)) continue;
    const std::string name = dump_name(network_.layers[layer].name, step_name(network_.layers[layer]));
    const std::vector<std::string> words = tokens_of(name);
    if (std::search(tokens.begin(), tokens.end(), words.begin(), words.end()) == tokens.end()) continue;
    c.place = parse_place(network_, name);
    c.matched = "by the layer's name";
    c.rank = DumpCandidate::Rank::role;
  }
}

bool DumpMatcher::is_step_within(const DumpCandidate& c) const {
  const bool is_transposed = std::any_of(network_.layers.begin(), network_.layers.end(), [](const Layer& layer) {
    return layer.op == Layer::Op::transposed_convolution;
  });
  if (!is_transposed || layer_of_step(c).empty()) return false;
  const std::vector<std::string> tokens = tokens_of(c.name);
  for (const char* step : {"zeros", "inserted", "padded", "turned", "channel", "sum"}) {
    if (std::find(tokens.begin(), tokens.end(), step) != tokens.end()) return true;
  }
  return false;
}

std::vector<NetworkPlace> DumpMatcher::layers_of(DumpRole role) const {
  std::vector<NetworkPlace> list;
  for (const NetworkPlace& place : places_) {
    const auto layer = static_cast<size_t>(place.layer);
    const bool shuffles = depth_to_space_after(network_, layer).has_value();
    if (role_of(network_.layers[layer]) == role || (shuffles && role == DumpRole::depth_to_space)) {
      list.push_back(place);
    }
  }
  return list;
}

void DumpMatcher::by_role(DumpCandidate& c, const DumpWords& words, const std::vector<NetworkPlace>& layers) const {
  for (const NetworkPlace& layer : layers) {
    if (c.place || !fits(c, layer)) continue;
    c.place = place_of(c, layer, words.state);
    c.matched = "by its name";
    c.rank = DumpCandidate::Rank::role;
  }
}

void DumpMatcher::by_words(std::vector<DumpCandidate>& all, bool lone) const {
  std::map<std::pair<DumpRole, std::string>, std::vector<std::pair<DumpCandidate*, DumpWords>>> alike;
  bool counts_from_zero = false;
  for (DumpCandidate& c : all) {
    if (c.place || is_step_within(c) || !(fits_any(c) || fits_input(c))) continue;
    DumpWords words = words_of_dump(c.name.substr(c.name.rfind('/') + 1));
    if (words.role == DumpRole::input) {
      if (fits_input(c)) c.place = NetworkPlace{kNetworkInput, true};
      if (c.place) c.matched = "by its name";
      continue;
    }
    if (words.role == DumpRole::output) {
      by_role(c, words, {places_.back()});
      continue;
    }
    const std::vector<NetworkPlace> layers = layers_of(words.role);
    if (layers.empty()) words.role = DumpRole::none;
    // "layer1_first": a number before the word of an only layer says nothing.
    const bool behind = words.role != DumpRole::none && is_number(words.tokens.back());
    if (layers.size() == 1 && words.role != DumpRole::none && !behind) {
      by_role(c, words, layers);
      continue;
    }
    if (words.numbers.empty()) {
      if (words.role != DumpRole::none) by_role(c, words, layers.size() == 1 ? layers : std::vector<NetworkPlace>{});
      continue;
    }
    for (const std::string& n : words.numbers) counts_from_zero = counts_from_zero || std::stoll(n.substr(0, 9)) == 0;
    const std::string key = words.role == DumpRole::none ? words.others : "";
    alike[{words.role, key}].emplace_back(&c, std::move(words));
  }
  for (auto& [key, members_of_key] : alike) {
    auto& members = members_of_key;  // lambdas cannot hold a structured binding
    if ((members.size() == 1) != lone) continue;
    bool zero = false;
    for (const auto& [c, words] : members) {
      for (const std::string& n : words.numbers) zero = zero || n.find_first_not_of('0') == std::string::npos;
    }
    const bool is_role = key.first != DumpRole::none;
    const auto try_layers = [&](std::vector<NetworkPlace> layers, bool of_role) {
      DumpGroup group(*this, std::move(layers), of_role, members.size() == 1 ? counts_from_zero : zero);
      for (const auto& [c, words] : members) group.add(*c, words);
      return group.match();
    };
    if (is_role && try_layers(layers_of(key.first), true)) continue;
    if (!is_role || members.size() > 1) try_layers(places_, false);
  }
}

void DumpMatcher::find_pixels(const std::vector<DumpCandidate>& all) {
  for (const DumpCandidate& c : all) {
    if (!c.place || pixels_ > 0) continue;
    const auto [channels, scale] = shape_at(network_, *c.place);
    if (c.tensor.count() % (channels * scale * scale) == 0) pixels_ = c.tensor.count() / (channels * scale * scale);
  }
}

std::optional<int64_t> DumpMatcher::number_of(const DumpCandidate& c) {
  const std::vector<std::string> tokens = tokens_of(c.name.substr(c.name.rfind('/') + 1));
  const auto number = std::find_if(tokens.begin(), tokens.end(), is_number);
  if (number == tokens.end() || number->size() > 6) return std::nullopt;
  return std::stoll(*number);
}

void DumpMatcher::by_number_of_others(std::vector<DumpCandidate>& all) const {
  std::optional<int64_t> first;  // layer's number
  size_t counted = 0;
  for (const DumpCandidate& c : all) {
    const auto number = number_of(c);
    if (!c.place || !number) continue;
    const auto place = std::find(places_.begin(), places_.end(), *c.place);
    if (place == places_.end()) return;
    const int64_t here = *number - (place - places_.begin());
    if (first && *first != here) return;
    first = here;
    ++counted;
  }
  if (counted < 2) return;
  for (DumpCandidate& c : all) {
    const auto number = number_of(c);
    if (c.place || !number || *number < *first || *number - *first >= std::ssize(places_)) continue;
    const NetworkPlace& place = places_[static_cast<size_t>(*number - *first)];
    const bool taken = std::any_of(all.begin(), all.end(), [&](const DumpCandidate& o) { return o.place == place; });
    if (taken || !fits(c, place)) continue;
    c.place = place;
    c.matched = fmt::format("by its number {}", *number);
    c.rank = DumpCandidate::Rank::number;
  }
}

void DumpMatcher::by_number(std::vector<DumpCandidate>& all) const {
  std::map<int64_t, DumpCandidate*> numbered;
  size_t others = 0;
  for (DumpCandidate& c : all) {
    if (c.place || !(fits_any(c) || fits_input(c))) continue;
    const auto number = number_of(c);
    if (!number || !numbered.emplace(*number, &c).second) ++others;
  }
  if (numbered.size() < 2 || others > 1) return;
  std::vector<NetworkPlace> after = places_, both;
  for (const NetworkPlace& place : places_) {
    const Layer& end = network_.layers[depth_to_space_after(network_, place.layer).value_or(place.layer)];
    if (end.activation != Layer::Activation::none) both.push_back({place.layer, false});
    both.push_back(place);
  }
  std::vector<NetworkPlace> with_input = after, both_with_input = both;
  with_input.insert(with_input.begin(), {kNetworkInput, true});
  both_with_input.insert(both_with_input.begin(), {kNetworkInput, true});
  for (const auto& list : {after, with_input, both, both_with_input}) {
    // The output may bear another name, or none.
    if (numbered.size() != list.size() && numbered.size() + 1 != list.size()) continue;
    size_t at = 0;
    const bool good = std::all_of(numbered.begin(), numbered.end(), [&](const auto& entry) {
      const NetworkPlace& place = list[at++];
      return place.layer < 0 ? fits_input(*entry.second) : fits(*entry.second, place);
    });
    if (!good) continue;
    at = 0;
    for (const auto& [number, candidate] : numbered) {
      candidate->place = list[at++];
      candidate->matched = fmt::format("by its number {}", number);
      candidate->rank = DumpCandidate::Rank::number;
    }
    return;
  }
}

void DumpMatcher::by_before_and_after(std::vector<DumpCandidate>& all) const {
  const auto says_before = [](const DumpCandidate& c) {
    const DumpWords words = words_of_dump(c.name);
    return words.state == DumpState::before || words.state == DumpState::convolution || words.has("sum");
  };
  for (DumpCandidate& c : all) {
    if (!c.place || c.place->layer < 0 || c.place->activated || says_before(c)) continue;
    const auto layer = static_cast<size_t>(c.place->layer);
    const Layer& end = network_.layers[depth_to_space_after(network_, layer).value_or(layer)];
    const NetworkPlace after{c.place->layer, true};
    const auto is_at = [&](const NetworkPlace& place) {
      return std::any_of(all.begin(), all.end(), [&](const DumpCandidate& o) { return &o != &c && o.place == place; });
    };
    const bool has_partner = std::any_of(all.begin(), all.end(), [&](const DumpCandidate& o) {
      return &o != &c && o.place == c.place && says_before(o);
    });
    if (end.activation == Layer::Activation::none || !has_partner || is_at(after)) continue;
    c.place = after;
    c.matched = "by its name, beside that of the convolution";
  }
}

bool DumpMatcher::fits_input(const DumpCandidate& c) const {
  const int64_t channels = network_.channels();
  return pixels_ > 0 ? c.tensor.count() == pixels_ * channels : c.tensor.shape().c == channels;
}

void DumpMatcher::by_shape(DumpCandidate& c, const std::vector<DumpCandidate>& all) const {
  std::vector<NetworkPlace> fitting;
  for (const NetworkPlace& place : places_) {
    const bool taken = std::any_of(all.begin(), all.end(), [&](const DumpCandidate& o) { return o.place == place; });
    if (fits(c, place) && pixels_ > 0) fitting.push_back(taken ? NetworkPlace{-2, true} : place);
  }
  if (fitting.size() != 1 || fitting[0].layer < 0) return;
  if (names_layer(c, fitting[0])) return;  // a step within it
  c.place = fitting[0];
  c.matched = "by its shape";
  c.rank = DumpCandidate::Rank::shape;
}

void DumpMatcher::by_values(DumpCandidate& c, const std::vector<DumpCandidate>& all) const {
  if (is_step(c)) return;
  double best = 0, second = 0;
  for (const NetworkPlace& layer : places_) {
    double like = 0;
    for (const bool activated : {false, true}) {
      if (fits(c, layer)) like = std::max(like, likeness(c, {layer.layer, activated}).value_or(0));
    }
    if (like > best) {
      second = best, best = like;
      c.place = place_of(c, layer, DumpState::unknown);
    } else {
      second = std::max(second, like);
    }
  }
  const auto is_there = [&](const DumpCandidate& o) { return &o != &c && o.place == c.place; };
  if (best < kAlikePlace || second > best - kFarMoreAlike || std::any_of(all.begin(), all.end(), is_there)) {
    c.place.reset();
    return;
  }
  c.matched = "by its values, which are like this layer's";
  c.rank = DumpCandidate::Rank::values;
}

}  // namespace fsrcnn
