#include "porting/parameters.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/formats/slides_text.hpp"
#include "porting/mistakes.hpp"
#include "porting/solve.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

/// By how many squared standard deviations of rounding the best kernel must explain more than the second.
constexpr double kClearlyLikelier = 100;

class Parameters {
 public:
  Parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
             const std::function<void(const std::string&)>& tell, Explanation& result)
      : segment_(segment), context_(context), nearly_(nearly), tell_(tell), result_(result) {}

  void run() {
    if (segment_.ports().size() != 1 || !segment_.ports()[0].convolves) {
      result_.notes.push_back(fmt::format(
          "Parameters cannot be solved for across {} layers; give --feature for each layer between {} and {}.",
          segment_.ports().size(), context_.input_file, context_.output_file));
      return;
    }
    if (!segment_.right().fits) {
      result_.verdict =
          fmt::format("{} has shape {}, which neither {} nor any mistake on record gives.", context_.output_file,
                      to_string(segment_.output().shape()), segment_.ports()[0].name);
      return;
    }
    const LayerPort& port = segment_.ports()[0];
    result_.layer = port.name;
    if (!port.is_tail && port.activates) {
      const Solution slopes = solve_slopes(port, segment_.input(), segment_.output(), segment_.tolerance());
      if (slopes.explains) return tell_slopes(slopes);
    }
    if (tell_) tell_("solving for the layer's kernels");
    if (solve_beside()) return;
    const Solution kernels = solve_kernels(port, segment_.input(), segment_.output(), segment_.tolerance());
    if (kernels.explains && verifies(kernels)) return tell_kernels(kernels, port);
    if (port.name == "feature extraction") {
      const auto [x, worst] = solve_input(port, segment_.output());
      if (worst <= 30 * segment_.tolerance()) return tell_input(x, worst);
    }
    if (context_.quantum > 0) {
      if (tell_likeliest(port)) return;
      result_.notes.push_back(fmt::format(
          "{} comes in steps of {:.3g}, too coarse to solve for several kernels; dump it as floats (.npy) to "
          "have them named.",
          context_.output_file, context_.quantum));
    }
    if (kernels.lacks_equations) {
      result_.notes.push_back(fmt::format(
          "No few kernels explain it, and to solve for all of them the picture is too small: {} equations for {} "
          "unknowns. Give one with at least {} pixels.",
          kernels.equations, kernels.unknowns, 3 * kernels.unknowns / 2));
    }
  }

 private:
  /// One kernel that leaves hardly more than the output's rounding does, where every other leaves clearly more.
  bool tell_likeliest(const LayerPort& port) {
    const auto likeliest = likeliest_kernel(port, segment_.input(), segment_.output());
    if (!likeliest) return false;
    // In units of the variance of rounding, whose squares have a variance of 0.8.
    const double step = context_.quantum, equations = likeliest->equations;
    const auto squares = [&](double rms) { return 12 * equations * rms * rms / (step * step); };
    const double left = squares(likeliest->rms), freedom = equations - likeliest->unknowns;
    const bool fits = left < freedom + 3 * std::sqrt(0.8 * freedom);
    if (!fits || squares(likeliest->second_rms) - left < kClearlyLikelier) return false;
    const auto [a, b] = likeliest->kernel;
    result_.ids = {"kernels"};
    result_.files = {fmt::format("kernel/{}/kernel{}_{}.txt", slides_folder(layer().key), a, b)};
    result_.short_cause = "most likely one kernel is another";
    result_.verdict = fmt::format(
        "{} is too coarse (steps of {:.3g}) to solve for kernels, but most likely {} is not the one that made it: with "
        "another in its place {:.2g} is left (RMS) of {:.2g}, and with any other {:.2g} or more.",
        context_.output_file, context_.quantum, result_.files[0], likeliest->rms, segment_.right().rms,
        likeliest->second_rms);
    return true;
  }

  /// A mistake that explains nearly all, and a few kernels that are others.
  bool solve_beside() {
    if (nearly_.mistake == nullptr || 10 * nearly_.rms > segment_.right().rms) return false;
    LayerPort port = segment_.ports()[0];
    nearly_.mistake->make(port);
    const Solution solution = solve_kernels(port, segment_.input(), segment_.output(), segment_.tolerance());
    const auto count = static_cast<int64_t>(solution.kernels.size());
    if (!solution.explains || !verifies(solution) || 2 * count > solution.kernel_count ||
        solution.kernels.size() + solution.biases.size() == 0) {
      return false;
    }
    result_.ids = {nearly_.mistake->id};
    tell_kernels(solution, port);
    result_.short_cause = nearly_.mistake->sentence + ", and " + result_.short_cause;
    result_.verdict =
        fmt::format("In {}, {}; beside that, {}", result_.layer, nearly_.mistake->sentence, result_.verdict);
    return true;
  }

  /// The solved layer on the whole picture, of which only some pixels were equations.
  bool verifies(const Solution& solution) const {
    const Segment solved({solution.port}, segment_.input(), segment_.output(), segment_.tolerance());
    const Residual left = solved.right();
    return left.rms <= 2 * segment_.tolerance() && left.largest <= 30 * segment_.tolerance() &&
           2 * left.rms < segment_.right().rms;
  }

  const Layer& layer() const { return context_.model->layers[context_.first_layer]; }

  void tell_slopes(const Solution& solution) {
    result_.ids = {"slopes"};
    const int64_t c = solution.slopes.front();
    for (const int64_t channel : solution.slopes) {
      result_.files.push_back(fmt::format("prelu/{}/prelu{}_0.txt", slides_folder(layer().key), channel));
    }
    const std::vector<float>& known = segment_.ports()[0].slope;
    result_.short_cause = fmt::format("{} slopes are others", solution.slopes.size());
    result_.verdict = fmt::format(
        "In {}, the PReLU has other slopes than the model's in {} of {} channels: {:.6g} instead of {:.6g} in channel "
        "{}.",
        result_.layer, solution.slopes.size(), solution.port.slope.size(), solution.port.slope[c],
        known[known.size() == 1 ? 0 : c], c);
  }

  void tell_kernels(const Solution& solution, const LayerPort& port) {
    const std::string folder = slides_folder(layer().key);
    const auto file = [&](const std::pair<int64_t, int64_t>& kernel) {
      return fmt::format("kernel/{}/kernel{}_{}.txt", folder, kernel.first, kernel.second);
    };
    for (const auto& kernel : solution.kernels) result_.files.push_back(file(kernel));
    for (const Misplaced& m : misplaced_kernels(port, solution)) {
      result_.notes.push_back(fmt::format("{} holds what {} should.", file(m.holder), file(m.wanted)));
    }
    for (const int64_t b : solution.biases) result_.files.push_back(fmt::format("bias/{}/bias{}_0.txt", folder, b));
    if (!solution.kernels.empty()) result_.ids.emplace_back("kernels");
    if (!solution.biases.empty()) result_.ids.emplace_back("bias");
    const auto count = static_cast<int64_t>(solution.kernels.size());
    const std::string& out = context_.output_file;
    result_.short_cause = fmt::format("{} of {} kernels are others", count, solution.kernel_count);
    std::string what;
    if (result_.files.empty()) {
      what = fmt::format("The parameters of {} are nearly, but not quite, those that made {}", result_.layer, out);
    } else if (2 * count > solution.kernel_count) {
      what = fmt::format("{} of the {} kernels of {} are not the ones that made {}: the set is another model's",
                         count == solution.kernel_count ? "All" : std::to_string(count), solution.kernel_count,
                         result_.layer, out);
    } else if (result_.files.size() == 1) {
      what = fmt::format("{} is not the one that made {}; the other {} are right", result_.files[0], out,
                         count == 1 ? fmt::format("{} kernels and the bias", solution.kernel_count - 1)
                                    : fmt::format("biases and all {} kernels", solution.kernel_count));
      if (count == 0) result_.short_cause = "a bias is another";
    } else if (result_.files.size() <= 6) {
      what = fmt::format("{} are not the ones that made {}; the other kernels are right",
                         fmt::join(result_.files, ", "), out);
    } else {
      what = fmt::format("{} of the {} kernels of {} are not the ones that made {}, {} the first", count,
                         solution.kernel_count, result_.layer, out, result_.files[0]);
    }
    const Segment solved({solution.port}, segment_.input(), segment_.output(), segment_.tolerance());
    result_.verdict = fmt::format("{} (with the kernels that were solved for, {:.2g} is left of {}).", what,
                                  solved.right().largest, difference_without(segment_));
  }

  /// The layer is right, but it read something else. How that relates to the input that was given?
  void tell_input(const Tensor<float>& x, double worst) {
    const Tensor<float>& given = segment_.input();
    double sx = 0, sg = 0, sxx = 0, sgg = 0, sxg = 0;
    const auto n = static_cast<double>(given.count());
    for (int64_t i = 0; i < given.count(); ++i) {
      const double a = x.data()[i], b = given.data()[i];
      sx += a, sg += b, sxx += a * a, sgg += b * b, sxg += a * b;
    }
    const double covariance = sxg / n - sx / n * sg / n, variance = sgg / n - sg / n * sg / n;
    const double correlation = covariance / std::sqrt(std::max(variance * (sxx / n - sx / n * sx / n), 1e-300));
    const double slope = covariance / std::max(variance, 1e-300), offset = sx / n - slope * sg / n;
    const double scaled = std::abs(slope - 1) * std::sqrt(variance), moved = std::abs(offset + (slope - 1) * sg / n);
    if (correlation > 0.9999 && scaled + moved <= segment_.tolerance()) return;  // it is the given one
    result_.ids = {"input"};
    if (correlation > 0.9999) {
      result_.short_cause = fmt::format("its input is {:.6g} times the given one, plus {:.6g}", slope, offset);
      result_.verdict = fmt::format("{} is right, but its input was {:.6g} times {}, plus {:.6g}.", result_.layer,
                                    slope, context_.input_file, offset);
    } else {
      result_.short_cause = "its input is another picture";
      result_.verdict = fmt::format(
          "{} is right, but its input was another picture than {}: solved for, it correlates with that by {:.2f} only "
          "and explains {} to {:.2g}.",
          result_.layer, context_.input_file, correlation, context_.output_file, worst);
    }
    result_.verdict[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(result_.verdict[0])));
  }

  const Segment& segment_;
  const ExplainContext& context_;
  const NearlyExplains& nearly_;
  const std::function<void(const std::string&)>& tell_;
  Explanation& result_;
};

}  // namespace

std::string difference_without(const Segment& segment) {
  return segment.right().fits ? fmt::format("{:.3g}", segment.right().largest) : "another shape";
}

void solve_for_parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
                          const std::function<void(const std::string&)>& tell, Explanation& result) {
  Parameters(segment, context, nearly, tell, result).run();
}

}  // namespace fsrcnn
