#pragma once

#include <functional>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "porting/explanation.hpp"
#include "porting/mistakes.hpp"
#include "porting/nearest.hpp"
#include "porting/segment.hpp"

namespace fsrcnn {

/// Looks for the cause of what a segment got wrong: tries mistakes alone, then in pairs at each layer, then solves for
/// parameters. What it tries is in explanation_trials.cpp, what it makes of that in explanation.cpp.
class Explainer {
 public:
  Explainer(const Segment& segment, const ExplainContext& context, const std::function<void(const std::string&)>& tell);

  Explanation run();

 private:
  static constexpr size_t kMostLayersForPairs = 2;
  static constexpr double kMostOperationsOfPairs = 2e10;  ///< some seconds
  using Chosen = std::vector<std::vector<const Mistake*>>;

  void say(const std::string& what) const;

  /// What is the same everywhere tells nothing of its cause.
  bool constant();

  /// The dump is another place's.
  bool other_dump();

  /// What the last layer reads, by its name.
  std::string before_last() const;

  /// All values, and through many layers so well that it is no chance.
  bool explains(const Residual& residual) const;

  Residual test(const Chosen& chosen, std::vector<std::string> ids, std::vector<std::string> sentences,
                const std::string& layer);

  /// Mistakes that explain the dump.
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
  bool choose(std::vector<Found> found);

  /// What a layer stores wrongly the next one may as well read wrongly: of two such mistakes the writer's is kept.
  /// Returns who reads it, by the name of who writes it.
  std::map<std::string, std::string> drop_wrong_readings(std::vector<Found>& found) const;

  /// A dump from after the activation has the bias that this one, from before it, lacks.
  bool bias_comes_later() const;

  size_t layer_named(const std::string& name) const;

  double residual_of(const Found& found) const;

  bool singles();

  void single(size_t layer, const Mistake& m, std::vector<Found>& found);

  bool is_told_by_enough(const Mistake& m) const;

  /// Truncation is no better than coarse numbers explain, but it is seen in the mean.
  bool truncated();

  /// A layer that only activates has no kernels to get wrong.
  bool possible(size_t layer, const Mistake& m) const;

  /// A mistake that is made at some places alone: each value is the right one or that of the mistake.
  bool in_places();

  /// The same mistake at every layer that can have it.
  bool everywhere();

  bool pairs();

  /// Two that bring the result no nearer alone: an order of the input and one of the kernels.
  void pairs_of_usual(std::vector<Found>& found);

  /// What else is wrong where one mistake is made: fitted to what that leaves, or of the list.
  void pairs_with(const Tried& first, std::vector<Found>& found);

  /// What was done to the picture before the layer read it: fitted to the input that the output tells.
  bool of_solved_input();

  /// The same where several layers lie between; each value of the input is told by several of the output.
  bool of_input_through_layers();

  /// Each value is another one, but always the same for the same right one.
  void tell_curve();

  /// Single values, where all else is right.
  void last_resort();

  void tell_partial();

  Explanation finish();

  const Segment& segment_;
  const ExplainContext& context_;
  const std::function<void(const std::string&)>& tell_;
  std::vector<std::vector<Mistake>> mistakes_;
  std::vector<MistakeContext> contexts_;    // of each layer
  std::vector<Mistake> fitted_;             // to what was found, at the last layer
  std::list<std::vector<Mistake>> beside_;  // the same beside another mistake
  std::vector<Mistake> placed_;             // made at some places alone
  std::vector<Mistake> inputs_;             // fitted to the input that was solved for
  std::optional<std::pair<Tensor<float>, double>> solved_input_;
  std::vector<Tried> tried_;
  double left_for_pairs_ = kMostOperationsOfPairs;
  Residual on_part_;               // of the right layers on the part that is tried first
  const Mistake* best_ = nullptr;  // that explains most without explaining all
  double best_rms_ = std::numeric_limits<double>::infinity();
  Explanation result_;
};

}  // namespace fsrcnn
