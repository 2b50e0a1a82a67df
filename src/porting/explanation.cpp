#include "porting/explanation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "porting/mistakes.hpp"
#include "porting/parameters.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

constexpr size_t kShownHypotheses = 20;
constexpr size_t kMostLayersForPairs = 2;

/// Of the compared residuals, those within this factor of the best are as good.
constexpr double kAsGood = 3;

class Explainer {
 public:
  Explainer(const Segment& segment, const ExplainContext& context, const std::function<void(const std::string&)>& tell)
      : segment_(segment), context_(context), tell_(tell) {
    const size_t layers = segment.ports().size();
    for (size_t i = 0; i < layers; ++i) {
      MistakeContext c;
      c.model = context.model;
      c.layer = context.first_layer + i;
      c.output_is_dump = i + 1 == layers;
      c.output_is_activated = !c.output_is_dump || context.output_is_activated;
      c.quantum = context.quantum;
      if (i == 0) c.other_lumas = context.wrong_lumas;
      const Shape expected = i == 0 ? segment.input().shape() : Shape{};
      for (const auto& [name, map] : context.maps) {
        if (i == 0 && map->shape() == expected && *map != segment.input()) c.other_inputs[name] = map;
      }
      mistakes_.push_back(mistakes_at(c));
    }
  }

  Explanation run() {
    if (segment_.is_within_allowance()) {
      singles() || truncated();
      return finish();
    }
    if (other_dump() || singles() || everywhere() || pairs()) return finish();
    solve_for_parameters(segment_, context_, {best_, best_rms_}, tell_, result_);
    return finish();
  }

 private:
  using Chosen = std::vector<std::vector<const Mistake*>>;

  void say(const std::string& what) const {
    if (tell_) tell_(what);
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
    result_.output_form_only = true;
    return true;
  }

  Residual test(const Chosen& chosen, std::vector<std::string> ids, std::vector<std::string> sentences,
                const std::string& layer) {
    Residual residual = segment_.with(chosen, true);
    if (segment_.explains(residual)) residual = segment_.with(chosen, false);
    if (residual.fits) {
      result_.hypotheses.push_back(
          {layer, std::move(ids), std::move(sentences), residual.largest, residual.rms, segment_.explains(residual)});
    }
    return residual;
  }

  struct Found {
    double rms;
    std::string layer;
    std::vector<const Mistake*> mistakes;
  };

  /// Takes the first of those that explain best; the others are told as having the same result.
  bool choose(const std::vector<Found>& found) {
    if (found.empty()) return false;
    double best = std::numeric_limits<double>::infinity();
    for (const Found& f : found) best = std::min(best, f.rms);
    const auto good = [&](const Found& f) { return f.rms <= kAsGood * best + 1e-2 * segment_.tolerance(); };
    const Found& first = *std::find_if(found.begin(), found.end(), good);
    std::vector<std::string> sentences;
    result_.output_form_only = true;
    for (const Mistake* m : first.mistakes) {
      result_.ids.push_back(m->id);
      sentences.push_back(m->sentence);
      result_.output_form_only = result_.output_form_only && m->family.starts_with("output_");
    }
    for (const Found& f : found) {
      if (&f == &first || !good(f) || result_.same_result.size() >= 4) continue;
      std::vector<std::string> others;
      for (const Mistake* m : f.mistakes) others.push_back(m->sentence);
      result_.same_result.push_back(fmt::format("{}: {}", f.layer, fmt::join(others, ", and ")));
    }
    result_.layer = first.layer;
    result_.short_cause = fmt::format("{}", fmt::join(sentences, ", and "));
    result_.verdict = fmt::format("In {}, {}: with {} the network gives {} to {:.2g} (without: {}).", first.layer,
                                  result_.short_cause, sentences.size() > 1 ? "both" : "this", context_.output_file,
                                  residual_of(first), difference_without(segment_));
    return true;
  }

  double residual_of(const Found& found) const {
    for (const Hypothesis& h : result_.hypotheses) {
      if (h.layer == found.layer && h.rms == found.rms && h.explains) return h.largest;
    }
    return found.rms;
  }

  bool singles() {
    std::vector<Found> found;
    for (size_t layer = 0; layer < mistakes_.size(); ++layer) {
      for (const Mistake& m : mistakes_[layer]) {
        if (!possible(layer, m)) continue;
        Chosen chosen(mistakes_.size());
        chosen[layer] = {&m};
        const std::string& name = segment_.ports()[layer].name;
        const Residual residual = test(chosen, {m.id}, {m.sentence}, name);
        if (segment_.explains(residual)) found.push_back({residual.rms, name, {&m}});
        // With a changed geometry or form the parameters could not be solved for.
        static const std::set<std::string> solvable = {"turn", "transpose", "order", "bias", "rounding", "padding"};
        if (solvable.contains(m.family) && residual.fits && residual.rms < best_rms_)
          best_ = &m, best_rms_ = residual.rms;
        // Digits that change nothing alone will not in a pair.
        if (m.family == "rounding" && std::abs(residual.rms / segment_.right().rms - 1) < 1e-9) idle_.insert(&m);
      }
    }
    return choose(found);
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
    return port.convolves || m.family == "activation" || m.family == "clamp" || m.family.starts_with("output_");
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
    say("no mistake on record explains it alone; trying pairs");
    std::vector<Found> found;
    bool left_out = false;
    for (size_t layer = 0; layer < mistakes_.size(); ++layer) {
      const std::vector<Mistake>& list = mistakes_[layer];
      for (size_t i = 0; i < list.size(); ++i) {
        for (size_t j = i + 1; j < list.size(); ++j) {
          if (idle_.contains(&list[i]) || idle_.contains(&list[j])) continue;
          if (list[i].family == list[j].family || !possible(layer, list[i]) || !possible(layer, list[j])) continue;
          if (segment_.is_large() && !(list[i].local && list[j].local)) {
            left_out = true;
            continue;
          }
          Chosen chosen(mistakes_.size());
          chosen[layer] = {&list[i], &list[j]};
          const std::string& name = segment_.ports()[layer].name;
          const Residual residual = test(chosen, {list[i].id, list[j].id}, {list[i].sentence, list[j].sentence}, name);
          if (segment_.explains(residual)) found.push_back({residual.rms, name, {&list[i], &list[j]}});
        }
      }
    }
    if (choose(found)) return true;
    if (left_out) {
      result_.notes.emplace_back(
          "Pairs with a mistake that moves the whole picture (NHWC, upside down, transposed) were not tried, because "
          "the "
          "picture is large; cut one of up to 192 pixels a side to try them.");
    }
    return false;
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
  std::set<const Mistake*> idle_;
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
