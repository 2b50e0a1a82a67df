#include "porting/dump_matcher.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "engine/reference_network.hpp"
#include "porting/layer_port.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

/// Words of letters and numbers, in lower case: "06_Mapping_1.prelu" -> "06", "mapping", "1", "prelu".
std::vector<std::string> tokens_of(const std::string& name) {
  std::vector<std::string> tokens;
  enum class Kind { other, letters, digits } last = Kind::other;
  for (const char ch : name) {
    const auto c = static_cast<unsigned char>(ch);
    const Kind kind = std::isalpha(c) != 0 ? Kind::letters : std::isdigit(c) != 0 ? Kind::digits : Kind::other;
    if (kind != Kind::other) {
      if (kind != last) tokens.emplace_back();
      tokens.back() += static_cast<char>(std::tolower(c));
    }
    last = kind;
  }
  return tokens;
}

bool is_number(const std::string& token) { return std::isdigit(static_cast<unsigned char>(token[0])) != 0; }

}  // namespace

void DumpMatcher::match(std::vector<DumpCandidate>& all) {
  for (const DumpCandidate& c : all) counts_from_zero_ = counts_from_zero_ || has_pair(tokens_of(c.name), "map", "0");
  for (DumpCandidate& c : all) {
    c.place = parse_place(network_, c.name);
    if (!c.place && fits_any(c)) by_name(c);
  }
  find_pixels(all);
  by_number_of_others(all);
  by_number(all);
  for (DumpCandidate& c : all) {
    if (!c.place) by_shape(c, all);
  }
  by_before_and_after(all);
  // Depth to space's own dump is compared, rather than that of the convolution before it.
  for (DumpCandidate& c : all) {
    const auto is_shuffled = [&](const DumpCandidate& o) { return o.place == c.place && !comes_before_shuffle(o); };
    if (c.place && comes_before_shuffle(c) && std::any_of(all.begin(), all.end(), is_shuffled)) c.place.reset();
  }
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
  if (is_step(c)) return fmt::format("a step within {}", layer_of_step(c));
  const std::vector<std::string> fitting = layers_that_fit(c);
  if (fitting.empty()) {
    return fmt::format("its name matches no layer, and its shape {} fits none", to_string(c.tensor.shape()));
  }
  return fmt::format("its name matches no layer, and its shape {} fits several ({} to {}); give --feature LAYER=FILE",
                     to_string(c.tensor.shape()), fitting.front(), fitting.back());
}

bool DumpMatcher::has_pair(const std::vector<std::string>& tokens, const std::string& prefix,
                           const std::string& number) {
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].starts_with(prefix) && tokens[i + 1] == number) return true;
  }
  return false;
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

void DumpMatcher::by_name(DumpCandidate& c) const {
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
    };
    try_key(begin.key, end.activation == Layer::Activation::none && !is_output(network_, place));
    try_key(end.activation_key, true);
  }
  // Steps of a transposed convolution, as trace names them, are no layer's values.
  for (const char* step : {"zeros", "inserted", "padded", "turned", "channel", "sum"}) {
    if (c.place || has(tokens, step)) return;
  }
  for (const NetworkPlace& place : places_) {
    const auto layer = static_cast<size_t>(place.layer);
    if (c.place || !depth_to_space_after(network_, layer)) continue;
    const std::string name = dump_name(network_.layers[layer].name, step_name(network_.layers[layer]));
    const std::vector<std::string> words = tokens_of(name);
    if (std::search(tokens.begin(), tokens.end(), words.begin(), words.end()) == tokens.end()) continue;
    c.place = parse_place(network_, name);
    c.matched = "by the layer's name";
  }
  for (const NetworkPlace& place : places_) {
    const std::vector<std::string> words = tokens_of(layer_of(network_, place));
    for (size_t i = 0; i < tokens.size() && !c.place; ++i) {
      if (tokens[i].size() < 3 || !words[0].starts_with(tokens[i].substr(0, words[0].size()))) continue;
      if (words.size() > 1 && is_number(words[1])) {
        const int64_t number = std::stoll(words[1]) - (counts_from_zero_ ? 1 : 0);
        if (i + 1 >= tokens.size() || !is_number(tokens[i + 1]) || tokens[i + 1].size() > 6 ||
            std::stoll(tokens[i + 1]) != number) {
          continue;
        }
      }
      const bool before = has(tokens, "conv") || has(tokens, "pre");
      const bool after = has(tokens, "relu") || has(tokens, "prelu") || has(tokens, "act") || has(tokens, "clamp");
      c.place = NetworkPlace{place.layer, after || !before};
      c.matched = "by the layer's name";
    }
  }
}

bool DumpMatcher::has(const std::vector<std::string>& tokens, std::string_view word) {
  return std::any_of(tokens.begin(), tokens.end(), [&](const std::string& t) { return t == word; });
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
    }
    return;
  }
}

void DumpMatcher::by_before_and_after(std::vector<DumpCandidate>& all) const {
  const auto says_before = [](const DumpCandidate& c) {
    const std::vector<std::string> tokens = tokens_of(c.name);
    for (const char* word : {"conv", "convolution", "pre", "sum", "sums", "acc", "linear", "z"}) {
      if (has(tokens, word)) return true;
    }
    return false;
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
}

}  // namespace fsrcnn
