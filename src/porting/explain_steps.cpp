#include "porting/explain_steps.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/error.hpp"
#include "nn/conv_transpose2d.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostValues = 8192;

std::string operator_text(const ExplainedLayer& layer) {
  const auto [c, o, kh, kw] = layer.weight.shape();
  const auto& p = layer.params;
  return fmt::format(
      "ConvTranspose2d({}, {}, kernel_size=({}, {}), stride=({}, {}), padding=({}, {}), output_padding=({}, {}){})", c,
      o, kh, kw, p.stride.h, p.stride.w, p.padding.h, p.padding.w, p.output_padding.h, p.output_padding.w,
      p.dilation == Pair{1, 1} ? "" : fmt::format(", dilation=({}, {})", p.dilation.h, p.dilation.w));
}

std::vector<std::string> size_formula(const ExplainedLayer& layer, const Shape& out) {
  const Shape in = layer.input.shape(), w = layer.weight.shape();
  const auto& p = layer.params;
  const auto line = [](const char* what, int64_t n, int64_t s, int64_t pad, int64_t d, int64_t k, int64_t e,
                       int64_t r) {
    return fmt::format("{:<6} = ({} - 1)*{} - 2*{} + {}*({} - 1) + {} + 1 = {}", what, n, s, pad, d, k, e, r);
  };
  return {"size   = (input - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1",
          line("height", in.h, p.stride.h, p.padding.h, p.dilation.h, w.h, p.output_padding.h, out.h),
          line("width", in.w, p.stride.w, p.padding.w, p.dilation.w, w.w, p.output_padding.w, out.w)};
}

/// The layer in three ways.
struct Computed {
  Tensor<double> output;               // by the definition
  ConvTranspose2dSteps<double> steps;  // by the recipe
  double difference = 0;               // of recipe and phases from the definition
  double allowed = 0;                  // rounding of the additions, which come in other orders
};

Computed compute(const ExplainedLayer& layer) {
  if (layer.params.groups != 1) fail(ErrorCode::input, "explain shows a layer without groups");
  for (const Tensor<double>* t : {&layer.input, &layer.weight}) {
    if (t->count() > kMostValues) {
      fail(ErrorCode::input, "a tensor of shape {} has too much to be looked at; up to {} values are shown",
           to_string(t->shape()), kMostValues);
    }
  }
  Computed c{conv_transpose2d_reference(layer.input, layer.weight, layer.bias, layer.params),
             conv_transpose2d_slides(layer.input, layer.weight, layer.bias, layer.params)};
  if (c.output.count() > 4 * kMostValues) {
    fail(ErrorCode::input, "an output of shape {} has too much to be looked at", to_string(c.output.shape()));
  }
  // Each phase is a sum of the taps that meet an input pixel.
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  for (int64_t o = 0; o < out.c; ++o) {
    for (int64_t y = 0; y < out.h; ++y) {
      for (int64_t x = 0; x < out.w; ++x) {
        double sum = layer.bias.empty() ? 0 : layer.bias[o], magnitude = std::abs(sum);
        for (int64_t i = 0; i < in.c; ++i) {
          for (int64_t ky = 0; ky < w.h; ++ky) {
            const int64_t sy = y + p.padding.h - ky * p.dilation.h;
            if (sy < 0 || sy % p.stride.h != 0 || sy / p.stride.h >= in.h) continue;
            for (int64_t kx = 0; kx < w.w; ++kx) {
              const int64_t sx = x + p.padding.w - kx * p.dilation.w;
              if (sx < 0 || sx % p.stride.w != 0 || sx / p.stride.w >= in.w) continue;
              const double term = layer.input(0, i, sy / p.stride.h, sx / p.stride.w) * layer.weight(i, o, ky, kx);
              sum += term;
              magnitude += std::abs(term);
            }
          }
        }
        c.difference = std::max({c.difference, std::abs(sum - c.output(0, o, y, x)),
                                 std::abs(c.steps.output(0, o, y, x) - c.output(0, o, y, x))});
        c.allowed = std::max(c.allowed, 1e-12 * magnitude);
      }
    }
  }
  if (!(c.difference <= c.allowed)) {
    fail(ErrorCode::input, "the recipe and the definition differ by {}; is a value not finite?", c.difference);
  }
  return c;
}

std::string number(double v) {
  const std::string text = fmt::format("{:.4g}", v);
  return text == "-0" ? "0" : text;
}

/// A plane with its columns aligned. Each is as wide as it needs, since many have nothing but zeros.
std::string matrix(const Tensor<double>& t, int64_t n, int64_t c) {
  const Shape s = t.shape();
  std::vector<size_t> widths(static_cast<size_t>(s.w));
  for (int64_t i = 0; i < s.h * s.w; ++i) {
    size_t& width = widths[static_cast<size_t>(i % s.w)];
    width = std::max(width, number(t.plane(n, c)[i]).size());
  }
  std::string text;
  for (int64_t y = 0; y < s.h; ++y) {
    text += ' ';
    for (int64_t x = 0; x < s.w; ++x) {
      text += fmt::format(" {:>{}}", number(t(n, c, y, x)), widths[static_cast<size_t>(x)]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

nlohmann::json steps_json(const ExplainedLayer& layer, const Pair& at) {
  const Computed c = compute(layer);
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  const auto pair = [](const Pair& v) { return std::vector<int64_t>{v.h, v.w}; };
  return {{"title", operator_text(layer)},
          {"subtitle", fmt::format("{} becomes {}", to_string(in), to_string(out))},
          {"formula", size_formula(layer, out)},
          {"difference", c.difference},
          {"allowed", c.allowed},
          {"start", at.h * out.w + at.w},
          {"layer",
           {{"input", layer.input.values()},
            {"input_shape", {in.c, in.h, in.w}},
            {"weight", layer.weight.values()},
            {"kernel", {w.h, w.w}},
            {"bias", layer.bias},
            {"output", c.output.values()},
            {"output_shape", {out.c, out.h, out.w}},
            {"stride", pair(p.stride)},
            {"padding", pair(p.padding)},
            {"output_padding", pair(p.output_padding)},
            {"dilation", pair(p.dilation)}}}};
}

std::string steps_text(const ExplainedLayer& layer, const std::string& last_step) {
  const Computed c = compute(layer);
  const Shape in = layer.input.shape(), w = layer.weight.shape(), out = c.output.shape();
  const auto& p = layer.params;
  std::string text = operator_text(layer) + "\n\n1. The size of the output\n";
  for (const std::string& line : size_formula(layer, out)) text += "  " + line + "\n";
  const char* of_channel = in.c > 1 ? " (input channel 0)" : "";
  text += fmt::format("\n2. The input{}\n{}", of_channel, matrix(layer.input, 0, 0));
  text += fmt::format("\n3. {} and {} inserted between its pixels\n{}", counted(p.stride.h - 1, "zero row"),
                      counted(p.stride.w - 1, "zero column"), matrix(c.steps.zeros_inserted, 0, 0));
  text +=
      fmt::format("\n4. Padded by {} = {}*({} - 1) - {} around, and by output_padding {} at the bottom and right\n{}",
                  p.dilation.h * (w.h - 1) - p.padding.h, p.dilation.h, w.h, p.padding.h, p.output_padding.h,
                  matrix(c.steps.padded, 0, 0));
  text += fmt::format("\n5. The kernel, and turned by 180 degrees\n{}\n{}", matrix(layer.weight, 0, 0),
                      matrix(c.steps.kernel_turned, 0, 0));
  text += fmt::format("\n6. The output: the turned kernel moved over the padded input{}{}\n{}",
                      in.c > 1 ? fmt::format(", summed over {} channels", in.c) : "",
                      layer.bias.empty() ? "" : ", plus the bias", matrix(c.output, 0, 0));
  text += "\n7. The same by phases: no zero is ever multiplied\n";
  for (int64_t py = 0; py < p.stride.h; ++py) {
    for (int64_t px = 0; px < p.stride.w; ++px) {
      std::vector<int64_t> rows, columns;
      const auto divides = [](int64_t value, int64_t stride) { return ((value % stride) + stride) % stride == 0; };
      for (int64_t k = w.h; k-- > 0;) {
        if (divides(py + p.padding.h - k * p.dilation.h, p.stride.h)) rows.push_back(k);
      }
      for (int64_t k = w.w; k-- > 0;) {
        if (divides(px + p.padding.w - k * p.dilation.w, p.stride.w)) columns.push_back(k);
      }
      text += fmt::format("  output rows {}y+{}, columns {}x+{}: a kernel of {}x{}\n", p.stride.h, py, p.stride.w, px,
                          rows.size(), columns.size());
      if (rows.empty() || columns.empty()) continue;
      Tensor<double> phase({1, 1, static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size())});
      for (size_t y = 0; y < rows.size(); ++y)
        for (size_t x = 0; x < columns.size(); ++x)
          phase.data()[y * columns.size() + x] = layer.weight(0, 0, rows[y], columns[x]);
      text += matrix(phase, 0, 0);
    }
  }
  return text + last_step +
         fmt::format("\nDefinition, recipe and phases agree on all {} outputs to {:.1g} (float64).\n", c.output.count(),
                     c.difference);
}

}  // namespace fsrcnn
