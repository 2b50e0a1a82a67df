#include "porting/summands.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "porting/fixed_operations.hpp"
#include "porting/rearrange.hpp"

namespace fsrcnn {
namespace {

constexpr double kNearWhole = 1e-3;  // of a factor that is meant to be 0, 1, -1, 2 or 0.5
constexpr double kLeastPoints = 16;  // of a channel
constexpr int64_t kFarthest = 2;     // pixels that a summand may be moved by
constexpr double kDependent = 1e-9;  // of a determinant: the two are alike

struct Factors {
  double a = 1, b = 1;
  bool operator==(const Factors&) const = default;
};

class Summands {
 public:
  Summands(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump, double tolerance)
      : network_(network),
        dumped_(dumped),
        dump_(dump),
        tolerance_(tolerance),
        layer_(dumped.layer_at(dump.place)),
        port_(right_port(network, static_cast<size_t>(dump.place.layer))) {
    port_.activates = dump.place.activated;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      places_[i] = {place_of_layer(network, layer_.inputs[i]), true};
      names_[i] = layer_of(network, places_[i]);
      if (auto value = dumped.dump_or_value(places_[i])) values_[i] = *std::move(value);
    }
  }

  Explanation run() {
    if (values_[0].count() == 0 || values_[1].count() == 0) return {};
    if (is_one_alone() || are_factors_others() || is_activated_first() || is_another()) return std::move(result_);
    return {};
  }

 private:
  /// Whether a sum, once activated, is what was found.
  bool is_found(const Tensor<float>& sum) const {
    try {
      return largest_difference(compute(port_, sum), dump_.values) <= tolerance_;
    } catch (const Error&) {  // of another shape
      return false;
    }
  }

  bool tell(const std::string& id, const std::string& cause, const std::string& more = "") {
    result_.ids = {id};
    result_.layer = layer_.name;
    result_.short_cause = cause;
    result_.verdict = fmt::format("In {}, {}: {}.", layer_.name, cause,
                                  more.empty() ? fmt::format("this gives {} to {:.2g}", dump_.file, tolerance_) : more);
    return true;
  }

  bool is_one_alone() {
    for (const size_t i : {size_t{0}, size_t{1}}) {
      if (is_found(values_[i])) {
        return tell("summand_missing", names_[1 - i] + " is not added",
                    fmt::format("{} is {} alone", dump_.file, names_[i]));
      }
    }
    return false;
  }

  const float* plane(size_t i, int64_t c) const { return values_[i].plane(0, values_[i].shape().c == 1 ? 0 : c); }

  /// The sum before its activation, where the found value tells it.
  std::optional<double> sum_at(float found, int64_t channel) const {
    if (!port_.activates) return found;
    if (port_.is_last && port_.clamps && (found <= 0 || found >= 1)) return std::nullopt;
    if (port_.activation == Layer::Activation::none) return found;
    if (port_.bends() && port_.slope_of(channel) > 0) return found > 0 ? found : found / port_.slope_of(channel);
    if (port_.activation == Layer::Activation::relu && found > 0) return found;
    return std::nullopt;
  }

  /// Least squares over a channel; both factors, or, of two summands that are alike, none.
  std::optional<Factors> factors_of(int64_t channel) const {
    const Shape s = dump_.values.shape();
    const float *const found = dump_.values.plane(0, channel), *const p = plane(0, channel),
                       *const q = plane(1, channel);
    double n = 0, pp = 0, qq = 0, pq = 0, pt = 0, qt = 0;
    for (int64_t i = 0; i < s.h * s.w; ++i) {
      const auto t = sum_at(found[i], channel);
      if (!t) continue;
      n += 1;
      pp += static_cast<double>(p[i]) * p[i], qq += static_cast<double>(q[i]) * q[i];
      pq += static_cast<double>(p[i]) * q[i], pt += p[i] * *t, qt += q[i] * *t;
    }
    const double determinant = pp * qq - pq * pq;
    if (n < kLeastPoints || determinant <= kDependent * pp * qq) return std::nullopt;
    const auto whole = [](double v) {
      for (const double w : {0.0, 1.0, -1.0, 2.0, 0.5}) {
        if (std::abs(v - w) < kNearWhole) return w;
      }
      return v;
    };
    return Factors{whole((pt * qq - qt * pq) / determinant), whole((qt * pp - pt * pq) / determinant)};
  }

  static std::string words_of(double factor, const std::string& name) {
    if (factor == 0) return name + " is not added";
    if (factor == 2) return name + " is added twice";
    if (factor == -1) return name + " is subtracted";
    return fmt::format("{} is added {:.6g} times", name, factor);
  }

  bool are_factors_others() {
    const Shape s = dump_.values.shape();
    for (const Tensor<float>& v : values_) {
      if (v.shape().h != s.h || v.shape().w != s.w || (v.shape().c != s.c && v.shape().c != 1)) return false;
    }
    std::vector<Factors> each;
    Tensor<float> sum(s);
    for (int64_t c = 0; c < s.c; ++c) {
      each.push_back(factors_of(c).value_or(Factors{}));
      for (int64_t i = 0; i < s.h * s.w; ++i) {
        sum.plane(0, c)[i] = static_cast<float>(each.back().a * plane(0, c)[i] + each.back().b * plane(1, c)[i]);
      }
    }
    const auto is_right = [](const Factors& f) { return f == Factors{}; };
    if (std::all_of(each.begin(), each.end(), is_right) || !is_found(sum)) return false;
    std::vector<std::string> parts;
    for (const size_t i : {size_t{0}, size_t{1}}) {
      // Channels that have the same factor, which is not 1.
      std::map<double, std::vector<int64_t>> channels;
      for (size_t c = 0; c < each.size(); ++c) {
        const double f = i == 0 ? each[c].a : each[c].b;
        const auto near = std::find_if(channels.begin(), channels.end(),
                                       [&](const auto& entry) { return std::abs(entry.first - f) < kNearWhole; });
        if (near != channels.end()) near->second.push_back(static_cast<int64_t>(c));
        if (near == channels.end() && f != 1) channels[f].push_back(static_cast<int64_t>(c));
      }
      for (const auto& [f, list] : channels) {
        std::string words = words_of(f, names_[i]);
        if (list.size() < each.size()) {
          std::string numbers;
          for (size_t k = 0; k < list.size() && k < 8; ++k) numbers += (k > 0 ? ", " : "") + std::to_string(list[k]);
          words += fmt::format(" in channel{} {}{} of {}", list.size() == 1 ? "" : "s", numbers,
                               list.size() > 8 ? ", ..." : "", each.size());
        }
        parts.push_back(std::move(words));
      }
    }
    if (parts.size() > 3) return false;  // numbers that explain anything
    const bool whole =
        std::all_of(each.begin(), each.end(), [](const Factors& f) { return f.a == 0 || f.b == 0 || f == Factors{}; });
    std::string cause = parts[0];
    for (size_t k = 1; k < parts.size(); ++k) cause += ", and " + parts[k];
    return tell(whole ? "summand_missing" : "summand_factor", cause);
  }

  bool is_activated_first() {
    if (!port_.activates || !port_.bends()) return false;
    LayerPort plain = port_;
    plain.activates = false;
    const std::array<Tensor<float>, 2> activated = {compute(port_, values_[0]), compute(port_, values_[1])};
    const std::array<std::pair<const char*, Tensor<float>>, 3> ways = {
        {{"both are activated before they are added", sum_of(activated[0], activated[1])},
         {"the first is activated before the second is added", sum_of(activated[0], values_[1])},
         {"the second is activated before it is added", sum_of(values_[0], activated[1])}}};
    for (const auto& [words, sum] : ways) {
      if (largest_difference(sum, dump_.values) <= tolerance_) {
        return tell("activation_before_sum", fmt::format("of {} and {} {}", names_[0], names_[1], words));
      }
    }
    return false;
  }

  bool is_another() {
    for (const size_t i : {size_t{1}, size_t{0}}) {
      const auto tells = [&](const std::string& id, const std::string& cause, const Tensor<float>& value) {
        try {
          return is_found(sum_of(values_[1 - i], value)) && tell(id, cause);
        } catch (const Error&) {  // of another shape
          return false;
        }
      };
      const size_t layer = static_cast<size_t>(std::max<int64_t>(places_[i].layer, 0));
      if (places_[i].layer >= 0 && dumped_.dump_at(places_[i]) == nullptr) {
        const auto read = dumped_.dump_or_value({place_of_layer(network_, network_.layers[layer].inputs[0]), true});
        for (const FixedOperation& other : other_operations(network_.layers[layer])) {
          if (read && tells(other.id, fmt::format("in {}, {}", names_[i], other.sentence), other.make(*read))) {
            result_.layer = names_[i];
            return true;
          }
        }
      }
      for (int64_t dy = -kFarthest; dy <= kFarthest; ++dy) {
        for (int64_t dx = -kFarthest; dx <= kFarthest; ++dx) {
          if (dy == 0 && dx == 0) continue;
          for (const Entering entering : {Entering::zeros, Entering::edge}) {
            if (tells("summand_moved", fmt::format("{} is added {}", names_[i], moved_words(dy, dx)),
                      moved(values_[i], dy, dx, entering))) {
              return true;
            }
          }
        }
      }
      for (const auto& [axis, words] : {std::pair(Axis::channel, "with its channels in reversed order"),
                                        std::pair(Axis::row, "upside down"), std::pair(Axis::column, "mirrored")}) {
        std::vector<int64_t> order;
        for (int64_t k = extent_of(values_[i].shape(), axis); k-- > 0;) order.push_back(k);
        if (tells("summand_layout", fmt::format("{} is added {}", names_[i], words), taken(values_[i], axis, order))) {
          return true;
        }
      }
      if (is_another_place(i, tells)) return true;
    }
    return false;
  }

  template <class Tells>
  bool is_another_place(size_t i, const Tells& tells) {
    std::vector<NetworkPlace> all = {{kNetworkInput, true}};
    for (size_t k = 0; k < static_cast<size_t>(dump_.place.layer); ++k) {
      if (place_of_layer(network_, static_cast<int>(k)) != static_cast<int64_t>(k)) continue;
      all.push_back({static_cast<int64_t>(k), true});
      if (network_.layers[k].activation != Layer::Activation::none) all.push_back({static_cast<int64_t>(k), false});
    }
    for (const NetworkPlace& place : all) {
      if (place == places_[i]) continue;
      const auto value = dumped_.dump_or_value(place);
      if (!value) continue;
      const std::string name = place.layer < 0   ? "the input"
                               : place.activated ? layer_of(network_, place)
                                                 : layer_of(network_, place) + " before its activation";
      if (tells("summand_of_other_layer", fmt::format("{} is added, not {}", name, names_[i]), *value)) return true;
    }
    return false;
  }

  const Network& network_;
  const DumpedNetwork& dumped_;
  const PlacedDump& dump_;
  double tolerance_;
  const Layer& layer_;
  LayerPort port_;
  std::array<NetworkPlace, 2> places_;
  std::array<std::string, 2> names_;
  std::array<Tensor<float>, 2> values_;
  Explanation result_;
};

}  // namespace

Explanation explain_sum(const Network& network, const DumpedNetwork& dumped, const PlacedDump& dump, double tolerance) {
  const Layer& layer = dumped.layer_at(dump.place);
  if (layer.op == Layer::Op::add) return Summands(network, dumped, dump, tolerance).run();
  Explanation explanation;
  explanation.notes.push_back(fmt::format(
      "Values are added before {}; give --feature for what {} reads, to have mistakes tried.", dump.file, layer.name));
  return explanation;
}

}  // namespace fsrcnn
