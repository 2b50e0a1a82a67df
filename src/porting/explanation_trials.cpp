#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "nn/pad2d.hpp"
#include "porting/chain_input.hpp"
#include "porting/evidence.hpp"
#include "porting/explainer.hpp"
#include "porting/fits.hpp"
#include "porting/parameters.hpp"
#include "porting/solve_input.hpp"

namespace fsrcnn {
namespace {

constexpr double kSeenThrough = 30;     // tolerances that an error must have for an input to be solved for by it
constexpr double kUsualPair = 0.25;     // numbers of two mistakes beyond which others are tried, too
constexpr double kLeastValuesEach = 3;  // for each number that is fitted, where they are few
constexpr double kEnoughValues = 256;
constexpr double kLeastRight = 0.02;      // of the values, where a mistake may be made at some places alone
constexpr size_t kLeastInPlace = 8;       // values that differ there
constexpr double kNumbersOfPlaces = 0.5;  // for which places they are
constexpr double kMostOperations = 4e10;  // multiplications and additions for pairs of which neither helps alone

}  // namespace

bool Explainer::singles() {
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

void Explainer::single(size_t layer, const Mistake& m, std::vector<Found>& found) {
  Chosen chosen(mistakes_.size());
  chosen[layer] = {&m};
  const std::string& name = segment_.ports()[layer].name;
  const Residual residual = test(chosen, {m.id}, {m.sentence}, name);
  if (explains(residual) && is_told_by_enough(m)) found.push_back({residual.rms, name, {&m}});
  if (!residual.fits) return;
  tried_.push_back({layer, &m, residual});
  // With a changed geometry or form the parameters could not be solved for.
  static const std::set<std::string> solvable = {"turn", "transpose", "order", "bias", "rounding"};
  if (solvable.contains(m.family) && residual.rms < best_rms_) best_ = &m, best_rms_ = residual.rms;
}

/// So many numbers explain any few values.
bool Explainer::is_told_by_enough(const Mistake& m) const {
  const auto values = static_cast<double>(segment_.output().count());
  return values >= kEnoughValues || m.numbers <= 1 || kLeastValuesEach * m.numbers <= values;
}

bool Explainer::truncated() {
  fitted_ =
      fits_of_rounding(LayerCase(contexts_.back(), segment_.ports().back(), segment_.input_of(contexts_.size() - 1),
                                 segment_.output(), segment_.tolerance()));
  std::vector<Found> found;
  const auto judge = [&](const Mistake& m) {
    Chosen chosen(mistakes_.size());
    chosen.back() = {&m};
    const std::string& name = segment_.ports().back().name;
    const Residual residual = test(chosen, {m.id}, {m.sentence}, name);
    if (residual.largest > segment_.tolerance() || 1.5 * residual.rms > segment_.right().rms) return;
    result_.hypotheses.back().explains = true;
    found.push_back({residual.rms, name, {&m}});
  };
  for (const Mistake& m : mistakes_.back()) {
    if (m.id == "output_truncated") judge(m);
  }
  for (const Mistake& m : fitted_) judge(m);
  return choose(found);
}

bool Explainer::possible(size_t layer, const Mistake& m) const {
  const LayerPort& port = segment_.ports()[layer];
  return (port.convolves && (port.has_weight() || m.family == "fixed")) || m.family == "activation" ||
         m.family == "clamp" || m.family.starts_with("output_");
}

bool Explainer::everywhere() {
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
      if (explains(residual)) found.push_back({residual.rms, "all layers", {&m}});
    }
  }
  return choose(found);
}

bool Explainer::in_places() {
  const double tolerance = segment_.tolerance();
  const Residual right = segment_.right();
  if (!right.fits || right.explained < kLeastRight) return false;
  const Tensor<float>& expected = segment_.right_output();
  const std::vector<float>& found = segment_.output().values();
  const auto differs = [&](size_t i) { return difference_of(expected.values()[i], found[i]) > tolerance; };
  size_t differing = 0;
  for (size_t i = 0; i < found.size(); ++i) differing += differs(i) ? 1 : 0;
  if (differing < kLeastInPlace) return false;
  // What is one value tells nothing of its cause.
  std::map<float, size_t> times;
  for (size_t i = 0; i < found.size(); ++i) {
    if (differs(i) && 2 * ++times[found[i]] > differing) return false;
  }
  const Evidence evidence = gather_evidence(expected, segment_.output(), tolerance,
                                            segment_.ports().back().is_last ? context_.network->scale : 1);
  std::string words = evidence.place;
  // Of places without a rule, two kinds of values explain too much.
  if (words.find("scattered") != std::string::npos || words.find(" of the ") != std::string::npos) return false;
  std::vector<std::string> phases;
  const int64_t scale = segment_.ports().back().is_last ? context_.network->scale : 1;
  for (size_t i = 0; i < evidence.by_phase.size(); ++i) {
    if (evidence.by_phase[i] > 0) phases.push_back(fmt::format("({}, {})", i / scale, i % scale));
  }
  if (!phases.empty() && phases.size() < evidence.by_phase.size()) {
    words +=
        fmt::format(" (phase{} {} of {}x{})", phases.size() == 1 ? "" : "s", fmt::join(phases, ", "), scale, scale);
  }
  const bool telling = on_part_.explained < 1;
  double left = kMostOperations;
  for (const Tried& tried : tried_) {
    if (tried.layer + 1 != mistakes_.size() || (telling && tried.residual.either > tolerance)) continue;
    left -= segment_.operations(false);
    if (left < 0) break;
    const auto values = std::make_shared<const Tensor<float>>(segment_.output_with(*tried.mistake));
    if (values->shape() != expected.shape()) continue;
    auto places = std::make_shared<std::vector<uint8_t>>(found.size());
    bool all = true;
    for (size_t i = 0; i < found.size() && all; ++i) {
      (*places)[i] = differs(i) ? 1 : 0;
      all = !differs(i) || difference_of(values->values()[i], found[i]) <= tolerance;
    }
    if (!all) continue;
    Mistake placed = *tried.mistake;
    placed.id += "_in_places";
    placed.sentence += fmt::format(", but only at these places: {}", words);
    placed.local = false;
    placed.numbers += kNumbersOfPlaces;
    placed.make = [values, places](LayerPort& p) {
      p.after.emplace_back([values, places](const Tensor<float>& t) {
        Tensor<float> to = t;
        for (size_t i = 0; i < places->size() && t.shape() == values->shape(); ++i) {
          if ((*places)[i] != 0) to.values()[i] = values->values()[i];
        }
        return to;
      });
    };
    placed_.push_back(std::move(placed));
  }
  std::vector<Found> explained;
  for (const Mistake& m : placed_) single(mistakes_.size() - 1, m, explained);
  return choose(explained);
}

bool Explainer::pairs() {
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

void Explainer::pairs_of_usual(std::vector<Found>& found) {
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
        if (!explains(segment_.with(chosen, true))) continue;
        const std::string& name = segment_.ports()[layer].name;
        const Residual residual = test(chosen, {b.id, a.id}, {b.sentence, a.sentence}, name);
        if (explains(residual)) found.push_back({residual.rms, name, {&b, &a}});
      }
    }
    if (!found.empty()) return;
  }
}

void Explainer::pairs_with(const Tried& first, std::vector<Found>& found) {
  const size_t layer = first.layer;
  const std::string& name = segment_.ports()[layer].name;
  const auto pair = [&](const Mistake& second) {
    if (second.family == first.mistake->family) return;
    Chosen chosen(mistakes_.size());
    chosen[layer] = {first.mistake, &second};
    const Residual residual =
        test(chosen, {first.mistake->id, second.id}, {first.mistake->sentence, second.sentence}, name);
    if (explains(residual)) found.push_back({residual.rms, name, {first.mistake, &second}});
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
    if (!possible(layer, m) || (!m.local && segment_.is_large())) continue;
    left_for_pairs_ -= segment_.operations(m.local && first.mistake->local);
    if (left_for_pairs_ < 0) return;
    pair(m);
  }
}

bool Explainer::of_solved_input() {
  if (!segment_.right().fits) return false;
  const LayerPort& port = segment_.ports()[0];
  if (!port.reads_input || port.is_transposed || !port.has_weight() || !port.convolves || port.in_channels() != 1 ||
      port.shuffles()) {
    return false;
  }
  if (segment_.ports().size() > 1) return of_input_through_layers();
  say("solving for the layer's input");
  solved_input_ = solve_input(port, segment_.output());
  const auto& [input, worst] = *solved_input_;
  if (worst > kMostLeftOfInput * segment_.tolerance()) return false;
  inputs_ = fit_input(contexts_[0], segment_.input(), input, segment_.tolerance());
  std::vector<Found> found;
  for (const Mistake& m : inputs_) single(0, m, found);
  return choose(found);
}

bool Explainer::of_input_through_layers() {
  const std::vector<LayerPort>& ports = segment_.ports();
  if (!std::all_of(ports.begin(), ports.end(), is_differentiable) || context_.quantum > 0) return false;
  say("solving for the network's input through all layers");
  if (segment_.right().largest < kSeenThrough * segment_.tolerance()) return false;
  const Window window = window_of(segment_);
  const auto solved = solve_chain_input(ports, window, segment_.tolerance());
  if (!solved) return false;
  // Pixels at a cut are known by few outputs.
  const int64_t margin = kReachOfMistakes + PortChain(ports, window.input).reach_before(0);
  const bool is_cut = window.input.shape() != segment_.input().shape();
  const auto part = [&](const Tensor<float>& t) {
    return is_cut ? pad2d(t, {-margin, -margin, -margin, -margin}, PaddingMode::zeros) : t;
  };
  inputs_ = fit_input(contexts_[0], part(window.input), part(*solved), 10 * segment_.tolerance());
  std::vector<Found> found;
  for (const Mistake& m : inputs_) single(0, m, found);
  if (choose(found)) return true;
  result_.layer = ports[0].name;
  result_.short_cause = "another input than the picture";
  result_.verdict = fmt::format(
      "{} reads another input than {}: with one that was solved for, and all layers right, the network gives {} to "
      "{:.2g} (without: {}). What was done to the picture cannot be named.",
      result_.layer, context_.input_file, context_.output_file, segment_.tolerance(), difference_without(segment_));
  return true;
}

void Explainer::last_resort() {
  // What several layers make of one wrong value is no value of its own.
  if (!segment_.right().fits || segment_.ports().size() > 1) return;
  const size_t layer = contexts_.size() - 1;
  fitted_ = fit_scattered(LayerCase(contexts_[layer], segment_.ports()[layer], segment_.input_of(layer),
                                    segment_.output(), segment_.tolerance()));
  std::vector<Found> found;
  for (const Mistake& m : fitted_) single(layer, m, found);
  choose(found);
}

}  // namespace fsrcnn
