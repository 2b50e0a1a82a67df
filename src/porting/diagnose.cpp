#include "porting/diagnose.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "porting/explanation.hpp"
#include "porting/precision.hpp"
#include "porting/segment.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

std::string plain(std::string name) {
  const size_t slash = name.rfind('/');
  if (slash != std::string::npos) name = name.substr(slash + 1);
  for (const char* suffix : {".npy", ".txt", ".hex", ".h", ".f32", ".raw", ".png"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - std::string(suffix).size());
  }
  const size_t digits = name.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && name[digits] == '_') name = name.substr(digits + 1);
  return dump_name(name, "");
}

struct PlacedDump {
  NetworkPlace place;
  std::string file;
  Tensor<float> values;
  double quantum = 0;
};

std::string step_of(const Model& model, const NetworkPlace& place) {
  if (place.layer < 0) return "";
  const bool tail = place.layer + 1 == static_cast<int64_t>(model.layers.size());
  if (tail) return place.activated ? "clamp" : model.layers.back().name;
  return place.activated ? "PReLU" : "convolution";
}

std::string layer_of(const Model& model, const NetworkPlace& place) {
  return place.layer < 0 ? "input" : model.layers[place.layer].name;
}

int64_t channels_at(const Model& model, const NetworkPlace& place) {
  if (place.layer < 0) {
    const Layer& first = model.layers.front();
    const bool deconvolution = model.layers.size() == 1 && model.tail == Tail::deconvolution;
    return deconvolution ? first.weight.shape().n : first.weight.shape().c;
  }
  return place.layer + 1 == static_cast<int64_t>(model.layers.size()) ? 1 : model.layers[place.layer].weight.shape().n;
}

/// A dump that calls itself NHWC, or by fewer axes, as NCHW; its values stay in their order.
Tensor<float> with_channels(Tensor<float> t, int64_t channels) {
  const Shape s = t.shape();
  if (s.c == channels || s.n != 1) return t;
  if (s.w == channels) return {{1, channels, s.c, s.h}, std::move(t.values())};
  if (s.c == 1 && s.h % channels == 0) return {{1, channels, s.h / channels, s.w}, std::move(t.values())};
  return t;
}

double full_scale(const Tensor<float>& t) {
  double largest = 0;
  for (const float v : t.values()) {
    if (std::isfinite(v)) largest = std::max(largest, std::abs(static_cast<double>(v)));
  }
  return largest;
}

std::optional<int64_t> first_not_finite(const Tensor<float>& t) {
  const auto found = std::find_if_not(t.values().begin(), t.values().end(), [](float v) { return std::isfinite(v); });
  if (found == t.values().end()) return std::nullopt;
  return found - t.values().begin();
}

std::string place_of(const Tensor<float>& t, int64_t i) {
  const Shape s = t.shape();
  return fmt::format("channel {}, row {}, column {} ({})", i / (s.h * s.w) % s.c, i / s.w % s.h, i % s.w, t.data()[i]);
}

class Diagnoser {
 public:
  Diagnoser(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell)
      : request_(request), model_(*request.model), tell_(tell) {}

  Diagnosis run() {
    place_dumps();
    for (size_t i = 0; i < dumps_.size(); ++i) follow(dumps_[i]);
    if (result_.layers.empty()) {
      fail(ErrorCode::input, "there is nothing to compare: give --reference, or features after the first one");
    }
    if (result_.right) {
      result_.verdict = fmt::format("The port is right: {} agree with the network to {:g} of full scale.",
                                    result_.layers.size() == 1 ? "its values" : "all its dumps", request_.tolerance);
      if (!coarse_.empty()) {
        result_.verdict.pop_back();
        result_.verdict += fmt::format(", or to what coarse numbers explain. In {}.", coarse_);
      }
    }
    return std::move(result_);
  }

 private:
  void place_dumps() {
    if (request_.luma) dumps_.push_back({{-1, true}, "input", *request_.luma});
    for (const Dump& dump : request_.dumps) {
      const auto place = parse_place(model_, dump.name);
      if (!place) {
        fail(ErrorCode::usage,
             "'{}' is no place in the network; say input, a layer such as '{}', {}_convolution, "
             "mid (what the last layer reads) or preds",
             dump.name, dump_name(model_.layers.front().name, ""), dump_name(model_.layers.front().name, ""));
      }
      Tensor<float> values = with_channels(dump.tensor.to_float(), channels_at(model_, *place));
      if (place->layer < 0 && request_.luma) fail(ErrorCode::usage, "the input is given twice");
      const double quantum = step_of_values(values);
      dumps_.push_back({*place, dump.file, std::move(values), quantum});
    }
    std::stable_sort(dumps_.begin(), dumps_.end(), [](const auto& a, const auto& b) { return a.place < b.place; });
    const auto twice = std::adjacent_find(dumps_.begin(), dumps_.end(),
                                          [](const auto& a, const auto& b) { return a.place == b.place; });
    if (twice != dumps_.end()) {
      fail(ErrorCode::usage, "{} and {} are both said to be {} {}", twice->file, (twice + 1)->file,
           layer_of(model_, twice->place), step_of(model_, twice->place));
    }
    if (dumps_.size() < 2) {
      fail(ErrorCode::input,
           "there is nothing to compare: needed are two tensors on the way, such as the input and the output");
    }
    // Shapes that do not say where channels are, or that have none, take those of the picture.
    const Shape first = dumps_.front().values.shape();
    for (PlacedDump& dump : dumps_) {
      const bool tail = dump.place.layer + 1 == static_cast<int64_t>(model_.layers.size());
      const int64_t factor = tail ? model_.scale : 1;
      const Shape expected{1, channels_at(model_, dump.place), first.h * factor, first.w * factor};
      if (dump.values.shape() != expected && dump.values.count() == expected.count()) {
        dump.values = Tensor<float>(expected, std::move(dump.values.values()));
      }
    }
  }

  std::vector<LayerPort> ports_between(const NetworkPlace& from, const NetworkPlace& to) const {
    std::vector<LayerPort> ports;
    for (int64_t layer = from.activated ? from.layer + 1 : from.layer; layer <= to.layer; ++layer) {
      LayerPort port = right_port(model_, layer);
      port.convolves = layer != from.layer;
      port.activates = layer != to.layer || to.activated;
      ports.push_back(std::move(port));
    }
    return ports;
  }

  void follow(const PlacedDump& dump) {
    if (at_ == nullptr) {
      if (const auto i = first_not_finite(dump.values)) {
        fail(ErrorCode::input, "{}, which all is computed from, has a value that is not finite: {}", dump.file,
             place_of(dump.values, *i));
      }
      at_ = &dump;
      candidates_ = {dump.values};
      return;
    }
    const double scale = full_scale(dump.values);
    const double tolerance = request_.tolerance * std::max(scale, 1e-30) + dump.quantum / 2 * 1.001;
    LayerFinding finding{layer_of(model_, dump.place), step_of(model_, dump.place), dump.file, dump.values.shape()};
    const std::vector<LayerPort> ports = ports_between(at_->place, dump.place);
    // What a port wrote need not be what it went on with.
    std::vector<std::vector<LayerPort>> readings(candidates_.size(), ports);
    add_fixed_point(dump.quantum, readings);
    size_t chosen = 0;
    std::vector<std::unique_ptr<Segment>> segments;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      segments.push_back(std::make_unique<Segment>(readings[i], candidates_[i], dump.values, tolerance));
      if (segments[i]->right().fits && segments[i]->right().largest <= tolerance) {
        chosen = i;
        finding.agrees = true;
        break;
      }
    }
    const auto not_finite = first_not_finite(dump.values);
    const bool comparable = !not_finite && !first_not_finite(candidates_[0]);
    std::string coarse;
    if (!finding.agrees && comparable) {
      const double allowance = allowance_for(dump, ports);
      coarse = fmt::format("{} may make a difference of up to {:.2g}", what_is_coarse(dump, ports), allowance);
      for (size_t i = 0; i < segments.size(); ++i) {
        segments[i]->allow(allowance);
        if (dump.quantum > 0 && segments[i]->right().rms < segments[chosen]->right().rms) chosen = i;
      }
      if (allowance == 0) coarse.clear();
    }
    const Segment& segment = *segments[chosen];
    finding.difference = segment.right().largest;
    finding.tolerance = finding.agrees ? tolerance : segment.tolerance();
    Explanation explanation;
    if (!finding.agrees && not_finite) {
      finding.difference = std::numeric_limits<double>::quiet_NaN();
      finding.cause = "values that are not finite";
      explanation.ids = {"not_finite"};
      explanation.verdict = fmt::format("{} has values that are not finite, where the network's are: the first at {}.",
                                        dump.file, place_of(dump.values, *not_finite));
      if (result_.right) take(finding, explanation, dump);
    } else if (!finding.agrees && !comparable) {
      finding.cause = "it read values that are not finite";  // told already
    } else if (!finding.agrees) {
      if (tell_) tell_(fmt::format("{} {} differs; looking for the cause", finding.layer, finding.step));
      explanation = explain(segment, context(dump), tell_);
      if (explanation.ids.empty() && segment.is_within_allowance()) {
        finding.agrees = true;
        if (coarse_.empty())
          coarse_ = fmt::format("{}, {}, and {:.2g} was found", finding.layer, coarse, finding.difference);
      } else {
        for (size_t i = 0; i < segments.size() && explanation.ids.empty(); ++i) {
          if (i == chosen) continue;
          Explanation other = explain(*segments[i], context(dump), tell_);
          if (!other.ids.empty()) explanation = std::move(other);
        }
        finding.cause = explanation.short_cause;
        if (!coarse.empty()) explanation.notes.push_back(fmt::format("In {}, {}.", finding.layer, coarse));
        if (result_.right) take(finding, explanation, dump);
      }
    }
    remember(dump, segment.ports(), candidates_[chosen], finding.agrees);
    // The next layer read either the dump, or, if only the dump is in a wrong form or rounded, what it should have
    // said.
    std::vector<Tensor<float>> next = {dump.values};
    if (explanation.output_form_only || (finding.agrees && dump.quantum > 0)) {
      next.push_back(run(segment.ports(), candidates_[chosen]));
    }
    candidates_ = std::move(next);
    at_ = &dump;
    result_.layers.push_back(std::move(finding));
  }

  /// A port in fixed point brings its input and its numbers to the steps that it writes, rounded or truncated.
  void add_fixed_point(double step, std::vector<std::vector<LayerPort>>& readings) {
    if (step == 0 || step >= 1 || std::ldexp(1, std::ilogb(step)) != step) return;
    for (const double half : {0.5, 0.0}) {
      const auto quantise = [&](std::vector<float>& values) {
        for (float& v : values) v = static_cast<float>(std::floor(v / step + half) * step);
      };
      candidates_.push_back(candidates_[0]);
      quantise(candidates_.back().values());
      readings.push_back(readings[0]);
      for (LayerPort& port : readings.back()) {
        quantise(port.weight.values());
        quantise(port.bias);
        quantise(port.slope);
      }
    }
  }

  /// What coarse numbers may make of a layer that is right, beyond the steps of the dump itself.
  double allowance_for(const PlacedDump& dump, const std::vector<LayerPort>& ports) const {
    const LayerPort& last = ports.back();
    double most = 1;
    for (const float s : last.slope) most = std::max(most, std::abs(static_cast<double>(s)));
    // A port in fixed point rounds before the activation, too.
    const bool rounds_twice = last.convolves && last.activates && !last.is_tail;
    return error_of_coarse_numbers(ports, candidates_[0], step_of_input()) + (rounds_twice ? most * dump.quantum : 0);
  }

  /// Of a dump within the network; the network's input is what it is.
  double step_of_input() const { return at_->place.layer < 0 ? 0 : at_->quantum; }

  std::string what_is_coarse(const PlacedDump& dump, const std::vector<LayerPort>& ports) const {
    std::vector<std::string> parts;
    for (const LayerPort& port : ports) {
      if (const auto decimals = decimals_of(port)) {
        parts.push_back(fmt::format("the model's numbers, which have only {} decimals,", *decimals));
        break;
      }
    }
    const double step = std::max(step_of_input(), dump.quantum);
    if (step > 0) parts.push_back(fmt::format("dumps in steps of {:.3g}", step));
    return fmt::format("{}", fmt::join(parts, " and "));
  }

  static Tensor<float> run(const std::vector<LayerPort>& ports, const Tensor<float>& input) {
    Tensor<float> x = input;
    for (const LayerPort& port : ports) x = compute(port, x);
    return x;
  }

  ExplainContext context(const PlacedDump& dump) const {
    ExplainContext c;
    c.model = &model_;
    c.first_layer = at_->place.activated ? at_->place.layer + 1 : at_->place.layer;
    c.output_is_activated = dump.place.activated;
    c.quantum = dump.quantum;
    c.maps = maps_;
    // Dumps further on, and those before, that may have been taken for this one.
    for (const PlacedDump& other : dumps_) {
      if (&other == &dump || other.values.count() != dump.values.count() || other.place.layer < 0) continue;
      c.other_dumps[layer_of(model_, other.place) + " " + step_of(model_, other.place)] = &other.values;
    }
    if (at_->place.layer < 0) c.wrong_lumas = request_.wrong_lumas;
    c.output_file = dump.file;
    c.input_file = at_->file;
    return c;
  }

  void take(const LayerFinding& finding, const Explanation& explanation, const PlacedDump& dump) {
    result_.right = false;
    result_.layer = explanation.layer.empty() ? finding.layer : explanation.layer;
    result_.mistakes = explanation.ids;
    result_.files = explanation.files;
    result_.same_result = explanation.same_result;
    result_.notes = explanation.notes;
    result_.hypotheses = explanation.hypotheses;
    result_.verdict = explanation.verdict.empty()
                          ? fmt::format(
                                "{} differs by {:.3g}, and neither a mistake on record nor other parameters "
                                "explain it.",
                                dump.file, finding.difference)
                          : explanation.verdict;
  }

  /// Keeps what each layer gives when done right, to find a map taken for another.
  void remember(const PlacedDump& dump, const std::vector<LayerPort>& ports, const Tensor<float>& input, bool agrees) {
    const int64_t limit = int64_t{1} << 28;
    int64_t layer = dump.place.layer - static_cast<int64_t>(ports.size()) + 1;
    Tensor<float> x = input;
    for (const LayerPort& port : ports) {
      try {
        x = compute(port, x);
      } catch (const Error&) {
        return;
      }
      const int64_t here = layer++;
      kept_ += x.count();
      if (here < 0 || !port.activates || port.is_tail || kept_ > limit) continue;
      maps_[model_.layers[here].name] =
          std::make_shared<const Tensor<float>>(here == dump.place.layer && agrees ? dump.values : x);
    }
  }

  const DiagnoseRequest& request_;
  const Model& model_;
  const std::function<void(const std::string&)>& tell_;
  std::vector<PlacedDump> dumps_;
  const PlacedDump* at_ = nullptr;
  std::vector<Tensor<float>> candidates_;  // what the next layer may have read
  std::map<std::string, std::shared_ptr<const Tensor<float>>> maps_;
  int64_t kept_ = 0;
  std::string coarse_;  // the first layer that agrees only because numbers are coarse
  Diagnosis result_;
};

}  // namespace

std::optional<NetworkPlace> parse_place(const Model& model, const std::string& name) {
  const std::string wanted = plain(name);
  const auto count = static_cast<int64_t>(model.layers.size());
  if (wanted == "input") return NetworkPlace{-1, true};
  if (wanted == "mid") return NetworkPlace{count - 2, true};
  if (wanted == "preds" || wanted == "output" || wanted == "reference") return NetworkPlace{count - 1, true};
  for (int64_t i = 0; i < count; ++i) {
    const Layer& layer = model.layers[i];
    const std::string bare = dump_name(layer.name, "");
    const bool tail = i + 1 == count;
    if (tail) {
      const bool before = model.tail == Tail::deconvolution
                              ? wanted == bare || wanted == bare + "_bias" || wanted == layer.key
                              : wanted == bare + "_depth_to_space";
      if (before || wanted == bare + "_clamp") return NetworkPlace{i, !before};
      continue;
    }
    if (wanted == layer.key || wanted == bare + "_convolution") return NetworkPlace{i, false};
    if (wanted == bare || wanted == bare + "_prelu" || wanted == layer.activation_key) return NetworkPlace{i, true};
  }
  // Of a model that holds the last layer alone, the layer before is the input.
  if (count == 1 && (wanted == "expanding" || wanted == "expanding_prelu")) return NetworkPlace{-1, true};
  return std::nullopt;
}

Diagnosis diagnose(const DiagnoseRequest& request, const std::function<void(const std::string&)>& tell) {
  return Diagnoser(request, tell).run();
}

}  // namespace fsrcnn
