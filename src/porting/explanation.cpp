#include "porting/explanation.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <list>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "porting/curve_words.hpp"
#include "porting/dumped_network.hpp"
#include "porting/fits.hpp"
#include "porting/mistakes.hpp"
#include "porting/nearest.hpp"
#include "porting/one_layer.hpp"
#include "porting/parameters.hpp"
#include "porting/solve_input.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kShownHypotheses = 20;
constexpr size_t kMostLayersForPairs = 2;
constexpr double kUsual = 0.45;           // of more layers than that only mistakes with fewer numbers are tried
constexpr double kUsualPair = 0.25;       // numbers of two mistakes beyond which others are tried, too
constexpr double kMostOperations = 4e10;  // multiplications and additions for pairs of which neither helps alone
constexpr double kWorthTelling = 0.5;     // of the values, that a cause explains which does not explain all

/// Of the compared residuals, those within this factor of the best are as good.
constexpr double kAsGood = 3;
/// Others with no more numbers than this above the simplest are told, too.
constexpr double kAsSimple = 0.6;

class Explainer {
 public:
  Explainer(const Segment& segment, const ExplainContext& context, const std::function<void(const std::string&)>& tell)
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
      const Shape expected = i == 0 ? segment.input().shape() : Shape{};
      for (const auto& [name, map] : context.maps) {
        if (i == 0 && map->shape() == expected && *map != segment.input()) c.other_inputs[name] = map;
      }
      mistakes_.push_back(mistakes_at(c));
      if (layers > kMostLayersForPairs) {
        std::erase_if(mistakes_.back(), [](const Mistake& m) { return m.numbers > kUsual; });
      }
      contexts_.push_back(std::move(c));
    }
  }

  Explanation run() {
    if (segment_.is_within_allowance()) {
      singles() || truncated();
      return finish();
    }
    if (constant() || other_dump() || singles() || everywhere() || of_solved_input()) return finish();
    if (std::optional<Explanation> one = explain_one_layer(segment_, context_, tell_)) return *std::move(one);
    if (pairs()) return finish();
    solve_for_parameters(segment_, context_, {best_, best_rms_, solved_input_ ? &*solved_input_ : nullptr}, tell_,
                         result_);
    if (result_.ids.empty()) last_resort();
    if (result_.ids.empty()) tell_curve();
    if (result_.ids.empty()) tell_partial();
    return finish();
  }

 private:
  using Chosen = std::vector<std::vector<const Mistake*>>;

  void say(const std::string& what) const {
    if (tell_) tell_(what);
  }

  /// What is the same everywhere tells nothing of its cause.
  bool constant() {
    const std::vector<float>& found = segment_.output().values();
    if (found.empty() || !std::all_of(found.begin(), found.end(), [&](float v) { return v == found[0]; })) return false;
    const Tensor<float> right = segment_.right_output();
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

  /// The dump is another place's.
  bool other_dump() {
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

  /// What the last layer reads, by its name.
  std::string before_last() const {
    const std::vector<int>& inputs = context_.network->layers[segment_.ports().back().layer].inputs;
    return inputs.size() == 1 && inputs[0] >= 0 ? context_.network->layers[static_cast<size_t>(inputs[0])].name : "";
  }

  Residual test(const Chosen& chosen, std::vector<std::string> ids, std::vector<std::string> sentences,
                const std::string& layer) {
    Residual residual = segment_.with(chosen, true);
    if (segment_.explains(residual)) residual = segment_.with(chosen, false);
    if (residual.fits) {
      result_.hypotheses.push_back({layer, std::move(ids), std::move(sentences), residual.largest, residual.rms,
                                    segment_.explains(residual), residual.explained});
    }
    return residual;
  }

  struct Found {
    double rms;
    std::string layer;
    std::vector<const Mistake*> mistakes;

    double numbers() const {
      double sum = 0;
      for (const Mistake* m : mistakes) sum += m->numbers;
      return sum;
    }
  };

  /// Of those that explain best takes the simplest; the others are told as having the same result.
  bool choose(const std::vector<Found>& found) {
    if (found.empty()) return false;
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
        result_.files.push_back(
            name_of_parameter(context_.network->layers[layer_named(first.layer)], kind, channel, 0));
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
    for (const Found& f : found) {
      if (&f == &first || !good(f) || result_.same_result.size() >= 4) continue;
      if (f.numbers() > first.numbers() + kAsSimple) continue;
      std::vector<std::string> others;
      for (const Mistake* m : f.mistakes) others.push_back(m->sentence);
      std::string told = fmt::format("{}: {}", f.layer, fmt::join(others, ", and "));
      std::vector<std::string>& same = result_.same_result;
      if (others != sentences && std::find(same.begin(), same.end(), told) == same.end())
        same.push_back(std::move(told));
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
    return true;
  }

  /// A dump from after the activation has the bias that this one, from before it, lacks.
  bool bias_comes_later() const {
    LayerPort port = segment_.ports().back();
    if (port.activates || context_.activated == nullptr) return false;
    port.activates = true;
    port.activation_before_bias = true;
    const Tensor<float> later = compute(port, segment_.input_of(segment_.ports().size() - 1));
    return later.shape() == context_.activated->shape() &&
           largest_difference(later, *context_.activated) <= segment_.tolerance();
  }

  size_t layer_named(const std::string& name) const {
    for (const LayerPort& port : segment_.ports()) {
      if (port.name == name) return port.layer;
    }
    return 0;
  }

  double residual_of(const Found& found) const {
    for (const Hypothesis& h : result_.hypotheses) {
      if (h.layer == found.layer && h.rms == found.rms && h.explains) return h.largest;
    }
    return found.rms;
  }

  bool singles() {
    if (segment_.right().fits && !segment_.is_within_allowance()) {
      fitted_ = fits_of(LayerCase(contexts_.back(), segment_.ports().back(), segment_.input_of(contexts_.size() - 1),
                                  segment_.output(), segment_.tolerance()));
    }
    on_part_ = segment_.with(Chosen(mistakes_.size()), true);
    std::vector<Found> found;
    for (size_t layer = 0; layer < mistakes_.size(); ++layer) {
      for (const Mistake& m : mistakes_[layer]) {
        if (!possible(layer, m)) continue;
        single(layer, m, found);
      }
      if (layer + 1 < mistakes_.size()) continue;
      for (const Mistake& m : fitted_) single(layer, m, found);
    }
    return choose(found);
  }

  void single(size_t layer, const Mistake& m, std::vector<Found>& found) {
    Chosen chosen(mistakes_.size());
    chosen[layer] = {&m};
    const std::string& name = segment_.ports()[layer].name;
    const Residual residual = test(chosen, {m.id}, {m.sentence}, name);
    if (segment_.explains(residual)) found.push_back({residual.rms, name, {&m}});
    if (!residual.fits) return;
    tried_.push_back({layer, &m, residual});
    // With a changed geometry or form the parameters could not be solved for.
    static const std::set<std::string> solvable = {"turn", "transpose", "order", "bias", "rounding"};
    if (solvable.contains(m.family) && residual.rms < best_rms_) best_ = &m, best_rms_ = residual.rms;
  }

  /// Truncation is no better than coarse numbers explain, but it is seen in the mean.
  bool truncated() {
    for (const Mistake& m : mistakes_.back()) {
      if (m.id != "output_truncated") continue;
      Chosen chosen(mistakes_.size());
      chosen.back() = {&m};
      const std::string& name = segment_.ports().back().name;
      const Residual residual = test(chosen, {m.id}, {m.sentence}, name);
      if (residual.largest > segment_.tolerance() || 1.5 * residual.rms > segment_.right().rms) return false;
      result_.hypotheses.back().explains = true;
      return choose({{residual.rms, name, {&m}}});
    }
    return false;
  }

  /// A layer that only activates has no kernels to get wrong.
  bool possible(size_t layer, const Mistake& m) const {
    const LayerPort& port = segment_.ports()[layer];
    return (port.convolves && port.has_weight()) || m.family == "activation" || m.family == "clamp" ||
           m.family.starts_with("output_");
  }

  /// The same mistake at every layer that can have it.
  bool everywhere() {
    if (mistakes_.size() < 2) return false;
    std::vector<Found> found;
    std::set<std::string> done;
    for (const std::vector<Mistake>& list : mistakes_) {
      for (const Mistake& m : list) {
        if (m.family.starts_with("input") || m.family.starts_with("output_") || !done.insert(m.id).second) continue;
        Chosen chosen(mistakes_.size());
        size_t layers = 0;
        for (size_t layer = 0; layer < mistakes_.size(); ++layer) {
          for (const Mistake& other : mistakes_[layer]) {
            if (other.id != m.id || !possible(layer, other)) continue;
            chosen[layer] = {&other};
            ++layers;
          }
        }
        if (layers < 2) continue;
        const Residual residual = test(chosen, {m.id}, {m.sentence}, "all layers");
        if (segment_.explains(residual)) found.push_back({residual.rms, "all layers", {&m}});
      }
    }
    return choose(found);
  }

  bool pairs() {
    if (mistakes_.size() > kMostLayersForPairs) {
      result_.notes.push_back(
          fmt::format("Pairs of mistakes were not tried, because {} layers lie between the dumps {} and {}; give "
                      "--feature for a layer between them.",
                      mistakes_.size(), context_.input_file, context_.output_file));
      return false;
    }
    say("no mistake explains it alone; trying pairs");
    std::vector<Found> found;
    const auto is_usual = [](const Found& f) { return f.numbers() <= kUsualPair; };
    for (const Tried& first : nearest(tried_, segment_.right(), on_part_)) {
      pairs_with(first, found);
      if (std::any_of(found.begin(), found.end(), is_usual)) break;
    }
    if (found.empty()) pairs_of_usual(found);
    return choose(found);
  }

  /// Two that bring the result no nearer alone: an order of the input and one of the kernels.
  void pairs_of_usual(std::vector<Found>& found) {
    const auto is_usual = [&](const Mistake& m) {
      return m.numbers == 0 && m.family != "rounding" && m.family != "values" && !m.id.starts_with("weights_of_") &&
             !m.id.starts_with("bias_of_") && !m.id.starts_with("slope_of_");
    };
    for (size_t layer = mistakes_.size(); layer-- > 0;) {
      // Mistakes that cannot be tried on a part of the picture take their time.
      double left = kMostOperations;
      for (const Mistake& a : mistakes_[layer]) {
        for (const Mistake& b : mistakes_[layer]) {
          if (&b >= &a || a.family == b.family || !is_usual(a) || !is_usual(b)) continue;
          if (!possible(layer, a) || !possible(layer, b)) continue;
          left -= segment_.operations(a.local && b.local);
          if (left < 0) return;
          Chosen chosen(mistakes_.size());
          chosen[layer] = {&b, &a};
          if (!segment_.explains(segment_.with(chosen, true))) continue;
          const std::string& name = segment_.ports()[layer].name;
          const Residual residual = test(chosen, {b.id, a.id}, {b.sentence, a.sentence}, name);
          if (segment_.explains(residual)) found.push_back({residual.rms, name, {&b, &a}});
        }
      }
      if (!found.empty()) return;
    }
  }

  /// What else is wrong where one mistake is made: fitted to what that leaves, or of the list.
  void pairs_with(const Tried& first, std::vector<Found>& found) {
    const size_t layer = first.layer;
    const std::string& name = segment_.ports()[layer].name;
    const auto pair = [&](const Mistake& second) {
      if (second.family == first.mistake->family) return;
      Chosen chosen(mistakes_.size());
      chosen[layer] = {first.mistake, &second};
      const Residual residual =
          test(chosen, {first.mistake->id, second.id}, {first.mistake->sentence, second.sentence}, name);
      if (segment_.explains(residual)) found.push_back({residual.rms, name, {first.mistake, &second}});
    };
    if (layer + 1 == mistakes_.size()) {
      LayerPort port = segment_.ports()[layer];
      first.mistake->make(port);
      try {
        const Tensor<float>& input = segment_.input_of(layer);
        if (compute(port, input).shape() == segment_.output().shape()) {
          beside_.push_back(fits_of(LayerCase(contexts_[layer], port, input, segment_.output(), segment_.tolerance())));
          for (const Mistake& m : beside_.back()) pair(m);
        }
      } catch (const Error&) {
        // The two mistakes only fit together.
      }
    }
    for (const Mistake& m : mistakes_[layer]) {
      if (possible(layer, m) && (m.local || !segment_.is_large())) pair(m);
    }
  }

  /// What was done to the picture before the layer read it: fitted to the input that the output tells.
  bool of_solved_input() {
    if (segment_.ports().size() != 1 || !segment_.right().fits) return false;
    const LayerPort& port = segment_.ports()[0];
    if (!port.reads_input || port.is_transposed || !port.has_weight() || !port.convolves || port.in_channels() != 1 ||
        port.shuffles()) {
      return false;
    }
    say("solving for the layer's input");
    solved_input_ = solve_input(port, segment_.output());
    const auto& [input, worst] = *solved_input_;
    if (worst > kMostLeftOfInput * segment_.tolerance()) return false;
    inputs_ = fit_input(contexts_[0], segment_.input(), input, segment_.tolerance());
    std::vector<Found> found;
    for (const Mistake& m : inputs_) single(0, m, found);
    return choose(found);
  }

  /// Each value is another one, but always the same for the same right one.
  void tell_curve() {
    if (!segment_.right().fits) return;
    const std::string words = curve_words(segment_.right_output(), segment_.output(), segment_.tolerance());
    if (!words.empty()) result_.notes.push_back(fmt::format("In {}, {}.", segment_.ports().back().name, words));
  }

  /// Single values, where all else is right.
  void last_resort() {
    if (!segment_.right().fits) return;
    const size_t layer = contexts_.size() - 1;
    fitted_ = fit_scattered(LayerCase(contexts_[layer], segment_.ports()[layer], segment_.input_of(layer),
                                      segment_.output(), segment_.tolerance()));
    std::vector<Found> found;
    for (const Mistake& m : fitted_) single(layer, m, found);
    choose(found);
  }

  void tell_partial() {
    const Hypothesis* best = nullptr;
    double explained = std::max(kWorthTelling, segment_.right().explained + 0.2);
    for (const Hypothesis& h : result_.hypotheses) {
      if (h.ids.size() == 1 && h.explained > explained) best = &h, explained = h.explained;
    }
    if (best == nullptr) return;
    result_.notes.push_back(fmt::format("This explains {:.0f} % of the values, and not the others: in {}, {}.",
                                        std::floor(100 * explained), best->layer,
                                        fmt::join(best->sentences, ", and ")));
  }

  Explanation finish() {
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

  const Segment& segment_;
  const ExplainContext& context_;
  const std::function<void(const std::string&)>& tell_;
  std::vector<std::vector<Mistake>> mistakes_;
  std::vector<MistakeContext> contexts_;    // of each layer
  std::vector<Mistake> fitted_;             // to what was found, at the last layer
  std::list<std::vector<Mistake>> beside_;  // the same beside another mistake
  std::vector<Mistake> inputs_;             // fitted to the input that was solved for
  std::optional<std::pair<Tensor<float>, double>> solved_input_;
  std::vector<Tried> tried_;
  Residual on_part_;               // of the right layers on the part that is tried first
  const Mistake* best_ = nullptr;  // that explains most without explaining all
  double best_rms_ = std::numeric_limits<double>::infinity();
  Explanation result_;
};

}  // namespace

Explanation explain(const Segment& segment, const ExplainContext& context,
                    const std::function<void(const std::string&)>& tell) {
  return Explainer(segment, context, tell).run();
}

}  // namespace fsrcnn
