#include "porting/dump_reading.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "picture/colour.hpp"
#include "porting/precision.hpp"
#include "porting/value_grid.hpp"
#include "porting/vector_readings.hpp"

namespace fsrcnn {
namespace {

constexpr double kAlike = 0.98;  // correlation of integers with the values that they stand for

/// How far integers of a scale are from the values that they should stand for.
struct Misfit {
  double largest = 0, rms = 0;
};

Misfit misfit_of(const Tensor<float>& q, const Tensor<float>& expected, const Quantisation& s) {
  Misfit m;
  for (int64_t i = 0; i < q.count(); ++i) {
    const double d = std::abs((q.data()[i] - static_cast<double>(s.zero_point)) * s.scale - expected.data()[i]);
    m.largest = std::max(m.largest, d);
    m.rms += d * d;
  }
  m.rms = std::sqrt(m.rms / static_cast<double>(q.count()));
  return m;
}

/// The scale and zero point of integers by the values that they stand for: of powers of two and of 8 bits if they fit
/// nearly as well as any. Those at the ends of the range, which may be cut off, are left out. Empty: they are not
/// alike.
std::optional<Quantisation> scale_of_integers(const Tensor<float>& q, const Tensor<float>& expected) {
  const auto [low, high] = std::minmax_element(q.values().begin(), q.values().end());
  double n = 0, x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (int64_t i = 0; i < q.count(); ++i) {
    const double a = q.data()[i], b = expected.data()[i];
    if (q.data()[i] == *low || q.data()[i] == *high) continue;
    n += 1, x += a, y += b, xx += a * a, xy += a * b, yy += b * b;
  }
  const double sxx = xx - x * x / n, syy = yy - y * y / n, sxy = xy - x * y / n;
  if (n < 16 || sxx <= 0 || syy <= 0 || sxy < kAlike * std::sqrt(sxx * syy)) return std::nullopt;
  // Rounding makes the first slope too small, what is coarse before this layer the second too large.
  std::vector<Quantisation> scales;
  for (const double scale : {syy / sxy, sxy / sxx}) {
    const auto zero = std::llround(x / n - y / n / scale);
    const auto whole = static_cast<double>(zero);
    const double xz = xx - 2 * whole * x + n * whole * whole, yz = xy - whole * y;
    for (const double of_whole : {scale, yz / xz}) scales.push_back({of_whole, zero});
  }
  const auto misfit = [&](const Quantisation& s) { return misfit_of(q, expected, s); };
  const Quantisation best = *std::min_element(
      scales.begin(), scales.end(),
      [&](const Quantisation& a, const Quantisation& b) { return misfit(a).largest < misfit(b).largest; });
  const double limit = 1.3 * misfit(best).rms;
  const double power = std::exp2(std::nearbyint(std::log2(best.scale)));
  for (const int64_t zero : {int64_t{0}, best.zero_point}) {
    for (const double nice : {power, 1.0 / 255, 1.0 / 65535, 1.0 / 127}) {
      if (std::abs(nice / best.scale - 1) < 0.1 && misfit({nice, zero}).rms <= limit) return Quantisation{nice, zero};
    }
  }
  return best;
}

/// Of a picture, the luma. Where a colour is cut off at 0 or 1 nothing can be told, and the expected value stands.
std::optional<Reading> luma_of_rgb(const Tensor<float>& rgb, const Tensor<float>& expected) {
  const int64_t size = rgb.shape().h * rgb.shape().w;
  Tensor<float> planes = rgb;
  rgb_to_ycbcr(planes);
  Reading reading{Tensor<float>(expected.shape()), step_of_dump(rgb)};
  int64_t left_out = 0;
  for (int64_t i = 0; i < size; ++i) {
    bool is_cut = false;
    for (int64_t c = 0; c < 3; ++c) is_cut = is_cut || rgb.plane(0, c)[i] <= 0 || rgb.plane(0, c)[i] >= 1;
    reading.values.data()[i] = is_cut ? expected.data()[i] : planes.data()[i];
    left_out += is_cut ? 1 : 0;
  }
  if (2 * left_out > size) return std::nullopt;
  reading.form = "the luma of an RGB picture";
  if (left_out > 0) reading.form += fmt::format(", without {} pixels whose colours are cut off", left_out);
  return reading;
}

void each_number(LayerPort& port, const std::function<float(float)>& f) {
  for (float& v : port.weight.values()) v = f(v);
  for (float& v : port.bias) v = f(v);
  for (float& v : port.slope) v = f(v);
}

float rounded_to(float v, double scale) {
  return scale > 0 ? static_cast<float>(std::nearbyint(v / scale) * scale) : v;
}

void int8_of_layer(LayerPort& port, double largest_integer) {
  double largest = 0;
  for (const float v : port.weight.values()) largest = std::max(largest, std::abs(static_cast<double>(v)));
  for (float& v : port.weight.values()) v = rounded_to(v, largest / largest_integer);
}

void int8_of_channels(LayerPort& port, double largest_integer) {
  const Shape s = port.weight.shape();
  const bool second = port.is_transposed;  // its output channels are the second axis
  for (int64_t out = 0; out < (second ? s.c : s.n); ++out) {
    const auto each = [&](const auto& f) {
      for (int64_t in = 0; in < (second ? s.n : s.c); ++in) {
        float* kernel = second ? port.weight.plane(in, out) : port.weight.plane(out, in);
        for (int64_t i = 0; i < s.h * s.w; ++i) f(kernel[i]);
      }
    };
    double largest = 0;
    each([&](const float& v) { largest = std::max(largest, std::abs(static_cast<double>(v))); });
    each([&](float& v) { v = rounded_to(v, largest / largest_integer); });
  }
}

/// 256 levels from the smallest to the largest weight, 0 among them.
void asymmetric_int8_of_layer(LayerPort& port) {
  if (port.weight.count() == 0) return;
  const auto [low, high] = std::minmax_element(port.weight.values().begin(), port.weight.values().end());
  const double scale = (std::max(*high, 0.0F) - static_cast<double>(std::min(*low, 0.0F))) / 255;
  for (float& v : port.weight.values()) v = rounded_to(v, scale);
}

/// Where each channel has a step of its own, as integers of 8 bits with a scale for each channel have: the largest.
double step_of_channels(const Tensor<float>& t) {
  constexpr int64_t kMostLevels = 258;
  const Shape s = t.shape();
  const int64_t size = s.h * s.w;
  if (s.c < 2 || size < 3 * kMostLevels / 2) return 0;
  double largest = 0;
  int64_t with_steps = 0;
  for (int64_t c = 0; c < s.c; ++c) {
    const float* const values = t.plane(0, c);
    std::vector<float> levels;
    for (int64_t i = 0; i < size && std::ssize(levels) <= kMostLevels; ++i) {
      const auto at = std::lower_bound(levels.begin(), levels.end(), values[i]);
      if (at == levels.end() || *at != values[i]) levels.insert(at, values[i]);
    }
    if (std::ssize(levels) > kMostLevels) return 0;
    if (levels.size() < 3) continue;  // hardly anything in it
    const auto grid = grid_of(values, size);
    if (!grid) return 0;
    largest = std::max(largest, grid->step);
    ++with_steps;
  }
  return 2 * with_steps >= s.c ? largest : 0;
}

/// Of values with few significant digits, as printf("%.4e") writes them: the last digit's unit at the largest of them.
double step_of_digits(const Tensor<float>& t) {
  float largest = 0;
  for (const float v : t.values()) largest = std::max(largest, std::abs(v));
  if (largest == 0 || !std::isfinite(largest)) return 0;
  for (int digits = 2; digits <= 6; ++digits) {
    const auto has_few = [digits](float v) {
      return v == 0 || std::abs(rounded_to_digits(v, digits) - v) <= 2e-7F * std::abs(v);
    };
    if (!std::all_of(t.values().begin(), t.values().end(), has_few)) continue;
    return std::pow(10.0, std::floor(std::log10(largest)) - digits + 1);
  }
  return 0;
}

}  // namespace

bool are_integers(const Tensor<float>& t) {
  bool large = false;
  for (const float v : t.values()) {
    if (v != std::nearbyint(v)) return false;
    large = large || std::abs(v) > 1;
  }
  return large;
}

Tensor<float> dequantised(const Tensor<float>& integers, const Quantisation& scale) {
  Tensor<float> t = integers;
  for (float& v : t.values()) v = static_cast<float>((v - static_cast<double>(scale.zero_point)) * scale.scale);
  return t;
}

std::string scale_words(const Quantisation& s) {
  const double inverse = 1 / s.scale;
  const bool whole = s.scale < 1 && std::abs(inverse - std::nearbyint(inverse)) < 1e-9 * inverse;
  const std::string by = whole ? fmt::format("/ {:.0f}", inverse) : fmt::format("* {:.6g}", s.scale);
  if (s.zero_point == 0) return fmt::format("integers, value = q {}", by);
  return fmt::format("integers, value = (q {} {}) {}", s.zero_point < 0 ? "+" : "-", std::abs(s.zero_point), by);
}

double squares_between(const Tensor<float>& a, const Tensor<float>& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double d = static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]);
    sum += d * d;
  }
  return std::isfinite(sum) ? sum : std::numeric_limits<double>::infinity();
}

double step_of_dump(const Tensor<float>& t) {
  const double known = step_of_values(t);
  const auto grid = grid_of(t.values());
  const double step = grid ? std::max(known, grid->step) : known;
  if (step > 0) return step;
  const double of_channels = step_of_channels(t);
  return of_channels > 0 ? of_channels : step_of_digits(t);
}

Tensor<float> channels_first(const Tensor<float>& t) {
  const Shape s = t.shape();  // c, h, w: height, width, channels
  Tensor<float> result({1, s.w, s.c, s.h});
  for (int64_t c = 0; c < s.w; ++c)
    for (int64_t y = 0; y < s.c; ++y)
      for (int64_t x = 0; x < s.h; ++x) result(0, c, y, x) = t(0, y, x, c);
  return result;
}

std::vector<Reading> readings_of(const Tensor<float>& dump, const Tensor<float>& expected, bool is_picture,
                                 const std::optional<Quantisation>& stated) {
  const Shape s = dump.shape(), e = expected.shape();
  std::vector<Reading> readings;
  if (is_picture && e.c == 1 && s.n == 1 && s.h == e.h && s.w == e.w) {
    Tensor<float> first(e);
    std::copy_n(dump.data(), e.h * e.w, first.data());
    const double step = step_of_dump(first);
    if (s.c >= 3) {
      if (auto luma = luma_of_rgb(dump, expected)) readings.push_back(std::move(*luma));
    } else {
      Tensor<float> luma = first;
      gray_to_luma(luma);
      readings.push_back({first, step, ""});
      readings.push_back({std::move(luma), step, "the luma of a gray picture"});
    }
    std::stable_sort(readings.begin(), readings.end(), [&](const Reading& a, const Reading& b) {
      return squares_between(a.values, expected) < squares_between(b.values, expected);
    });
    return readings;
  }
  if (s == e) {
    readings.push_back({dump, step_of_dump(dump), ""});
  } else if (s.n == 1 && s.w == e.c && s.c == e.h && s.h == e.w) {
    readings.push_back({channels_first(dump), step_of_dump(dump), "NHWC, by its shape"});
  } else if (dump.count() == e.count()) {
    readings.push_back({Tensor<float>(e, std::vector<float>(dump.values())), step_of_dump(dump), ""});
  }
  if (readings.empty() || !are_integers(readings[0].values)) return readings;
  if (const auto scale = stated ? stated : scale_of_integers(readings[0].values, expected)) {
    Reading integers = readings[0];
    integers.values = dequantised(integers.values, *scale);
    integers.step = scale->scale * readings[0].step;
    integers.form += (integers.form.empty() ? "" : ", ") + scale_words(*scale);
    if (stated) {
      // Its integers are known to be of this scale, even if they are all multiples of 2.
      integers.step = scale->scale;
      return {std::move(integers)};
    }
    readings.insert(readings.begin(), std::move(integers));
  }
  return readings;
}

namespace {

/// Where a small tensor lies in a large one with as many channels.
struct Place {
  int64_t top = 0, left = 0;
};
std::optional<Place> place_in(const Tensor<float>& small, const Tensor<float>& large, double tolerance) {
  const Shape s = small.shape(), e = large.shape();
  if (s.n != 1 || e.n != 1 || s.c != e.c || s.h > e.h || s.w > e.w || s == e || s.h < 4 || s.w < 4) return std::nullopt;
  // Values of many sizes, spread over the small one.
  std::vector<int64_t> by_value(small.count());
  for (int64_t i = 0; i < small.count(); ++i) by_value[i] = i;
  std::sort(by_value.begin(), by_value.end(), [&](int64_t a, int64_t b) { return small.data()[a] < small.data()[b]; });
  constexpr int64_t kProbes = 64;
  std::vector<int64_t> probes;
  for (int64_t k = 0; k < kProbes; ++k) probes.push_back(by_value[(2 * k + 1) * small.count() / (2 * kProbes)]);
  const double range = small.data()[by_value.back()] - static_cast<double>(small.data()[by_value.front()]);
  if (range < 16 * tolerance) return std::nullopt;
  double best = std::numeric_limits<double>::infinity(), second = best;
  Place place;
  for (int64_t y = 0; y <= e.h - s.h; ++y) {
    for (int64_t x = 0; x <= e.w - s.w; ++x) {
      double sum = 0;
      for (const int64_t i : probes) {
        const double d = static_cast<double>(large(0, i / (s.h * s.w), y + i / s.w % s.h, x + i % s.w)) -
                         static_cast<double>(small.data()[i]);
        sum += d * d;
        if (sum >= second) break;
      }
      if (sum < best) {
        second = best, best = sum, place = {y, x};
      } else {
        second = std::min(second, sum);
      }
    }
  }
  // One place must be right, or far better than all others.
  const double rms = std::sqrt(best / static_cast<double>(kProbes));
  if (rms > tolerance && (rms > 0.05 * range || second < 4 * best)) return std::nullopt;
  return place;
}

}  // namespace

std::optional<Reading> cropped_reading(const Tensor<float>& dump, const Tensor<float>& expected, double tolerance) {
  const auto place = place_in(dump, expected, tolerance);
  if (!place) return std::nullopt;
  const auto [top, left] = *place;
  const Shape s = dump.shape();
  Reading reading{expected, step_of_dump(dump)};
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = 0; y < s.h; ++y) {
      std::copy_n(dump.row(0, c, y), s.w, reading.values.row(0, c, top + y) + left);
    }
  }
  reading.form = fmt::format("a part: rows {} to {}, columns {} to {}", top, top + s.h - 1, left, left + s.w - 1);
  return reading;
}

std::optional<Reading> filled_up_reading(const Tensor<float>& dump, const Tensor<float>& expected, double tolerance) {
  const auto place = place_in(expected, dump, tolerance);
  if (!place) return std::nullopt;
  const auto [top, left] = *place;
  const Shape s = expected.shape();
  Reading reading{Tensor<float>(s), step_of_dump(dump)};
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = 0; y < s.h; ++y) {
      std::copy_n(dump.row(0, c, top + y) + left, s.w, reading.values.row(0, c, y));
    }
  }
  reading.form = fmt::format("rows {} to {} and columns {} to {} of {}x{}, which are filled up", top, top + s.h - 1,
                             left, left + s.w - 1, dump.shape().w, dump.shape().h);
  return reading;
}

const std::vector<NumberForm>& number_forms() {
  constexpr int kHalfBits = 10, kHalfExponent = -14, kBfloatBits = 7, kBfloatExponent = -126;
  const auto half = [](float v) { return in_short_float(v, kHalfBits, kHalfExponent); };
  const auto bfloat = [](float v) { return in_short_float(v, kBfloatBits, kBfloatExponent); };
  const auto weights = [](const auto& f) {
    return [f](LayerPort& port) {
      for (float& v : port.weight.values()) v = f(v);
    };
  };
  const auto kernels_and_biases = [](const auto& f) {
    return [f](LayerPort& port) {
      for (float& v : port.weight.values()) v = f(v);
      for (float& v : port.bias) v = f(v);
    };
  };
  const auto all = [](const auto& f) { return [f](LayerPort& port) { each_number(port, f); }; };
  static const std::vector<NumberForm> forms = {
      {"numbers of float16", all(half)},
      {"weights and biases of float16", kernels_and_biases(half)},
      {"weights of float16", weights(half)},
      {"numbers of bfloat16", all(bfloat)},
      {"weights and biases of bfloat16", kernels_and_biases(bfloat)},
      {"weights of bfloat16", weights(bfloat)},
      {"weights of int8 with a scale for each layer", [](LayerPort& p) { int8_of_layer(p, 127); }},
      {"weights of int8 with a scale for each output channel", [](LayerPort& p) { int8_of_channels(p, 127); }},
      {"weights of int8 with a scale (range / 255) for each layer", [](LayerPort& p) { int8_of_layer(p, 127.5); }},
      {"weights of int8 with a scale (range / 255) for each output channel",
       [](LayerPort& p) { int8_of_channels(p, 127.5); }},
      {"weights of int8 with a scale (largest / 128) for each layer", [](LayerPort& p) { int8_of_layer(p, 128); }},
      {"weights of int8 with a scale and a zero point for each layer", asymmetric_int8_of_layer}};
  return forms;
}

}  // namespace fsrcnn
