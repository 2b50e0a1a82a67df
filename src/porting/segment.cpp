#include "porting/segment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "nn/pad2d.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kPart = 28;  // pixels a side of the part of a picture that is tried first, and its margin beyond them
constexpr int64_t kSmallPart = 8;  // the same of many layers, where much is wrong in it
constexpr int64_t kMargin = 12;    // the smallest margin
/// An explanation must leave this much less than the right layer does: weak ones are chance. (Rounding's error is half
/// of truncation's.)
constexpr double kClearlyBetter = 1.5;
constexpr double kMuchBetter = 4;
constexpr double kWorst = std::numeric_limits<double>::infinity();
constexpr Residual kOfAnotherShape = {false, kWorst, kWorst, 0, kWorst, kWorst};
constexpr double kMuchWrong = 30;       // tolerances
constexpr double kOperationsEach = 30;  // to compare a value takes as long as so many multiplications and additions

Residual residual_of(const Tensor<float>& computed, const Tensor<float>& found, const Tensor<float>& expected,
                     int64_t height, int64_t width, double tolerance) {
  const Shape c = computed.shape();
  Residual residual{.fits = true};
  double squares = 0, unlike = 0, explained = 0;
  const auto n = static_cast<double>(height * width);
  for (int64_t k = 0; k < c.c; ++k) {
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int64_t y = 0; y < height; ++y) {
      const float *a = computed.row(0, k, y), *b = found.row(0, k, y);
      const float* right = expected.shape() == found.shape() ? expected.row(0, k, y) : a;
      for (int64_t x = 0; x < width; ++x) {
        const double d = difference_of(a[x], b[x]);
        residual.largest = std::max(residual.largest, d);
        residual.either = std::max(residual.either, std::min(d, difference_of(right[x], b[x])));
        squares += d * d;
        explained += d <= tolerance ? 1 : 0;
        sa += a[x], sb += b[x];
        saa += static_cast<double>(a[x]) * a[x], sbb += static_cast<double>(b[x]) * b[x];
        sab += static_cast<double>(a[x]) * b[x];
      }
    }
    const double va = saa - sa * sa / n, vb = sbb - sb * sb / n, ab = sab - sa * sb / n;
    unlike += std::max(0.0, va > 1e-12 * saa ? vb - ab * ab / va : vb);
  }
  const double count = std::max(1.0, static_cast<double>(c.c) * n);
  residual.rms = std::sqrt(squares / count);
  residual.explained = explained / count;
  residual.unlike = std::isfinite(unlike) ? std::sqrt(unlike / count) : residual.rms;
  return residual;
}

}  // namespace

double difference_of(float a, float b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;  // equal infinities too
  const double difference = std::abs(static_cast<double>(a) - static_cast<double>(b));
  return std::isfinite(difference) ? difference : std::numeric_limits<double>::infinity();
}

Segment::Segment(std::vector<LayerPort> ports, const Tensor<float>& input, const Tensor<float>& output,
                 double tolerance)
    : ports_(std::move(ports)), input_(input), output_(output), tolerance_(tolerance) {
  int64_t reach = 0;
  channels_ = {input.shape().c};
  for (const LayerPort& port : ports_) {
    if (port.has_weight()) channels_.back() = port.in_channels();
    const int64_t shuffled = port.shuffles() || (port.fixed && port.fixed_shuffles) ? port.factor * port.factor : 1;
    channels_.push_back((port.has_weight() ? port.out_channels() : channels_.back()) / shuffled);
    if (!port.convolves) continue;
    reach += (reach_of(port) + factor_ - 1) / factor_;
    factor_ *= port.factor;
  }
  margin_ = std::max(kMargin, reach + kReachOfMistakes);
  for (size_t i = 0; i < ports_.size(); ++i)
    before_.push_back(i == 0 ? input_ : compute(ports_[i - 1], before_[i - 1]));
  right_ = kOfAnotherShape;
  try {
    expected_ = compute(ports_.back(), before_.back());
  } catch (const Error&) {  // other shapes are told by those of all layers
  }
  const Shape s = expected_.shape();
  if (s == output_.shape()) right_ = residual_of(expected_, output_, expected_, s.h, s.w, tolerance_);
  part_ = kPart;
  if (ports_.size() > 2 && right_.fits && s.h > factor_ * kSmallPart && s.w > factor_ * kSmallPart) {
    const int64_t side = factor_ * kSmallPart;
    const Residual in_part = residual_of(expected_, output_, expected_, side, side, tolerance_);
    if (in_part.rms > kMuchWrong * tolerance_) part_ = kSmallPart;
  }
  if (std::max(input.shape().h, input.shape().w) <= part_ + 2 * margin_) return;
  cropped_ = top_left(input);
  for (size_t i = 0; i < ports_.size(); ++i) {
    cropped_before_.push_back(i == 0 ? cropped_ : compute(ports_[i - 1], cropped_before_[i - 1]));
  }
}

Tensor<float> Segment::top_left(const Tensor<float>& t, int64_t scale) const {
  const Shape s = t.shape();
  const int64_t part = scale * (part_ + margin_);
  return pad2d(t, {0, std::min<int64_t>(0, part - s.h), 0, std::min<int64_t>(0, part - s.w)}, PaddingMode::zeros);
}

std::optional<Tensor<float>> Segment::part_before(size_t port, const Tensor<float>& whole) const {
  const Shape s = whole.shape(), in = input_.shape();
  if (s != before_[port].shape() || s.h % in.h != 0 || s.h / in.h != s.w / in.w || s.w % in.w != 0) return std::nullopt;
  return top_left(whole, s.h / in.h);
}

Residual Segment::evaluate(const std::vector<LayerPort>& ports, size_t first, size_t first_cropped) const {
  bool cropped = first_cropped <= first;
  Tensor<float> x;
  try {
    x = compute(ports[first], (cropped ? cropped_before_ : before_)[first]);
    for (size_t i = first + 1; i < ports.size(); ++i) {
      if (i == first_cropped) {
        if (std::optional<Tensor<float>> part = part_before(i, x)) x = *std::move(part), cropped = true;
      }
      x = compute(ports[i], x);
    }
  } catch (const Error&) {
    return kOfAnotherShape;  // shapes that this mistake cannot be made with
  }
  const Shape got = x.shape(), found = output_.shape();
  if (!cropped) {
    if (got != found) return kOfAnotherShape;
    return residual_of(x, output_, expected_, got.h, got.w, tolerance());
  }
  // What is cut off the input is cut off the output too; what a mistake adds or leaves out stays.
  const int64_t factor = factor_;
  const Shape part = cropped_.shape(), whole = input_.shape();
  if (got.c != found.c || got.h - factor * part.h != found.h - factor * whole.h ||
      got.w - factor * part.w != found.w - factor * whole.w) {
    return kOfAnotherShape;
  }
  return residual_of(x, output_, expected_, got.h - (part.h < whole.h ? factor * margin_ : 0),
                     got.w - (part.w < whole.w ? factor * margin_ : 0), tolerance());
}

Residual Segment::with(const std::vector<std::vector<const Mistake*>>& mistakes, bool quick) const {
  std::vector<LayerPort> ports = ports_;
  size_t first = ports.size(), first_cropped = 0;
  for (size_t i = 0; i < ports.size(); ++i) {
    for (const Mistake* mistake : mistakes[i]) {
      first = std::min(first, i);
      if (!mistake->local) first_cropped = i + 1;
      mistake->make(ports[i]);
    }
  }
  // Of few layers all are computed alike, so that residuals can be compared.
  const bool crops = quick && cropped_.count() > 0 && (first_cropped == 0 || ports.size() > 2);
  if (!crops) return evaluate(ports, std::min(first, ports.size() - 1), ports.size());
  for (size_t i = first_cropped; i < ports.size(); ++i) {
    if (ports[i].other_input)
      ports[i].other_input = std::make_shared<const Tensor<float>>(top_left(*ports[i].other_input));
  }
  return evaluate(ports, std::min(first, ports.size() - 1), first_cropped);
}

Tensor<float> Segment::output_with(const Mistake& mistake) const {
  LayerPort port = ports_.back();
  mistake.make(port);
  return compute(port, before_.back());
}

double Segment::operations(bool quick) const {
  double sum = 0;
  for (size_t i = 0; i < ports_.size(); ++i) {
    const Shape s = (quick && cropped_.count() > 0 ? cropped_before_ : before_)[i].shape();
    sum += 2.0 * static_cast<double>(ports_[i].weight.count() * s.h * s.w);
  }
  const double part =
      quick && cropped_.count() > 0 ? static_cast<double>(cropped_.count()) / static_cast<double>(input_.count()) : 1;
  return sum + kOperationsEach * part * static_cast<double>(output_.count());
}

bool Segment::explains(const Residual& residual) const {
  const bool coarse = is_within_allowance();
  return residual.fits && residual.largest <= (coarse ? tolerance_ : tolerance()) &&
         (!right_.fits || residual.rms * (coarse ? kMuchBetter : kClearlyBetter) < right_.rms);
}

}  // namespace fsrcnn
