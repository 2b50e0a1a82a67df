#include "porting/diagnose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "porting/activation_side.hpp"
#include "porting/coarse.hpp"
#include "porting/dump_interpreter.hpp"
#include "porting/dumped_network.hpp"
#include "porting/explanation.hpp"
#include "porting/integer_dumps.hpp"
#include "porting/judging.hpp"
#include "porting/misnamed_dumps.hpp"
#include "porting/segment.hpp"
#include "porting/summands.hpp"
#include "porting/upscaled_dump.hpp"
#include "porting/wrong_shapes.hpp"

namespace fsrcnn {
namespace {

constexpr std::string_view kBeforeClamp = "before the clamp: values beyond 0 and 1 are not cut off";

class Diagnoser {
 public:
  Diagnoser(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell)
      : request_(request),
        network_(*request.network),
        dumped_(request),
        interpreter_(network_, dumped_, request.tolerance),
        tell_(tell) {}

  Diagnosis run() {
    const std::optional<Exchanged> exchanged = exchange_misnamed(network_, dumped_, request_.tolerance);
    for (PlacedDump& dump : dumped_.dumps()) follow(dump);
    if (result_.layers.empty()) {
      fail(ErrorCode::input,
           "there is nothing to compare: give the output with --reference, or a later layer with --feature");
    }
    if (exchanged && result_.right) {
      result_.right = false;
      result_.layer = exchanged->layer;
      result_.mistakes = {"dumps_exchanged"};
      result_.verdict = exchanged->sentence + " Read so, all dumps agree with the network.";
    } else if (exchanged) {
      result_.verdict += " Beside that: " + exchanged->sentence + " They were compared so.";
    } else if (result_.right) {
      say_right();
    }
    result_.notes.insert(result_.notes.end(), dumped_.notes().begin(), dumped_.notes().end());
    return std::move(result_);
  }

 private:
  void say_right() {
    if (const auto coarse = coarser_than_others(network_, dumped_.dumps())) {
      result_.right = false;
      result_.layer = coarse->layer;
      result_.mistakes = {"coarse"};
      result_.verdict = coarse->sentence;
      return;
    }
    const auto& dumps = dumped_.dumps();
    const bool integers =
        std::any_of(dumps.begin(), dumps.end(), [](const auto& d) { return d.integers_of.has_value(); });
    result_.verdict = fmt::format("The port is right: {} agree with the network to {:g} of full scale{}.",
                                  result_.layers.size() == 1 ? "its values" : "all its dumps", request_.tolerance,
                                  integers ? ", its integers to a step of their scales" : "");
    const std::string& last_form = result_.layers.back().form;
    const bool before_clamp = last_form.ends_with(kBeforeClamp);
    if (coarse_.empty() && number_form_ == nullptr && !before_clamp) return;
    result_.verdict.pop_back();
    if (before_clamp) result_.verdict += fmt::format("; the output is {}", kBeforeClamp);
    if (number_form_ != nullptr) result_.verdict += fmt::format(", with {}", number_form_->words);
    if (!coarse_.empty()) result_.verdict += fmt::format(", or to what coarse numbers explain. In {}", coarse_);
    result_.verdict += '.';
  }

  /// All that is computed from must be finite.
  void begin_with(const PlacedDump& dump) {
    if (const auto i = first_not_finite(dump.values)) {
      fail(ErrorCode::input, "{}, which all is computed from, has a value that is not finite: {}", dump.file,
           place_of(dump.values, *i));
    }
    candidates_[&dump] = {dump.values};
  }

  LayerFinding finding_of(const PlacedDump& dump) const {
    LayerFinding finding{layer_of(network_, dump.place), step_of(network_, dump.place), dump.file, dump.values.shape()};
    finding.matched = dump.matched;
    finding.form = dump.form;
    return finding;
  }

  /// Where values are added on the way from the dumps before, nothing is tried but whether one of them is missing.
  void compare_sum(PlacedDump& dump, const Tensor<float>& expected) {
    interpreter_.interpret(dump, expected);
    const double tolerance =
        request_.tolerance * std::max(full_scale(dump.values), 1e-30) + 1.5 * largest_quantum() * 1.001;
    LayerFinding finding = finding_of(dump);
    finding.tolerance = tolerance;
    finding.difference = largest_difference(expected, dump.values);
    finding.agrees = finding.difference <= tolerance;
    if (expected.shape() != dump.values.shape()) return refuse_shape(finding, dump, expected);
    if (!finding.agrees && is_output(network_, dump.place) && dump.place.activated) {
      const auto unclamped = dumped_.value_of({dump.place.layer, false});
      if (unclamped && largest_difference(*unclamped, dump.values) <= tolerance) {
        finding.agrees = true;
        finding.difference = largest_difference(*unclamped, dump.values);
        finding.form += (finding.form.empty() ? "" : ", ") + std::string(kBeforeClamp);
      }
    }
    candidates_[&dump] = {dump.values};
    Explanation explanation;
    if (const auto i = first_not_finite(dump.values)) {
      finding.difference = std::numeric_limits<double>::quiet_NaN();
      finding.cause = "values that are not finite";
      explanation.ids = {"not_finite"};
      explanation.verdict =
          fmt::format("{} has values that are not finite: the first at {}.", dump.file, place_of(dump.values, *i));
    } else if (!finding.agrees) {
      look_at(finding, dump, expected, tolerance);
      auto plain = finding.evidence ? explained_by_evidence(*finding.evidence, finding.layer, layers_before(dump))
                                    : std::nullopt;
      explanation = plain ? std::move(*plain) : explain_sum(network_, dumped_, dump, tolerance);
      finding.cause = explanation.short_cause;
    } else if (dump.place.activated) {
      maps_[finding.layer] = std::make_shared<const Tensor<float>>(dump.values);
    }
    if (!finding.agrees && result_.right) take(finding, explanation, dump, expected.shape());
    result_.layers.push_back(std::move(finding));
  }

  /// Nothing but the shape can be told; what comes after it is computed from the right values.
  void refuse_shape(LayerFinding& finding, PlacedDump& dump, const Tensor<float>& expected) {
    Explanation explanation;
    explanation.ids = {"shape"};
    explanation.verdict = words_of_wrong_shape(network_, dumped_, dump, expected.shape());
    finding.cause = "another shape";
    finding.difference = std::numeric_limits<double>::infinity();
    if (result_.right) take(finding, explanation, dump, expected.shape());
    dump.values = expected;
    dump.quantum = 0;
    candidates_[&dump] = {expected};
    result_.layers.push_back(std::move(finding));
  }

  double largest_quantum() const {
    double largest = 0;
    for (const PlacedDump& dump : dumped_.dumps()) largest = std::max(largest, dump.quantum);
    return largest;
  }

  /// Where and how it differs, if the shapes are the same.
  void look_at(LayerFinding& finding, const PlacedDump& dump, const Tensor<float>& expected, double tolerance) const {
    if (expected.shape() != dump.values.shape()) return;
    // Of a dump that is 0 everywhere, the expected values' full scale.
    const double least = full_scale(dump.values) == 0 ? request_.tolerance * full_scale(expected) : 0;
    finding.evidence = gather_evidence(expected, dump.values, std::max(tolerance, least),
                                       is_output(network_, dump.place) ? network_.scale : 1);
    finding.expected = std::make_shared<const Tensor<float>>(expected);
    finding.found = std::make_shared<const Tensor<float>>(dump.values);
  }

  void follow(PlacedDump& dump) {
    place_by_values(dumped_, interpreter_, dump, [this](const PlacedDump& from) { return candidates_.at(&from)[0]; });
    const Chain chain = dumped_.chain_to(dump.place);
    if (chain.from == nullptr) {
      const auto expected = dumped_.value_of(dump.place);
      return expected ? compare_sum(dump, *expected) : begin_with(dump);
    }
    at_ = chain.from;
    std::vector<Tensor<float>> inputs = candidates_.at(at_);
    if (const int64_t channels = shape_at(network_, at_->place).channels;
        inputs[0].shape().c != channels && inputs[0].shape().h > 1) {
      fail(ErrorCode::input, "{} has the shape {}, but {} gives {} channel{}; is it a dump of another layer?",
           at_->file, to_string(inputs[0].shape()), layer_of(network_, at_->place), channels, channels == 1 ? "" : "s");
    }
    std::optional<Tensor<float>> first_expected;
    try {
      first_expected = fsrcnn::run(chain.ports, inputs[0]);
      interpreter_.interpret(dump, *first_expected);
    } catch (const Error&) {  // of another shape
    }
    const double tolerance = interpreter_.tolerance_for(dump.values, dump.quantum);
    LayerFinding finding = finding_of(dump);
    const bool is_of_other_shape = first_expected && first_expected->shape() != dump.values.shape();
    if (is_of_other_shape && !interpreter_.may_lack_padding(dump, first_expected->shape())) {
      return refuse_shape(finding, dump, *first_expected);
    }
    // What a port wrote need not be what it went on with.
    std::vector<std::vector<LayerPort>> layers(inputs.size(), chain.ports);
    add_fixed_point(dump.quantum, inputs, layers);
    size_t chosen = 0;
    std::vector<std::unique_ptr<Segment>> segments;
    for (size_t i = 0; i < inputs.size(); ++i) {
      segments.push_back(std::make_unique<Segment>(layers[i], inputs[i], dump.values, tolerance));
      if (segments[i]->right().fits && segments[i]->right().largest <= tolerance) {
        chosen = i;
        finding.agrees = true;
        break;
      }
    }
    const auto not_finite = first_not_finite(dump.values);
    const bool comparable = !not_finite && !first_not_finite(inputs[0]);
    if (!finding.agrees && comparable && is_before_clamp(dump, chain.ports, inputs[0], tolerance)) {
      finding.agrees = true;
      finding.difference = tolerance;
      finding.form += (finding.form.empty() ? "" : ", ") + std::string(kBeforeClamp);
    }
    if (!finding.agrees && comparable && first_expected &&
        is_of_upscale(network_, dumped_, dump, *first_expected, tolerance)) {
      finding.agrees = true;
      finding.difference = tolerance;
      finding.form += std::string(finding.form.empty() ? "" : ", ") +
                      "as upscale makes it: with mirrored edges and the guard on overshoot";
    }
    std::optional<Requantisation> integers;
    if (!finding.agrees && comparable) integers = judge_integers(network_, *at_, dump, chain.ports, inputs[0]);
    if (integers && integers->is_right) {
      finding.agrees = true;
      if (!integers->how.empty()) finding.form += ", " + integers->how;
    }
    if (!finding.agrees && comparable && !integers) try_number_forms(finding, dump, chain.ports, inputs, tolerance);
    Allowance allowance;
    if (!finding.agrees && comparable && !integers) {
      allowance = allowance_for(*at_, dump, chain.ports, inputs[0]);
      for (size_t i = 0; i < segments.size(); ++i) {
        segments[i]->allow(allowance.largest);
        if (dump.quantum > 0 && segments[i]->right().rms < segments[chosen]->right().rms) chosen = i;
      }
    }
    const Segment& segment = *segments[chosen];
    if (finding.difference == 0) finding.difference = segment.right().largest;
    finding.tolerance = integers ? dump.integers_of->scale : finding.agrees ? tolerance : segment.tolerance();
    // A short multiplier's error grows with the value.
    if (integers && integers->is_right) finding.tolerance = std::max(finding.tolerance, finding.difference);
    Explanation explanation;
    if (!finding.agrees && not_finite) {
      finding.difference = std::numeric_limits<double>::quiet_NaN();
      finding.cause = "values that are not finite";
      explanation.ids = {"not_finite"};
      explanation.verdict = fmt::format("{} has values that are not finite, where the network's are: the first at {}.",
                                        dump.file, place_of(dump.values, *not_finite));
      if (result_.right) take(finding, explanation, dump, {});
    } else if (!finding.agrees && !comparable) {
      finding.cause = "it read values that are not finite";  // told already
    } else if (!finding.agrees && integers) {
      look_at(finding, dump, fsrcnn::run(segment.ports(), segment.input()), finding.tolerance);
      explanation = explanation_of(*integers, dump, finding.layer);
      finding.cause = explanation.short_cause;
      if (result_.right) take(finding, explanation, dump, dump.values.shape());
    } else if (!finding.agrees) {
      explanation = explain_difference(finding, dump, segments, chosen, allowance);
    }
    if (is_of_other_shape) dump.values = *first_expected, dump.quantum = 0;
    remember(dump, segment.ports(), inputs[chosen], finding.agrees);
    // The next layer read either the dump, or, if only the dump is in a wrong form or rounded, what it should have
    // said.
    std::vector<Tensor<float>> next = {dump.values};
    if (explanation.output_form_only || (finding.agrees && dump.quantum > 0)) {
      next.push_back(fsrcnn::run(segment.ports(), inputs[chosen]));
    }
    candidates_[&dump] = std::move(next);
    result_.layers.push_back(std::move(finding));
  }

  /// Whether the port has the model's numbers in a shorter form; that of a layer before is tried first.
  void try_number_forms(LayerFinding& finding, const PlacedDump& dump, const std::vector<LayerPort>& ports,
                        const std::vector<Tensor<float>>& inputs, double tolerance) {
    const NumberForm* const form = form_of_numbers(ports, inputs[0], dump, tolerance, number_form_, finding.difference);
    if (form == nullptr) return;
    finding.agrees = true;
    finding.form += (finding.form.empty() ? "" : ", ") + form->words;
    number_form_ = form;
  }

  Explanation explain_difference(LayerFinding& finding, const PlacedDump& dump,
                                 const std::vector<std::unique_ptr<Segment>>& segments, size_t chosen,
                                 const Allowance& allowance) {
    const Segment& segment = *segments[chosen];
    Shape expected_shape;
    Explanation explanation;
    std::optional<Explanation> plain;
    try {
      const Tensor<float> expected = fsrcnn::run(segment.ports(), segment.input());
      expected_shape = expected.shape();
      // Errors that coarse numbers explain say nothing of the place.
      look_at(finding, dump, expected,
              segment.is_within_allowance() ? segment.tolerance() - allowance.largest : segment.tolerance());
    } catch (const Error&) {
    }
    if (finding.evidence && !segment.is_within_allowance()) {
      plain = explained_by_evidence(*finding.evidence, finding.layer, layers_before(dump));
    }
    if (plain && finding.evidence->fact("constant") == nullptr) {
      // Few values; a rule that makes just them wrong is told.
      ExplainContext few = context(dump);
      few.singles_only = true;
      Explanation rule = explain(segment, few, tell_);
      if (!rule.ids.empty()) plain = std::move(rule);
    }
    if (plain) {
      explanation = std::move(*plain);
    } else {
      if (tell_) tell_(fmt::format("{} {} differs; looking for the cause", finding.layer, finding.step));
      explanation = explain(segment, context(dump), tell_);
      const double half_step = dump.quantum / 2;
      if (explanation.ids.empty() && segment.is_within_allowance() &&
          segment.right().rms <= allowance.rms + half_step + request_.tolerance * full_scale(dump.values)) {
        finding.agrees = true;
        finding.evidence.reset();
        if (coarse_.empty()) {
          coarse_ = fmt::format("{}, {}, and {:.2g} was found", finding.layer, allowance.words, finding.difference);
        }
        return explanation;
      }
      for (size_t i = 0; i < segments.size() && explanation.ids.empty(); ++i) {
        if (i == chosen) continue;
        Explanation other = explain(*segments[i], context(dump), tell_);
        if (!other.ids.empty()) explanation = std::move(other);
      }
    }
    finding.cause = explanation.short_cause;
    if (!allowance.words.empty())
      explanation.notes.push_back(fmt::format("In {}, {}.", finding.layer, allowance.words));
    if (result_.right) take(finding, explanation, dump, expected_shape);
    return explanation;
  }

  ExplainContext context(const PlacedDump& dump) const {
    ExplainContext c;
    c.network = &network_;
    c.output_is_activated = dump.place.activated;
    c.quantum = dump.quantum;
    c.maps = maps_;
    // Dumps further on, and those before, that may have been taken for this one. Before and after its own activation a
    // layer's may be the same.
    for (const PlacedDump& other : dumped_.dumps()) {
      if (other.place.layer == dump.place.layer && other.place.activated) c.activated = &other.values;
      if (&other == &dump || other.values.count() != dump.values.count() || other.place.layer < 0) continue;
      if (other.place.layer == dump.place.layer) continue;
      c.other_dumps[layer_of(network_, other.place) + " " + step_of(network_, other.place)] = &other.values;
    }
    if (at_->place.layer < 0) c.wrong_lumas = request_.wrong_lumas;
    const PlacedDump* const picture = dumped_.dump_at({kNetworkInput, true});
    if (picture != nullptr && is_output(network_, dump.place) && picture->values.shape().c == network_.channels()) {
      c.picture = std::make_shared<const Tensor<float>>(picture->values);
    }
    // Whoever has to find the first cause without help comes back with the next layers.
    c.singles_only = !result_.right && result_.mistakes.empty();
    c.output_file = dump.file;
    c.input_file = at_->file;
    return c;
  }

  void take(const LayerFinding& finding, const Explanation& explanation, const PlacedDump& dump,
            const Shape& expected) {
    result_.right = false;
    result_.layer = explanation.layer.empty() ? finding.layer : explanation.layer;
    result_.mistakes = explanation.ids;
    result_.files = explanation.files;
    result_.same_result = explanation.same_result;
    result_.notes = explanation.notes;
    result_.hypotheses = explanation.hypotheses;
    result_.partly = explanation.partial;
    result_.verdict = explanation.verdict;
    if (result_.verdict.empty()) result_.verdict = place_verdict(finding, dump, expected, layers_before(dump));
  }

  /// How many layers lie between the dump before and this one, with its own.
  size_t layers_before(const PlacedDump& dump) const {
    int64_t before = kNetworkInput;
    for (const PlacedDump& other : dumped_.dumps()) {
      if (other.place < dump.place) before = other.place.layer;
    }
    size_t count = 0;
    for (int64_t i = before + 1; i <= dump.place.layer; ++i) {
      count += place_of_layer(network_, static_cast<int>(i)) == i ? 1 : 0;
    }
    return count;
  }

  /// Keeps what each layer gives when done right, to find a map taken for another.
  void remember(const PlacedDump& dump, const std::vector<LayerPort>& ports, const Tensor<float>& input, bool agrees) {
    const int64_t limit = int64_t{1} << 28;
    Tensor<float> x = input;
    for (const LayerPort& port : ports) {
      try {
        if (port.activates && port.bends() && !port.is_last) {
          LayerPort before = port;
          before.activates = false;
          maps_[port.name + " before its activation"] =
              std::make_shared<const Tensor<float>>(port.convolves ? compute(before, x) : x);
          kept_ += x.count();
        }
        x = compute(port, x);
      } catch (const Error&) {
        return;
      }
      kept_ += x.count();
      if (!port.activates || port.is_last || kept_ > limit) continue;
      const bool is_dumped = static_cast<int64_t>(port.layer) == dump.place.layer;
      maps_[port.name] = std::make_shared<const Tensor<float>>(is_dumped && agrees ? dump.values : x);
    }
  }

  const DiagnoseRequest& request_;
  const Network& network_;
  DumpedNetwork dumped_;
  DumpInterpreter interpreter_;
  const std::function<void(const std::string&)>& tell_;
  const PlacedDump* at_ = nullptr;                                      // where the chain that is looked at begins
  std::map<const PlacedDump*, std::vector<Tensor<float>>> candidates_;  // what layers after it may have read
  std::map<std::string, std::shared_ptr<const Tensor<float>>> maps_;
  int64_t kept_ = 0;
  std::string coarse_;                       // the first layer that agrees only because numbers are coarse
  const NumberForm* number_form_ = nullptr;  // in which a port has the model's numbers
  Diagnosis result_;
};

}  // namespace

Diagnosis diagnose(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell) {
  return Diagnoser(request, tell).run();
}

}  // namespace fsrcnn
