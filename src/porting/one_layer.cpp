#include "porting/one_layer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "porting/field_families.hpp"
#include "porting/layer_fit.hpp"
#include "porting/operation_fit.hpp"
#include "porting/spread.hpp"
#include "porting/suspects.hpp"

namespace fsrcnn {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;

constexpr int64_t kRows = 400;     // outputs that all layers are judged by
constexpr int64_t kFewRows = 160;  // by which operations are, which have no numbers
constexpr Index kMostCoefficients = 130;
constexpr size_t kMostOperations = 40;       // that are tried
constexpr size_t kMostSolvedOperations = 8;  // of those with a number
constexpr size_t kGrown = 3;                 // changes to which others are added
constexpr double kManyTimes = 20;            // less than the right layers leave, as no chance does
constexpr size_t kMostFiles = 6;
constexpr int kMostAdded = 6;
constexpr int kGrowingSteps = 8;

/// How many changes of a size are solved for, and by how many steps before fewer go on.
struct Round {
  size_t count;
  int steps;
};
struct Contest {
  Index fewest, most;  // coefficients
  std::vector<Round> rounds;
};
const std::vector<Contest>& contests() {
  static const std::vector<Contest> list = {{1, 1, {{160, 0}, {32, 2}, {12, 2}, {6, 10}}},
                                            {2, 30, {{96, 0}, {20, 1}, {7, 2}, {3, 10}}},
                                            {31, kMostCoefficients, {{40, 0}, {6, 1}, {3, 2}, {2, 8}}}};
  return list;
}

/// A change with what the linear equations leave of the squared error: 1 is all of it.
struct Ranked {
  const Change* change = nullptr;
  double left = 1;
  Eigen::VectorXd coefficients = {};
};

class OneLayer {
 public:
  OneLayer(const Segment& segment, const ExplainContext& context, const std::function<void(const std::string&)>& tell)
      : segment_(segment),
        context_(context),
        tell_(tell),
        window_(window_of(segment)),
        right_(segment.ports(), window_.input),
        enough_(segment.tolerance()),
        before_(distance(right_, window_)),
        spread_(spread_of(segment_.ports(), segment_.right_output(), segment_.output(), enough_)),
        suspects_(before_, wrong_values(right_, window_, enough_), spread_ ? spread_->ports[0] : 0) {}

  std::optional<Explanation> run() {
    if (window_.known_count < 64) return std::nullopt;
    if (tell_) tell_("taking each layer to be the only wrong one and solving for it through those behind it");
    for (size_t i = 0; i < right_.ports().size(); ++i) {
      std::vector<Change> changes = changes_of(right_.ports()[i], i);
      changes_.insert(changes_.end(), std::make_move_iterator(changes.begin()), std::make_move_iterator(changes.end()));
    }
    rank();
    operate();
    for (const Contest& contest : contests()) {
      solve(contest);
      if (!accepted_.empty()) return verdict();
    }
    solve_families();
    grow();
    if (!accepted_.empty()) return verdict();
    if (std::optional<Explanation> likely = likeliest()) return likely;
    return spread();
  }

 private:
  /// By how much of the error each change explains where the layers behind it are taken to be linear.
  void rank() {
    const Samples samples(right_, window_, 0, kRows, 1), few(right_, window_, 0, kFewRows, 1);
    for (size_t i = 0; i < right_.ports().size(); ++i) {
      const MatrixXf by_parameters = samples.by_parameters(i);
      for (const Change& change : changes_) {
        if (change.port != i || 3 * change.size() > samples.rows() || change.size() > kMostCoefficients) continue;
        ranked_.push_back(ranked(change, by_parameters, samples.residual()));
      }
      if (i + 1 == right_.ports().size()) continue;
      for (FieldFamily& family : field_families(right_, i)) rank(std::move(family), samples);
      std::vector<Operation> operations = operations_at(right_, few, i);
      operations.resize(std::min(kMostOperations, operations.size()));
      operations_.insert(operations_.end(), operations.begin(), operations.end());
    }
    std::stable_sort(ranked_.begin(), ranked_.end(), [](const auto& a, const auto& b) { return a.left < b.left; });
    std::stable_sort(operations_.begin(), operations_.end(),
                     [](const auto& a, const auto& b) { return a.left < b.left; });
    operations_.resize(std::min(kMostOperations, operations_.size()));
    std::stable_sort(families_.begin(), families_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  }

  void rank(FieldFamily family, const Samples& samples) {
    if (3 * family.size > samples.rows()) return;
    const double left = left_by(family.columns(samples), samples.residual());
    if (left < 1) families_.emplace_back(left, std::move(family));
  }

  /// Of the squared error, with the best coefficients, for each equation that they leave.
  static double left_by(const MatrixXf& columns, const Eigen::VectorXf& residual) {
    const Eigen::VectorXf left = residual - columns * least_squares(columns, residual).cast<float>();
    const auto rows = static_cast<double>(residual.size());
    return left.squaredNorm() / std::max(residual.squaredNorm(), 1e-30F) * rows /
           (rows - static_cast<double>(columns.cols()));
  }

  /// What no list names.
  void solve_families() {
    for (const FamilyFit& fit : best_fits(right_, window_, families_, enough_)) {
      suspects_.add(fit.family->port, fit.left, fit.family->size, "of its output, " + fit.family->words);
    }
  }

  /// The layer that alone explains most, if none of the others comes near.
  std::optional<Explanation> likeliest() {
    for (const LayerFit& f : near_) suspects_.add(f.change.port, f.left, f.change.size(), "other parameters");
    const auto likely = suspects_.likeliest();
    if (!likely) return std::nullopt;
    Explanation result;
    result.layer = segment_.ports()[likely->port].name;
    result.short_cause = fmt::format("most likely wrong: {}", likely->words);
    result.verdict = fmt::format(
        "{} differs. With all other layers right, {} leaves {:.2g} % of the squared error ({}), and all "
        "others more than {:.2g} %: what is wrong first is most likely {}. The cause cannot be named.",
        context_.output_file, result.layer, 100 * likely->left, likely->words, 100 * likely->left_by_others,
        result.layer);
    return result;
  }

  void operate() {
    size_t families = 0;
    for (Operation& operation : operations_) {
      if (operation.family && ++families > kMostSolvedOperations) continue;
      if (operation.family) operation = solved(right_, window_, operation);
      LayerFit f = fit_of(right_, window_, operation);
      suspects_.add(operation.port, f.left, 1, "of its output, " + operation.sentence);
      if (explains(f)) accepted_.push_back(std::move(f));
    }
  }

  static Ranked ranked(const Change& change, const MatrixXf& by_parameters, const Eigen::VectorXf& residual) {
    const MatrixXf columns = columns_of(change, by_parameters);
    const Eigen::VectorXd coefficients = least_squares(columns, residual);
    const Eigen::VectorXf left = residual - columns * coefficients.cast<float>();
    const auto rows = static_cast<double>(residual.size());
    return {&change,
            left.squaredNorm() / std::max(residual.squaredNorm(), 1e-30F) * rows /
                (rows - static_cast<double>(change.size())),
            coefficients};
  }

  /// Where changes are large, the linear equations tell little: many are begun, and those that come nearest go on.
  void solve(const Contest& contest) {
    std::vector<LayerFit> fits;
    for (const Ranked& r : ranked_) {
      if (r.change->size() < contest.fewest || r.change->size() > contest.most || r.left > 0.99) continue;
      if (fits.size() >= contest.rounds[0].count) break;
      const LayerFit none{*r.change, Eigen::VectorXd::Zero(r.change->size()), right_.ports()[r.change->port], before_,
                          nullptr};
      fits.push_back(towards(right_, window_, none, r.coefficients));
    }
    for (const Round& round : contest.rounds) {
      std::stable_sort(fits.begin(), fits.end(),
                       [](const LayerFit& a, const LayerFit& b) { return a.left.rms < b.left.rms; });
      fits.resize(std::min(round.count, fits.size()));
      for (LayerFit& fit : fits) fit = improved(right_, window_, std::move(fit), enough_, round.steps);
    }
    for (LayerFit& fit : fits) (explains(fit) ? accepted_ : near_).push_back(std::move(fit));
  }

  /// Adds changes at the same layer, one by one, to those that come nearest.
  void grow() {
    std::stable_sort(near_.begin(), near_.end(),
                     [](const LayerFit& a, const LayerFit& b) { return a.left.rms < b.left.rms; });
    const std::vector<LayerFit> begin(near_.begin(),
                                      near_.begin() + static_cast<ptrdiff_t>(std::min(kGrown, near_.size())));
    for (LayerFit grown : begin) {
      for (int added = 0; added < kMostAdded; ++added) {
        const size_t at = grown.change.port;
        const PortChain chain(right_, at, grown.port);
        const Samples samples(chain, window_, at, kRows, 2);
        const MatrixXf by_parameters = samples.by_parameters(at);
        Ranked best;
        for (const Change& change : changes_) {
          if (change.port != at || change.size() > 81 || change.size() + grown.change.size() > 300) continue;
          if (change.kind != Change::Kind::kernel && change.kind != Change::Kind::bias &&
              change.kind != Change::Kind::slope) {
            continue;
          }
          Ranked r = ranked(change, by_parameters, samples.residual());
          if (r.left < best.left) best = std::move(r);
        }
        if (best.change == nullptr) break;
        const Change both = together(grown.change, *best.change);
        Eigen::VectorXd start = Eigen::VectorXd::Zero(both.size());
        start.head(grown.change.size()) = grown.coefficients;
        LayerFit next =
            improved(right_, window_, fit_at(right_, window_, both, std::move(start)), enough_, kGrowingSteps);
        if (next.left.rms > 0.8 * grown.left.rms) break;
        grown = std::move(next);
        if (!explains(grown)) continue;
        accepted_.push_back(grown);
        return;
      }
    }
  }

  /// With its clamp, if it is the last.
  LayerPort port_of(const LayerFit& f) const {
    const LayerPort& right = segment_.ports()[f.change.port];
    return f.operation != nullptr ? with(right, *f.operation) : changed(right, f.change, f.coefficients);
  }

  /// All values of the whole output, with fewer unknowns than equations.
  bool explains(const LayerFit& f) const {
    if (!is_near(f.left) || 3 * f.change.size() > window_.known_count) return false;
    std::vector<LayerPort> ports = segment_.ports();
    ports[f.change.port] = port_of(f);
    const Residual left = Segment(ports, segment_.input(), segment_.output(), enough_).right();
    if (context_.quantum > 0) return is_near({left.largest, left.rms}) && 2 * left.rms < segment_.right().rms;
    return is_near({left.largest, left.rms}) && kManyTimes * left.largest < segment_.right().largest;
  }

  /// What steps leave is spread evenly; a solution's own noise moves some values over the edge of a step.
  bool is_near(const Distance& left) const {
    if (context_.quantum == 0) return left.largest <= enough_;
    return left.largest <= 1.3 * enough_ && left.rms <= 1.03 * context_.quantum / std::sqrt(12.0) + enough_ / 50;
  }

  static Index size_of(const LayerFit& f) { return f.operation != nullptr ? 1 : f.change.size(); }

  std::optional<Explanation> verdict() {
    // The fewest numbers that are others; of one layer one change.
    std::stable_sort(accepted_.begin(), accepted_.end(),
                     [](const LayerFit& a, const LayerFit& b) { return a.change.size() < b.change.size(); });
    std::vector<const LayerFit*> best;
    for (const LayerFit& f : accepted_) {
      const bool is_known =
          std::any_of(best.begin(), best.end(), [&](const LayerFit* b) { return b->change.port == f.change.port; });
      if (!is_known && (best.empty() || size_of(f) == size_of(*best[0]))) best.push_back(&f);
    }
    std::sort(best.begin(), best.end(),
              [](const LayerFit* a, const LayerFit* b) { return a->change.port < b->change.port; });
    Explanation result = explanation_of(*best[0]);
    if (best.size() == 1) return result;
    std::vector<std::string> sentences = {fmt::format("in {}, {}", result.layer, result.short_cause)};
    for (size_t i = 1; i < best.size(); ++i) {
      const Explanation other = explanation_of(*best[i]);
      sentences.push_back(fmt::format("in {}, {}", other.layer, other.short_cause));
      result.same_result.push_back(fmt::format("{}: {}", other.layer, other.short_cause));
    }
    result.verdict = fmt::format(
        "Either {}: the picture and the output do not tell which, since {} gives {} to {:.2g} "
        "(without: {:.3g}).",
        fmt::join(sentences, ", or "), best.size() == 2 ? "either" : "each", context_.output_file,
        best[0]->left.largest, segment_.right().largest);
    return result;
  }

  Explanation explanation_of(const LayerFit& f) const {
    const LayerPort& right = segment_.ports()[f.change.port];
    const LayerPort other = port_of(f);
    const Tensor<float>& read = segment_.input_of(f.change.port);
    Explanation result;
    if (f.operation != nullptr) {
      result.ids = {f.operation->id};
      result.layer = right.name;
      result.short_cause = "of its output, " + f.operation->sentence;
      std::string place = right.name;
      if (f.change.port + 1 < segment_.ports().size()) {
        // Who reads it can do the same; channels may be mixed up in its kernels, too.
        const std::string& reader = segment_.ports()[f.change.port + 1].name;
        const bool in_kernels = f.operation->id.starts_with("channel");
        result.same_result.push_back(fmt::format("{}: of its input{}, {}", reader,
                                                 in_kernels ? " or of its kernels" : "", f.operation->sentence));
        place +=
            fmt::format(" (as it is written, or as {} reads it{})", reader, in_kernels ? ", or in its kernels" : "");
      }
      result.verdict =
          fmt::format("Of the output of {}, {}: with this the network gives {} to {:.2g} (without: {:.3g}).", place,
                      f.operation->sentence, context_.output_file, f.left.largest, segment_.right().largest);
      return result;
    }
    const ChangeWords words = words_of(f.change, right, other);
    Explanation known = known_cause(f, right, other, read);
    const bool is_structure = !known.ids.empty() && known.ids != std::vector<std::string>{"kernels"} &&
                              known.ids != std::vector<std::string>{"bias"} &&
                              known.ids != std::vector<std::string>{"slopes"};
    result.layer = right.name;
    result.short_cause = is_structure ? known.short_cause : words.sentence;
    if (is_structure) {
      result.ids = known.ids;
      result.same_result = known.same_result;
    } else if (words.few) {
      result.ids = {words.id};
      if (known.files.size() <= kMostFiles) result.files = known.files;
    }
    result.verdict =
        fmt::format("With all other layers right, {0} alone explains {1}, to {2:.2g} (without: {3:.3g}), if {4}{5}",
                    right.name, context_.output_file, f.left.largest, segment_.right().largest, result.short_cause,
                    result.ids.empty() ? "; the cause of that cannot be named." : ".");
    return result;
  }

  /// With what the layer must have made, it is explained as if that had been dumped.
  Explanation known_cause(const LayerFit& f, const LayerPort& right, const LayerPort& other,
                          const Tensor<float>& read) const {
    const bool is_last = f.change.port + 1 == segment_.ports().size();
    if (context_.quantum > 0) return {};
    const Tensor<float> made = is_last ? segment_.output() : compute(other, read);
    double scale = 0;
    for (const float v : made.values()) scale = std::max(scale, std::abs(static_cast<double>(v)));
    ExplainContext inner = context_;
    inner.output_is_activated = !is_last || context_.output_is_activated;
    inner.other_dumps.clear();
    inner.activated = nullptr;
    if (f.change.port > 0) inner.wrong_lumas.clear();
    Explanation known;
    for (const double tolerance : {1e-5, 1e-4}) {
      const Segment one({right}, read, made, is_last ? segment_.tolerance() : tolerance * scale);
      known = explain(one, inner, nullptr);
      if (!known.ids.empty()) break;
    }
    return known;
  }

  /// No layer explains it; but errors that are not everywhere tell where they begin.
  std::optional<Explanation> spread() const {
    // What can have begun anywhere tells nothing.
    if (!spread_ || spread_->ports[0] == 0) return std::nullopt;
    // Of layers that reach equally far one that looks at neighbours has more to get wrong.
    size_t at = spread_->ports[0];
    for (const size_t port : spread_->ports) {
      const Shape w = segment_.ports()[port].weight.shape();
      if (w.h * w.w > 1) at = port;
    }
    Explanation result;
    std::vector<std::string> names;
    for (const size_t port : spread_->ports) names.push_back(segment_.ports()[port].name);
    result.layer = segment_.ports()[at].name;
    result.short_cause = fmt::format("wrong in {}", spread_->where);
    result.verdict = fmt::format(
        "{} differs in {} alone, by up to {:.3g}. Errors in the output of {} reach so far, and those of layers before "
        "further: what is wrong first is most likely its output. The cause cannot be named.",
        context_.output_file, spread_->where, segment_.right().largest, fmt::join(names, " or "));
    return result;
  }

  const Segment& segment_;
  const ExplainContext& context_;
  const std::function<void(const std::string&)>& tell_;
  Window window_;
  PortChain right_;
  double enough_;
  Distance before_;  // of the right layers
  std::optional<Spread> spread_;
  std::vector<Change> changes_;
  std::vector<Ranked> ranked_;
  std::vector<Operation> operations_;
  std::vector<RankedFamily> families_;
  std::vector<LayerFit> accepted_, near_;
  Suspects suspects_;
};

}  // namespace

std::optional<Explanation> explain_one_layer(const Segment& segment, const ExplainContext& context,
                                             const std::function<void(const std::string&)>& tell) {
  const std::vector<LayerPort>& ports = segment.ports();
  if (ports.size() < 2 || !segment.right().fits || !std::all_of(ports.begin(), ports.end(), is_differentiable)) {
    return std::nullopt;
  }
  return OneLayer(segment, context, tell).run();
}

}  // namespace fsrcnn
