#include "picture/scale_plan.hpp"

#include <algorithm>
#include <cmath>

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

std::optional<double> TargetSize::factor(int64_t width, int64_t height) const {
  if (!size) return scale;
  return std::max(static_cast<double>(size->first) / static_cast<double>(width),
                  static_cast<double>(size->second) / static_cast<double>(height));
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
  plan.width = target.size ? target.size->first : scaled(width, factor);
  plan.height = target.size ? target.size->second : scaled(height, factor);
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
  if (plan.passes == 0) return plan.resampled() ? "Lanczos only, not enlarged" : "size unchanged";
  const std::string times = plan.passes == 1 ? "" : plan.passes == 2 ? " twice" : fmt::format(" {} times", plan.passes);
  const std::string network = model + times;
  if (!plan.resampled()) return network;
  return fmt::format("{} to {}x{}, then Lanczos", network, plan.network_width, plan.network_height);
}

}  // namespace fsrcnn
