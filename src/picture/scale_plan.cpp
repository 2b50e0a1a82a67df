#include "picture/scale_plan.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

namespace fsrcnn {
namespace {

/// How often a network is asked to enlarge by about this factor.
int passes_to(double factor, int64_t model_scale) {
  if (factor <= 1) return 0;
  return std::max(1, static_cast<int>(std::lround(std::log(factor) / std::log(static_cast<double>(model_scale)))));
}

int64_t scaled(int64_t size, double scale) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(size) * scale));
}

}  // namespace

std::pair<int64_t, int64_t> TargetSize::resampled(int64_t picture_width, int64_t picture_height) const {
  if (width > 0 && height > 0 && fit == Fit::stretch) return {width, height};
  const int64_t w = longer_side > 0 ? longer_side : width, h = longer_side > 0 ? longer_side : height;
  const double by_width = static_cast<double>(w) / static_cast<double>(picture_width),
               by_height = static_cast<double>(h) / static_cast<double>(picture_height);
  const bool larger = w == 0 || h == 0 || (fit == Fit::cover && longer_side == 0);
  const double factor = larger ? std::max(by_width, by_height) : std::min(by_width, by_height);
  // Not rounded where it is given.
  return {factor == by_width ? w : scaled(picture_width, factor),
          factor == by_height ? h : scaled(picture_height, factor)};
}

std::optional<double> TargetSize::factor(int64_t picture_width, int64_t picture_height) const {
  if (!has_size()) return scale;
  const auto [w, h] = resampled(picture_width, picture_height);
  return std::max(static_cast<double>(w) / static_cast<double>(picture_width),
                  static_cast<double>(h) / static_cast<double>(picture_height));
}

std::string TargetSize::stretches(int64_t picture_width, int64_t picture_height) const {
  if (width == 0 || height == 0 || fit != Fit::stretch) return "";
  TargetSize inside = *this;
  inside.fit = Fit::inside;
  const auto [w, h] = inside.resampled(picture_width, picture_height);
  if (width - w <= 1 && height - h <= 1) return "";
  return fmt::format(
      "the picture is stretched: {}x{} has another shape than {}x{}; --fit inside keeps the shape and gives {}x{}, "
      "--fit cover cuts off what stands out",
      width, height, picture_width, picture_height, w, h);
}

int64_t nearest_scale(double factor, const std::vector<int64_t>& model_scales) {
  constexpr double kSame = 1e-6;
  int64_t nearest = model_scales.front();
  double distance = INFINITY;
  int passes = 0;
  for (const int64_t scale : model_scales) {
    const int n = passes_to(factor, scale);
    const double d = std::abs(std::log(factor) - n * std::log(static_cast<double>(scale)));
    if (d > distance + kSame || (d > distance - kSame && n >= passes)) continue;
    nearest = scale;
    distance = d;
    passes = n;
  }
  return nearest;
}

ScalePlan plan_scale(int64_t width, int64_t height, int64_t model_scale, const TargetSize& target) {
  const double factor = target.factor(width, height).value_or(static_cast<double>(model_scale));
  ScalePlan plan;
  std::tie(plan.width, plan.height) =
      target.has_size() ? target.resampled(width, height) : std::pair(scaled(width, factor), scaled(height, factor));
  const bool cut = target.fit == Fit::cover && target.width > 0 && target.height > 0;
  plan.cut_width = cut ? std::min(target.width, plan.width) : plan.width;
  plan.cut_height = cut ? std::min(target.height, plan.height) : plan.height;
  plan.passes = passes_to(factor, model_scale);
  plan.network_width = width;
  plan.network_height = height;
  for (int i = 0; i < plan.passes; ++i) {
    plan.network_width *= model_scale;
    plan.network_height *= model_scale;
  }
  return plan;
}

std::string describe(const ScalePlan& plan, const std::string& model) {
  const std::string times = plan.passes == 1 ? "" : plan.passes == 2 ? " twice" : fmt::format(" {} times", plan.passes);
  std::string text = model + times;
  if (plan.passes == 0) {
    text = plan.resampled() ? "Lanczos only, not enlarged" : "size unchanged";
  } else if (plan.resampled()) {
    text += fmt::format(" to {}x{}, then Lanczos", plan.network_width, plan.network_height);
  }
  return plan.is_cut() ? fmt::format("{}, cut from {}x{}", text, plan.width, plan.height) : text;
}

}  // namespace fsrcnn
