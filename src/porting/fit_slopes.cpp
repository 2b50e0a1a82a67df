// Activations that are two straight lines for each channel: other slopes, below 0 or above.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "porting/fits.hpp"
#include "porting/vector_relations.hpp"

namespace fsrcnn {
namespace {

struct Bend {
  std::vector<float> below, above;
  std::vector<double> precision;                  // of those below
  std::vector<int64_t> other_below, other_above;  // channels that have not the model's
};

constexpr size_t kEnoughPoints = 3000;

void thin(std::vector<std::pair<float, float>>& points) {
  const size_t step = points.size() / kEnoughPoints + 1;
  for (size_t i = 0; i * step < points.size(); ++i) points[i] = points[i * step];
  points.resize((points.size() + step - 1) / step);
}

/// Where no value tells a slope, any will do.
std::vector<VectorReading> slope_relations(const LayerPort& port, const Bend& bend) {
  if (port.activation != Layer::Activation::prelu || port.slope.size() != bend.below.size()) return {};
  return vector_relations(port.slope, bend.below, bend.precision);
}

}  // namespace

std::vector<Mistake> fit_slopes(const LayerCase& layer) {
  const LayerPort& port = layer.port();
  using Activation = Layer::Activation;
  const bool activates =
      port.activates && !port.is_last && port.activation != Activation::tanh && port.activation != Activation::clamp;
  if (!activates || port.activation_before_bias) return {};
  const Tensor<float>& linear = layer.linear();
  const Shape shape = linear.shape();
  const int64_t size = shape.h * shape.w;
  Bend bend;
  double inliers = 0, fitted = 0;
  for (int64_t c = 0; c < shape.c; ++c) {
    std::vector<std::pair<float, float>> below, above;
    for (int64_t i = 0; i < size; ++i) {
      const float z = linear.plane(0, c)[i];
      (z > 0 ? above : below).emplace_back(z, layer.found().plane(0, c)[i]);
    }
    thin(below);
    thin(above);
    fitted += static_cast<double>(below.size() + above.size());
    const float known = port.slope_of(c);
    const auto slope_of = [&](const std::vector<std::pair<float, float>>& points, float right,
                              std::vector<int64_t>& other) {
      float largest = 0;
      for (const auto& p : points) largest = std::max(largest, std::abs(p.first));
      const auto line = fit_line(points, layer.tolerance(), true);
      if (!line || largest == 0) {
        inliers += static_cast<double>(points.size());
        return right;
      }
      inliers += line->inliers * static_cast<double>(points.size());
      if (std::abs(line->factor - right) * largest <= layer.tolerance()) return right;
      other.push_back(c);
      return static_cast<float>(line->factor);
    };
    float lowest = 0;
    for (const auto& [z, found] : below) lowest = std::min(lowest, z);
    bend.precision.push_back(lowest < 0 ? 2 * layer.tolerance() / -lowest : INFINITY);
    bend.below.push_back(slope_of(below, known, bend.other_below));
    bend.above.push_back(slope_of(above, 1, bend.other_above));
  }
  inliers /= std::max(fitted, 1.0);
  if (inliers < 0.3 || (bend.other_below.empty() && bend.other_above.empty())) return {};
  std::vector<Mistake> list;
  const auto put = [&](const char* id, const std::string& sentence, double numbers) {
    list.push_back({id, sentence, "activation", true,
                    [bend](LayerPort& p) {
                      p.activation = Activation::prelu;
                      p.slope = bend.below;
                      p.positive_slope = bend.other_above.empty() ? std::vector<float>{} : bend.above;
                    },
                    numbers});
    for (const int64_t c : bend.other_below) list.back().parameters.emplace_back("prelu", c);
  };
  const auto first = [](const std::vector<int64_t>& channels) { return static_cast<size_t>(channels.front()); };
  const auto n = [](const std::vector<int64_t>& channels) { return static_cast<double>(channels.size()); };
  const size_t below = bend.other_below.empty() ? 0 : first(bend.other_below);
  if (bend.other_above.empty()) {
    for (VectorReading& r : slope_relations(port, bend)) {
      const std::string sentence = "the PReLU's slopes " + r.words;
      list.push_back({"slope_" + r.id, sentence, "activation", true,
                      [values = std::move(r.values)](LayerPort& p) { p.slope = values; }, r.numbers});
    }
    const auto [low, high] = std::minmax_element(bend.below.begin(), bend.below.end());
    if (bend.other_below.size() > 1 && *high - *low < 1e-3 * std::abs(*high)) {
      put("slope_constant", fmt::format("the activation has the slope {:.4g} in all channels", *high), 1);
    }
    put("slopes",
        fmt::format("the PReLU has other slopes than the model's in {} of {} channels: {:.6g} instead of {:.6g} in "
                    "channel {}",
                    bend.other_below.size(), shape.c, bend.below[below], port.slope_of(static_cast<int64_t>(below)),
                    below),
        1 + n(bend.other_below));
    return list;
  }
  const size_t above = first(bend.other_above);
  put("activation_other",
      fmt::format("the activation has other slopes than the model's: in channel {} {:.6g} above 0 instead of 1, and "
                  "{:.6g} below 0 instead of {:.6g} ({} and {} of {} channels)",
                  above, bend.above[above], bend.below[above], port.slope_of(static_cast<int64_t>(above)),
                  bend.other_above.size(), bend.other_below.size(), shape.c),
      1 + n(bend.other_below) + n(bend.other_above));
  return list;
}

}  // namespace fsrcnn
