#include "porting/explanation.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/curve_words.hpp"
#include "porting/dumped_network.hpp"
#include "porting/explainer.hpp"
#include "porting/mistakes_of_hidden_layers.hpp"
#include "porting/one_layer.hpp"
#include "porting/parameters.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

/// Through many layers thousands of mistakes are tried, some of which come near by chance: what is right is exact.
constexpr double kExact = 0.5;     // of the tolerance
constexpr double kManyTimes = 20;  // less than the right layers leave
constexpr size_t kShownHypotheses = 20;
constexpr double kWorthTelling = 0.5;  // of the values, that a cause explains which does not explain all

/// Of the compared residuals, those within this factor of the best are as good.
constexpr double kAsGood = 3;
/// Others with no more numbers than this above the simplest are told, too.
constexpr double kAsSimple = 0.6;

}  // namespace

Explainer::Explainer(const Segment& segment, const ExplainContext& context,
                     const std::function<void(const std::string&)>& tell)
    : segment_(segment), context_(context), tell_(tell) {
  const size_t layers = segment.ports().size();
  for (size_t i = 0; i < layers; ++i) {
    MistakeContext c;
    c.network = context.network;
    c.layer = segment.ports()[i].layer;
    c.in_channels = segment.in_channels(i);
    c.out_channels = segment.out_channels(i);
    c.output_is_dump = i + 1 == layers;
    c.output_is_activated = !c.output_is_dump || context.output_is_activated;
    c.quantum = context.quantum;
    c.maps = context.maps;
    if (i == 0) c.other_lumas = context.wrong_lumas;
    if (segment.ports()[i].is_last) c.picture = context.picture;
    const Shape expected = i == 0 ? segment.input().shape() : Shape{};
    for (const auto& [name, map] : context.maps) {
      if (i == 0 && map->shape() == expected && *map != segment.input()) c.other_inputs[name] = map;
    }
    mistakes_.push_back(mistakes_at(c));
    if (i + 1 < layers) {
      std::vector<Mistake> hidden = mistakes_of_hidden_layer(c, segment, i);
      mistakes_.back().insert(mistakes_.back().end(), std::make_move_iterator(hidden.begin()),
                              std::make_move_iterator(hidden.end()));
    }
    contexts_.push_back(std::move(c));
  }
}

Explanation Explainer::run() {
  if (segment_.is_within_allowance()) {
    singles() || truncated();
    return finish();
  }
  if (constant() || other_dump() || singles() || everywhere() || in_places() || context_.singles_only ||
      of_solved_input()) {
    return finish();
  }
  if (std::optional<Explanation> one = explain_one_layer(segment_, context_, tell_)) return *std::move(one);
  if (pairs()) return finish();
  solve_for_parameters(segment_, context_, {best_, best_rms_, solved_input_ ? &*solved_input_ : nullptr}, tell_,
                       result_);
  if (result_.ids.empty()) last_resort();
  if (result_.ids.empty()) tell_curve();
  if (result_.ids.empty()) tell_partial();
  return finish();
}

void Explainer::say(const std::string& what) const {
  if (tell_) tell_(what);
}

bool Explainer::constant() {
  const std::vector<float>& found = segment_.output().values();
  if (found.empty() || !std::all_of(found.begin(), found.end(), [&](float v) { return v == found[0]; })) return false;
  const Tensor<float>& right = segment_.right_output();
  const auto [low, high] = std::minmax_element(right.values().begin(), right.values().end());
  if (right.count() == 0 || *high - *low <= 4 * segment_.tolerance()) return false;
  result_.ids = {"constant_output"};
  result_.layer = segment_.ports().back().name;
  result_.short_cause = fmt::format("it is {:g} everywhere", found[0]);
  result_.verdict = fmt::format(
      "{} is {:g} everywhere, where {} gives {:.4g} to {:.4g}: {}. A constant does not tell which.",
      context_.output_file, found[0], result_.layer, *low, *high,
      found[0] == 0 ? "it was never written, all weights or the input are 0, or an activation or a shift of integers "
                      "leaves nothing"
                    : "it was never written, or all its values are beyond what its form holds (saturated)");
  return true;
}

bool Explainer::other_dump() {
  const auto same = [&](const Tensor<float>& other) {
    double largest = 0;
    for (int64_t i = 0; i < other.count(); ++i) {
      largest = std::max(largest, difference_of(other.data()[i], segment_.output().data()[i]));
    }
    return largest <= segment_.tolerance();
  };
  std::string name;
  for (const auto& [layer, map] : context_.maps) {
    if (map->count() == segment_.output().count() && same(*map)) name = layer;
  }
  for (const auto& [place, dump] : context_.other_dumps) {
    if (name.empty() && same(*dump)) name = place;
  }
  if (name.empty()) return false;
  result_.ids = {"output_of_other_layer"};
  result_.layer = segment_.ports().back().name;
  result_.short_cause = "taken from " + name;
  result_.verdict =
      fmt::format("{} is not the output of {}, but that of {}.", context_.output_file, result_.layer, name);
  if (name == before_last()) {
    result_.ids = {"layer_left_out"};
    result_.verdict.pop_back();
    result_.verdict +=
        fmt::format(", which it reads: {} is left out (never run), or the wrong map is written.", result_.layer);
  }
  result_.output_form_only = true;
  return true;
}

std::string Explainer::before_last() const {
  const std::vector<int>& inputs = context_.network->layers[segment_.ports().back().layer].inputs;
  return inputs.size() == 1 && inputs[0] >= 0 ? context_.network->layers[static_cast<size_t>(inputs[0])].name : "";
}

bool Explainer::explains(const Residual& residual) const {
  if (!segment_.explains(residual)) return false;
  if (segment_.ports().size() <= kMostLayersForPairs || context_.quantum > 0 || !segment_.right().fits) return true;
  return residual.largest <= kExact * segment_.tolerance() && kManyTimes * residual.largest <= segment_.right().largest;
}

Residual Explainer::test(const Chosen& chosen, std::vector<std::string> ids, std::vector<std::string> sentences,
                         const std::string& layer) {
  Residual residual = segment_.with(chosen, true);
  if (explains(residual)) residual = segment_.with(chosen, false);
  if (residual.fits) {
    result_.hypotheses.push_back({layer, std::move(ids), std::move(sentences), residual.largest, residual.rms,
                                  explains(residual), residual.explained});
  }
  return residual;
}

bool Explainer::choose(std::vector<Found> found) {
  if (found.empty()) return false;
  const std::map<std::string, std::string> readers = drop_wrong_readings(found);
  double best = std::numeric_limits<double>::infinity();
  for (const Found& f : found) best = std::min(best, f.rms);
  const auto good = [&](const Found& f) { return f.rms <= kAsGood * best + 1e-2 * segment_.tolerance(); };
  const Found* simplest = nullptr;
  for (const Found& f : found) {
    if (good(f) && (simplest == nullptr || f.numbers() < simplest->numbers())) simplest = &f;
  }
  const Found& first = *simplest;
  std::vector<std::string> sentences;
  result_.output_form_only = true;
  Solution other;  // kernels
  for (const Mistake* m : first.mistakes) {
    result_.ids.push_back(m->id);
    sentences.push_back(m->sentence);
    for (const auto& [kind, channel] : m->parameters) {
      result_.files.push_back(name_of_parameter(context_.network->layers[layer_named(first.layer)], kind, channel, 0));
      if (kind == "kernel") other.kernels.emplace_back(channel, 0);
    }
    result_.output_form_only = result_.output_form_only && m->family.starts_with("output_");
  }
  for (const LayerPort& port : segment_.ports()) {
    if (port.name != first.layer || other.kernels.empty()) continue;
    other.port = port;
    for (const Mistake* m : first.mistakes) m->make(other.port);
    result_.notes = misplaced_files(context_.network->layers[port.layer], port, other);
  }
  std::vector<std::string> elsewhere;
  for (const Found& f : found) {
    if (&f == &first || !good(f) || result_.same_result.size() >= 4) continue;
    if (f.numbers() > first.numbers() + kAsSimple) continue;
    std::vector<std::string> others;
    for (const Mistake* m : f.mistakes) others.push_back(m->sentence);
    std::string told = fmt::format("{}: {}", f.layer, fmt::join(others, ", and "));
    std::vector<std::string>& same = result_.same_result;
    if (others != sentences && std::find(same.begin(), same.end(), told) == same.end()) same.push_back(told);
    if (f.layer != first.layer) elsewhere.push_back(fmt::format("in {}, {}", f.layer, fmt::join(others, ", and ")));
  }
  if (result_.ids == std::vector<std::string>{"bias_missing"} && bias_comes_later()) {
    result_.ids = {"bias_after_activation"};
    sentences = {"the bias is added after the activation, not before it"};
  }
  result_.layer = first.layer;
  result_.short_cause = fmt::format("{}", fmt::join(sentences, ", and "));
  result_.verdict = fmt::format("In {}, {}: with {} the network gives {} to {:.2g} (without: {}).", first.layer,
                                result_.short_cause, sentences.size() > 1 ? "both" : "this", context_.output_file,
                                residual_of(first), difference_without(segment_));
  if (const auto reader = readers.find(first.layer); reader != readers.end()) {
    result_.verdict += fmt::format(" {} may as well read it so.", reader->second);
  }
  if (!elsewhere.empty()) {
    result_.verdict = fmt::format(
        "Either in {}, {}, or {}: no dump between them tells which, since each gives {} to "
        "{:.2g} (without: {}).",
        first.layer, result_.short_cause, fmt::join(elsewhere, ", or "), context_.output_file, residual_of(first),
        difference_without(segment_));
  }
  return true;
}

std::map<std::string, std::string> Explainer::drop_wrong_readings(std::vector<Found>& found) const {
  std::map<std::string, std::string> readers;
  const std::vector<LayerPort>& ports = segment_.ports();
  const std::vector<Found> all = found;
  for (size_t i = 1; i < ports.size(); ++i) {
    std::erase_if(found, [&](const Found& read) {
      if (read.layer != ports[i].name || read.mistakes.size() != 1 || !read.mistakes[0]->id.starts_with("input_")) {
        return false;
      }
      const std::string written = "output_" + read.mistakes[0]->id.substr(6);
      const bool is_written = std::any_of(all.begin(), all.end(), [&](const Found& f) {
        return f.layer == ports[i - 1].name && f.mistakes.size() == 1 && f.mistakes[0]->id == written;
      });
      if (is_written) readers[ports[i - 1].name] = ports[i].name;
      return is_written;
    });
  }
  return readers;
}

bool Explainer::bias_comes_later() const {
  LayerPort port = segment_.ports().back();
  if (port.activates || context_.activated == nullptr) return false;
  port.activates = true;
  port.activation_before_bias = true;
  const Tensor<float> later = compute(port, segment_.input_of(segment_.ports().size() - 1));
  return later.shape() == context_.activated->shape() &&
         largest_difference(later, *context_.activated) <= segment_.tolerance();
}

size_t Explainer::layer_named(const std::string& name) const {
  for (const LayerPort& port : segment_.ports()) {
    if (port.name == name) return port.layer;
  }
  return 0;
}

double Explainer::residual_of(const Found& found) const {
  for (const Hypothesis& h : result_.hypotheses) {
    if (h.layer == found.layer && h.rms == found.rms && h.explains) return h.largest;
  }
  return found.rms;
}

void Explainer::tell_curve() {
  if (!segment_.right().fits) return;
  const std::string words = curve_words(segment_.right_output(), segment_.output(), segment_.tolerance());
  if (!words.empty()) result_.notes.push_back(fmt::format("In {}, {}.", segment_.ports().back().name, words));
}

void Explainer::tell_partial() {
  const Hypothesis* best = nullptr;
  double explained = std::max(kWorthTelling, segment_.right().explained + 0.2);
  for (const Hypothesis& h : result_.hypotheses) {
    if (h.ids.size() == 1 && h.explained > explained) best = &h, explained = h.explained;
  }
  if (best == nullptr) return;
  result_.partial = fmt::format("This explains {:.0f} % of the values, and not the others: in {}, {}.",
                                std::floor(100 * explained), best->layer, fmt::join(best->sentences, ", and "));
}

Explanation Explainer::finish() {
  // What changes nothing for the better is no explanation, and there are hundreds of it.
  if (segment_.right().fits) {
    std::erase_if(result_.hypotheses,
                  [&](const Hypothesis& h) { return !h.explains && h.rms > 0.98 * segment_.right().rms; });
  }
  std::stable_sort(result_.hypotheses.begin(), result_.hypotheses.end(),
                   [](const auto& a, const auto& b) { return a.rms < b.rms; });
  if (result_.hypotheses.size() > kShownHypotheses) result_.hypotheses.resize(kShownHypotheses);
  return std::move(result_);
}

Explanation explain(const Segment& segment, const ExplainContext& context,
                    const std::function<void(const std::string&)>& tell) {
  return Explainer(segment, context, tell).run();
}

}  // namespace fsrcnn
