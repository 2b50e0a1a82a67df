#include "engine/fused_plan.hpp"

#include <algorithm>

#include "engine/packing.hpp"
#include "engine/plan_builder.hpp"

namespace fsrcnn {
namespace {

int divide_up(int a, int b) { return (a + b - 1) / b; }
int multiple_of_tile(int x) { return divide_up(x, kTile) * kTile; }

bool linear_or_prelu(const LoweredValue& value) {
  return value.activation == Layer::Activation::none || value.activation == Layer::Activation::relu ||
         value.activation == Layer::Activation::prelu;
}

bool has_all_taps(const LoweredTerm& term, int radius) {
  return !term.is_copy() && term.rows_of.empty() && term.rows.first == -radius && term.rows.last == radius &&
         term.columns.first == -radius && term.columns.last == radius;
}

}  // namespace

PlanBuilder::PlanBuilder(FusedPlan& plan, const LoweredNetwork& network)
    : plan_(plan), network_(network), consumers_(network.values.size()), place_(network.values.size(), -1) {
  for (size_t v = 0; v < network.values.size(); ++v) {
    for (const LoweredTerm& term : network.values[v].terms) consumers_[static_cast<size_t>(term.input)].push_back(v);
    folds_.emplace_back(network.values[v], v + 1 == network.values.size());
  }
}

const LoweredTerm* PlanBuilder::only_term(size_t value) const {
  const std::vector<LoweredTerm>& terms = network_.values[value].terms;
  return terms.size() == 1 && !terms[0].is_copy() ? terms.data() : nullptr;
}

/// Of a 1x1 layer whose input the head can make on the way: the value that the head makes first.
const LoweredTerm* PlanBuilder::head_of(size_t value) const {
  const LoweredTerm* const second = only_term(value);
  if (network_.colours != 1 || second == nullptr || !second->is_pointwise()) return nullptr;
  const auto between = static_cast<size_t>(second->input);
  if (between == 0 || consumers_[between].size() != 1 || !linear_or_prelu(network_.values[between])) return nullptr;
  const LoweredTerm* const first = only_term(between);
  return first != nullptr && first->input == 0 && has_all_taps(*first, 2) ? first : nullptr;
}

/// Of the last value, the term that the tail can add to the output; null if none. What is added besides must not wait
/// for it.
const LoweredTerm* PlanBuilder::find_tail() const {
  const LoweredValue& last = network_.values.back();
  if (last.activation != Layer::Activation::none) return nullptr;
  const LoweredTerm* tail = nullptr;
  for (const LoweredTerm& term : last.terms) {
    if (term.input == 0) continue;
    if (tail != nullptr) return nullptr;
    tail = &term;
  }
  if (tail == nullptr || tail->is_copy()) return nullptr;
  const TapRange &r = tail->rows, &q = tail->columns;
  if (r.first != q.first || r.last != q.last || r.first > 0 || r.last < 0 || r.count() > toom_cook_taps(3))
    return nullptr;
  // Without a 1x1 layer before it, three taps are better transformed in both directions.
  return expanding_of(*tail) != nullptr || !tail->rows_of.empty() || r.count() > 3 ? tail : nullptr;
}

/// The 1x1 layer before the tail that is computed with it; null if none.
const LoweredTerm* PlanBuilder::expanding_of(const LoweredTerm& tail) const {
  const auto between = static_cast<size_t>(tail.input);
  if (consumers_[between].size() != 1 || !linear_or_prelu(network_.values[between])) return nullptr;
  const LoweredTerm* const expanding = only_term(between);
  return expanding != nullptr && expanding->is_pointwise() && expanding->input != 0 ? expanding : nullptr;
}

int PlanBuilder::place_of(int value) const { return place_[static_cast<size_t>(value)]; }

int PlanBuilder::new_value(size_t value, int border) {
  place_[value] = static_cast<int>(plan_.values.size());
  plan_.values.push_back({.channels = network_.values[value].channels, .border = border});
  return place_[value];
}

/// What lies outside a value's picture, as those say who read it there.
int PlanBuilder::border_of(size_t value) const {
  for (const size_t consumer : consumers_[value]) {
    for (const LoweredTerm& term : network_.values[consumer].terms) {
      if (term.input == static_cast<int>(value) && !term.is_pointwise()) return term.border;
    }
  }
  return 0;
}

void PlanBuilder::build() {
  const LoweredTerm* const tail = find_tail();
  const size_t last = network_.values.size() - 1;
  // Between two fused layers there is no value.
  std::vector<bool> inside(network_.values.size());
  const LoweredTerm* const expanding = tail == nullptr ? nullptr : expanding_of(*tail);
  if (expanding != nullptr) inside[static_cast<size_t>(tail->input)] = true;
  for (size_t v = 1; v <= last; ++v) {
    if (const LoweredTerm* second = only_term(v); second != nullptr && !inside[v] && head_of(v) != nullptr) {
      inside[static_cast<size_t>(second->input)] = true;
    }
  }
  new_value(0, border_of(0));
  for (size_t v = 1; v <= last; ++v) {
    if (inside[v]) continue;
    const LoweredValue& value = network_.values[v];
    if (v == last && tail != nullptr && value.terms.size() == 1) break;  // the tail makes it all
    int border = border_of(v);
    // A 1x1 layer of what is replicated is replicated.
    const bool read_by_tail =
        tail != nullptr && (expanding != nullptr ? expanding : tail)->input == static_cast<int>(v);
    if (read_by_tail && tail->border > 0) border = kEndless;
    const int to = new_value(v, border);
    const StageTimesField stage = v == last                  ? &StageTimes::deconvolution
                                  : reads_input_alone(value) ? &StageTimes::feature_extraction
                                                             : &StageTimes::mapping;
    if (const LoweredTerm* first = head_of(v)) {
      add_head(v, *first, to);
    } else {
      std::vector<const LoweredTerm*> terms;
      for (const LoweredTerm& term : value.terms) {
        if (&term != tail || v != last) terms.push_back(&term);
      }
      // The first one sets what the others add to; a copy is the last choice for it.
      std::stable_partition(terms.begin(), terms.end(), [&](const LoweredTerm* t) { return transforms(*t); });
      for (size_t t = 0; t < terms.size(); ++t) add_term(v, *terms[t], to, t == 0, t + 1 == terms.size(), stage);
    }
    if (v == last) plan_.output = to;
  }
  if (tail != nullptr) add_tail(*tail);
  set_lags();
  set_windows();
  set_rows_read();
}

bool PlanBuilder::reads_input_alone(const LoweredValue& value) const {
  return std::all_of(value.terms.begin(), value.terms.end(), [](const LoweredTerm& t) { return t.input == 0; });
}

bool PlanBuilder::transforms(const LoweredTerm& term) const {
  return plan_.precision == Precision::fast && has_all_taps(term, 1);
}

void PlanBuilder::add_head(size_t value, const LoweredTerm& first, int to) {
  const bool exact = plan_.precision == Precision::exact;
  const int block = plan_.gemm->most_outputs;
  const LoweredTerm& second = network_.values[value].terms[0];
  const auto between = static_cast<size_t>(second.input);
  PlanStep step{.op = PlanStep::Op::head, .input = 0, .output = to, .rows = first.rows, .columns = first.columns};
  step.layer = pack_convolution(first.weight, network_.values[between].bias, {1.0}, folds_[between],
                                exact ? block : plan_.kernels->feature_outputs, exact ? 0 : 3, 0);
  step.second =
      pack_convolution(second.weight, network_.values[value].bias, folds_[between].factor, folds_[value], block, 0, 0);
  step.stage = &StageTimes::feature_extraction;
  finish_activation(value, step);
  plan_.steps.push_back(std::move(step));
}

void PlanBuilder::add_term(size_t value, const LoweredTerm& term, int to, bool first, bool last,
                           StageTimesField stage) {
  PlanStep step{.op = term.is_copy()              ? PlanStep::Op::copy
                      : first && transforms(term) ? PlanStep::Op::winograd
                                                  : PlanStep::Op::direct,
                .input = place_of(term.input),
                .output = to,
                .accumulates = !first,
                .rows = term.rows,
                .columns = term.columns,
                .copied = term.copied,
                .stage = stage};
  const Fold& fold = folds_[value];
  const std::vector<double>& factor = folds_[static_cast<size_t>(term.input)].factor;
  const std::vector<float>& bias = network_.values[value].bias;
  if (term.is_copy()) {
    step.layer.outputs = static_cast<int>(bias.size());
    for (size_t o = 0; o < bias.size(); ++o) {
      step.layer.bias.push_back(static_cast<float>(bias[o] * fold.sign[o]));
      step.layer.weights.push_back(static_cast<float>(fold.sign[o] * factor[static_cast<size_t>(term.copied[o])]));
    }
    step.layer.slope = fold.slope;
  } else {
    const int pairs = step.op == PlanStep::Op::winograd ? 2 : 0;
    step.layer = pack_convolution(term.weight, bias, factor, fold, plan_.gemm->most_outputs, pairs, pairs);
    for (int y = term.rows.first; y <= term.rows.last; ++y) {
      for (int x = term.columns.first; x <= term.columns.last; ++x) step.taps.push_back({y, x});
    }
  }
  if (!last) std::fill(step.layer.slope.begin(), step.layer.slope.end(), 1.0F);
  if (last) finish_activation(value, step);
  plan_.steps.push_back(std::move(step));
}

/// What the kernels' PReLU cannot do is done afterwards.
void PlanBuilder::finish_activation(size_t value, PlanStep& step) const {
  if (!folds_[value].afterwards) return;
  const LoweredValue& v = network_.values[value];
  step.activation = v.activation;
  step.slope = v.slope;
  step.low = v.low;
  step.high = v.high;
}

/// How far each value is behind the input: as its steps look ahead.
void PlanBuilder::set_lags() {
  // The guard looks at the pixels around each output's.
  const int least = plan_.looks.guard > 0 ? 1 : 0;
  const auto lag = [&](int v) -> int& { return plan_.values[static_cast<size_t>(v)].lag; };
  for (bool settled = false; !settled;) {
    for (const PlanStep& step : plan_.steps) {
      const int ahead = std::max({step.rows.last, step.columns.last, 0});
      lag(step.output) = std::max(lag(step.output), lag(step.input) + ahead);
    }
    plan_.output_lag = std::max(least, plan_.output >= 0 ? lag(plan_.output) : 0);
    if (plan_.output >= 0) lag(plan_.output) = plan_.output_lag;
    settled = true;
    if (!plan_.tail) continue;
    // What is added to the tail's output waits for it, or the tail for that, and with it all that follows its input.
    int& read = lag(plan_.tail->input);
    plan_.output_lag = std::max(plan_.output_lag, read + plan_.tail->after);
    settled = read == plan_.output_lag - plan_.tail->after;
    read = plan_.output_lag - plan_.tail->after;
    if (plan_.output >= 0) lag(plan_.output) = plan_.output_lag;
  }
}

/// How much of each value is kept, when its steps begin, and where they compute something: from the last step back,
/// then from the first on.
void PlanBuilder::set_windows() {
  const auto value = [&](int v) -> PlanValue& { return plan_.values[static_cast<size_t>(v)]; };
  plan_.outside_columns = 2 * kTile;
  if (plan_.tail) value(plan_.tail->input).start = -1;
  if (plan_.looks.guard > 0) {
    // As a step that makes the output from 3x3 pixels of the input would.
    PlanValue& in = plan_.values.front();
    in.rows = std::max(in.rows, plan_.output_lag + 1 + kRowsAtOnce);
    in.halo = std::max(in.halo, plan_.output_lag + 1);
    in.start = std::min(in.start, -divide_up(plan_.output_lag + 1, kRowsAtOnce));
  }
  for (auto step = plan_.steps.rbegin(); step != plan_.steps.rend(); ++step) {
    PlanValue& in = value(step->input);
    const PlanValue& out = value(step->output);
    const int behind = out.lag - in.lag;
    in.rows = std::max(in.rows, behind - step->rows.first + kRowsAtOnce);
    in.halo = std::max(in.halo, behind - step->columns.first);
    in.read_back = in.read_back || behind - step->columns.first > 0;
    in.start = std::min(in.start, out.start - divide_up(behind - step->rows.first, kRowsAtOnce));
    plan_.outside_columns = std::max(plan_.outside_columns, step->columns.last + kTile);
  }
  if (plan_.tail && plan_.tail->border > 0) value(plan_.tail->input).rows += kRowsAtOnce;
  plan_.first_step = plan_.tail ? -1 : 0;
  for (const PlanStep& step : plan_.steps) {
    const PlanValue& in = value(step.input);
    PlanValue& out = value(step.output);
    plan_.first_step = std::min(plan_.first_step, out.start);
    // All that is read of the input is loaded.
    const int first = step.input == 0 ? 0 : in.invalid + out.lag - in.lag - step.columns.first;
    out.invalid = std::max(out.invalid, step.op == PlanStep::Op::winograd ? multiple_of_tile(first) : first);
  }
  plan_.invalid_columns = plan_.output >= 0 ? value(plan_.output).invalid : 0;
  if (plan_.tail) {
    plan_.invalid_columns = std::max(plan_.invalid_columns, value(plan_.tail->input).invalid + kLeastHalo);
  }
}

void PlanBuilder::set_rows_read() {
  struct Window {
    TapRange rows{0, 0}, columns{0, 0};
  };
  const auto unite = [](TapRange a, TapRange b) {
    return TapRange{std::min(a.first, b.first), std::max(a.last, b.last)};
  };
  const auto add = [](TapRange a, TapRange b) { return TapRange{a.first + b.first, a.last + b.last}; };
  std::vector<Window> windows(network_.values.size());
  const size_t last = windows.size() - 1;
  for (size_t v = 1; v < last; ++v) {
    for (size_t t = 0; t < network_.values[v].terms.size(); ++t) {
      const LoweredTerm& term = network_.values[v].terms[t];
      const Window& in = windows[static_cast<size_t>(term.input)];
      const Window here{add(in.rows, term.rows), add(in.columns, term.columns)};
      windows[v] = t == 0 ? here : Window{unite(windows[v].rows, here.rows), unite(windows[v].columns, here.columns)};
    }
  }
  for (int k = 0; k < network_.values[last].channels; ++k) {
    const auto phase = static_cast<size_t>(k % plan_.phases());
    for (const LoweredTerm& term : network_.values[last].terms) {
      const Window& in = windows[static_cast<size_t>(term.input)];
      const auto channel = static_cast<size_t>(k);
      const TapRange rows = add(in.rows, term.rows_of.empty() ? term.rows : term.rows_of[channel]);
      const TapRange columns = add(in.columns, term.columns_of.empty() ? term.columns : term.columns_of[channel]);
      if (plan_.rows_read.size() <= phase) {
        plan_.rows_read.push_back(rows);
        plan_.columns_read.push_back(columns);
      }
      plan_.rows_read[phase] = unite(plan_.rows_read[phase], rows);
      plan_.columns_read[phase] = unite(plan_.columns_read[phase], columns);
    }
  }
}

bool FusedPlan::fits(const LoweredNetwork& network) {
  // Wider windows and deeper rings are those of no network that is known, and would not stay in a cache.
  constexpr int64_t kMostReach = 64, kMostWeights = int64_t{1} << 24;
  if (network.scale > kMostFusedScale) return false;
  int64_t reach = 0, weights = 0;
  for (const LoweredValue& value : network.values) {
    int64_t most = 0;
    for (const LoweredTerm& term : value.terms) {
      for (const TapRange& r : {term.rows, term.columns}) most = std::max<int64_t>({most, -r.first, r.last});
      weights += term.weight.count();
    }
    reach += most;
  }
  return reach <= kMostReach && weights <= kMostWeights;
}

int FusedPlan::most_halo() const {
  int most = 0;
  for (const PlanValue& value : values) most = std::max(most, value.halo);
  return most;
}

int FusedPlan::most_copied_halo() const {
  int most = kLeastHalo;
  for (size_t v = 1; v < values.size(); ++v) most = std::max(most, values[v].halo);
  return most;
}

int FusedPlan::most_rows_back() const {
  int most = 0;
  for (const TapRange& range : rows_read) most = std::max(most, -range.first);
  return most;
}

FusedPlan::FusedPlan(const LoweredNetwork& network, Precision p, std::string_view cpu, const Looks& l)
    : kernels(fused_kernels(cpu)),
      gemm(gemm_kernels(cpu)),
      precision(p),
      looks(l),
      levels(network.levels),
      scale(network.scale),
      colours(network.colours),
      output(-1) {
  PlanBuilder(*this, network).build();
}

}  // namespace fsrcnn
