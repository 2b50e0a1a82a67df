#include "porting/parameters.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "network/formats/slides_text.hpp"
#include "porting/evidence.hpp"
#include "porting/mistakes.hpp"
#include "porting/solve.hpp"
#include "porting/solve_input.hpp"
#include "porting/trace.hpp"

namespace fsrcnn {
namespace {

/// By how many squared standard deviations of rounding the best kernel must explain more than the second.
constexpr double kClearlyLikelier = 100;
/// Values that there must be for each number that is said to be another.
constexpr int64_t kLeastValuesEach = 3;
/// Of an input that was solved for.
constexpr double kInputTolerance = 3e-4;

class Parameters {
 public:
  Parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
             const std::function<void(const std::string&)>& tell, Explanation& result)
      : segment_(segment), context_(context), nearly_(nearly), tell_(tell), result_(result) {}

  void run() {
    if (segment_.ports().size() != 1) {
      result_.notes.push_back(fmt::format(
          "Parameters cannot be solved for across {} layers; give --feature for each layer between {} and {}.",
          segment_.ports().size(), context_.input_file, context_.output_file));
      return;
    }
    if (!segment_.right().fits) {
      result_.verdict = fmt::format("{} has shape {}, where {} gives {}; no mistake on record gives such a shape.",
                                    context_.output_file, to_string(segment_.output().shape()),
                                    segment_.ports()[0].name, to_string(segment_.right_output().shape()));
      const Shape found = segment_.output().shape(), right = segment_.right_output().shape();
      if (segment_.ports()[0].reads_input && found.c == right.c) {
        result_.verdict += " Is it a dump for another picture than " + context_.input_file + "?";
      }
      return;
    }
    const LayerPort& port = segment_.ports()[0];
    result_.layer = port.name;
    if (!port.convolves || !port.has_weight()) return;
    if (tell_) tell_("solving for the layer's kernels");
    if (solve_beside()) return;
    const Solution kernels = solve_kernels(port, segment_.input(), segment_.output(), segment_.tolerance());
    if (kernels.explains && verifies(kernels)) {
      const int64_t size = port.weight.shape().h * port.weight.shape().w;
      const auto changed = static_cast<int64_t>(kernels.biases.size() + kernels.kernels.size() * size);
      const bool is_another_set = 2 * static_cast<int64_t>(kernels.kernels.size()) > kernels.kernel_count;
      if (is_another_set || kLeastValuesEach * changed <= segment_.output().count()) return tell_kernels(kernels, port);
      result_.notes.push_back(
          fmt::format("Other kernels or biases explain it, but so many ({} numbers) explain any {} "
                      "values. Give a larger picture.",
                      changed, segment_.output().count()));
    }
    if (port.reads_input && !port.is_transposed && port.in_channels() == 1) {
      const auto [x, worst] = nearly_.input != nullptr ? *nearly_.input : solve_input(port, segment_.output());
      if (worst <= kMostLeftOfInput * segment_.tolerance()) return tell_input(x, worst);
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
    result_.files = {name_of("kernel", a, b)};
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

  std::string name_of(const char* kind, int64_t a, int64_t b) const { return name_of_parameter(layer(), kind, a, b); }

  const Layer& layer() const { return context_.network->layers[segment_.ports()[0].layer]; }

  void tell_kernels(const Solution& solution, const LayerPort& port) {
    const auto file = [&](const std::pair<int64_t, int64_t>& kernel) {
      return name_of("kernel", kernel.first, kernel.second);
    };
    for (const auto& kernel : solution.kernels) result_.files.push_back(file(kernel));
    for (std::string& note : misplaced_files(layer(), port, solution)) result_.notes.push_back(std::move(note));
    for (const int64_t b : solution.biases) result_.files.push_back(name_of("bias", b, 0));
    if (!solution.kernels.empty()) result_.ids.emplace_back("kernels");
    if (!solution.biases.empty()) result_.ids.emplace_back("bias");
    const auto count = static_cast<int64_t>(solution.kernels.size());
    const std::string& out = context_.output_file;
    result_.short_cause = fmt::format("{} of {} kernels are others", count, solution.kernel_count);
    std::string what;
    if (result_.files.empty()) {
      what = fmt::format("The parameters of {} are nearly, but not quite, those that made {}", result_.layer, out);
    } else if (2 * count > solution.kernel_count) {
      // A set of other weights, or anything else that acts like one: nobody should look for a file.
      result_.ids.clear();
      result_.files.clear();
      result_.notes.clear();
      what = fmt::format(
          "{} differs first, and no cause is known: {} of the {} kernels of {} are not the ones that made "
          "{}, which is another set of weights, or a step that acts like one; those are {}",
          result_.layer, count == solution.kernel_count ? "all" : std::to_string(count), solution.kernel_count,
          result_.layer, out, likeness(solution, port));
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

  /// How the kernels that were solved for are like those that are given.
  static std::string likeness(const Solution& solution, const LayerPort& port) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = 0;
    const int64_t size = port.weight.shape().h * port.weight.shape().w;
    for (const auto& [first, second] : solution.kernels) {
      for (int64_t i = 0; i < size; ++i) {
        const double a = port.weight.plane(first, second)[i], b = solution.port.weight.plane(first, second)[i];
        sa += a, sb += b, saa += a * a, sbb += b * b, sab += a * b, n += 1;
      }
    }
    const double variances = (saa - sa * sa / n) * (sbb - sb * sb / n);
    const double correlation = variances > 0 ? (sab - sa * sb / n) / std::sqrt(variances) : 0;
    const char* alike = std::abs(correlation) < 0.3   ? "hardly like these"
                        : std::abs(correlation) < 0.9 ? "somewhat like these"
                                                      : "much like these";
    return fmt::format("{} (correlation {:.2f})", alike, correlation);
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
    } else if (const auto curve = value_curve(given, x)) {
      const std::string how = curve->power ? fmt::format("a gamma: each value to the power of {:.4g}", *curve->power)
                                           : fmt::format("a curve: 0.25, 0.5 and 0.75 become {:.4g}, {:.4g} and {:.4g}",
                                                         curve->quarter, curve->half, curve->three_quarters);
      result_.ids = {curve->power ? "input_gamma" : "input_curve"};
      result_.short_cause = "its input went through " + how;
      result_.verdict =
          fmt::format("{} is right, but its input was {} through {} (solved for, it explains {} to {:.2g}).",
                      result_.layer, context_.input_file, how, context_.output_file, worst);
    } else {
      const Evidence differs = gather_evidence(given, x, std::max(kInputTolerance, segment_.tolerance()));
      std::string where = differs.sentence;
      if (differs.is_border && differs.columns.is_all() && !differs.rows.is_all()) {
        where.replace(0, differs.place.size(), to_words(differs.rows, "row"));
      } else if (differs.is_border && differs.rows.is_all() && !differs.columns.is_all()) {
        where.replace(0, differs.place.size(), to_words(differs.columns, "column"));
      }
      result_.short_cause = fmt::format("its input differs from the given one: {}", where);
      if (differs.rows.is_all() && differs.columns.is_all()) {
        // That may be another picture, or what the layer does otherwise.
        result_.ids.clear();
        result_.verdict = fmt::format(
            "{} differs first, and no cause is known: with another input than {} (solved for, "
            "it explains {} to {:.2g}) it would be right. That differs from the given one: {}.",
            result_.layer, context_.input_file, context_.output_file, worst, where);
      } else {
        result_.verdict =
            fmt::format("{} is right, but its input (solved for, it explains {} to {:.2g}) differs from {}: {}.",
                        result_.layer, context_.output_file, worst, context_.input_file, where);
      }
      for (size_t i = 1; i < differs.sentences.size() && i < 4; ++i) {
        result_.notes.push_back(fmt::format("Of the input: {}", differs.sentences[i]));
      }
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

std::vector<std::string> misplaced_files(const Layer& layer, const LayerPort& port, const Solution& solution) {
  std::vector<std::string> notes;
  if (port.weight.shape().h * port.weight.shape().w == 1) return notes;  // numbers are alike by chance
  const auto file = [&](const std::pair<int64_t, int64_t>& kernel) {
    return name_of_parameter(layer, "kernel", kernel.first, kernel.second);
  };
  for (const Misplaced& m : misplaced_kernels(port, solution)) {
    notes.push_back(fmt::format("{} holds what {} should.", file(m.holder), file(m.wanted)));
  }
  return notes;
}

std::string name_of_parameter(const Layer& layer, const std::string& kind, int64_t a, int64_t b) {
  if (layer.key.find("_part") != std::string::npos) {
    return fmt::format("{0}/{1}/{0}{2}_{3}.txt", kind, slides_folder(layer.key), a, b);
  }
  if (kind == "kernel") return fmt::format("kernel ({}, {}) of {}", a, b, layer.name);
  return fmt::format("{} {} of {}", kind == "prelu" ? "slope" : kind, a, layer.name);
}

std::string difference_without(const Segment& segment) {
  return segment.right().fits ? fmt::format("{:.3g}", segment.right().largest) : "another shape";
}

void solve_for_parameters(const Segment& segment, const ExplainContext& context, const NearlyExplains& nearly,
                          const std::function<void(const std::string&)>& tell, Explanation& result) {
  Parameters(segment, context, nearly, tell, result).run();
}

}  // namespace fsrcnn
