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

/// Sums over a row, four values at a time, so that they are vectors.
struct RowSums {
  static constexpr int64_t kLanes = 4;
  double squares[kLanes] = {}, a[kLanes] = {}, b[kLanes] = {}, aa[kLanes] = {}, bb[kLanes] = {}, ab[kLanes] = {};

  static double of(const double (&lanes)[kLanes]) { return lanes[0] + lanes[1] + lanes[2] + lanes[3]; }
  void add(int64_t lane, float x, float y) {
    const double p = x, q = y, d = p - q;
    squares[lane] += d * d;
    a[lane] += p, b[lane] += q;
    aa[lane] += p * p, bb[lane] += q * q, ab[lane] += p * q;
  }
};

Residual residual_of(const Tensor<float>& computed, const Tensor<float>& found, const Tensor<float>& expected,
                     int64_t height, int64_t width, double tolerance) {
  const Shape c = computed.shape();
  Residual residual{.fits = true};
  double squares = 0, unlike = 0;
  int64_t explained = 0;
  const auto n = static_cast<double>(height * width);
  for (int64_t k = 0; k < c.c; ++k) {
    RowSums sums;
    for (int64_t y = 0; y < height; ++y) {
      const float *a = computed.row(0, k, y), *b = found.row(0, k, y);
      const float* right = expected.shape() == found.shape() ? expected.row(0, k, y) : a;
      int64_t x = 0;
      for (; x + RowSums::kLanes <= width; x += RowSums::kLanes) {
        for (int64_t lane = 0; lane < RowSums::kLanes; ++lane) sums.add(lane, a[x + lane], b[x + lane]);
      }
      for (; x < width; ++x) sums.add(0, a[x], b[x]);
      float largest = 0, either = 0, all = 0;
      const auto limit = static_cast<float>(tolerance);
      for (x = 0; x < width; ++x) {
        const float d = std::abs(a[x] - b[x]), e = std::min(d, std::abs(right[x] - b[x]));
        all += d;
        largest = std::max(largest, d);
        either = std::max(either, e);
        explained += d <= limit ? 1 : 0;
      }
      if (std::isfinite(all)) {
        residual.largest = std::max<double>(residual.largest, largest);
        residual.either = std::max<double>(residual.either, either);
        continue;
      }
      for (x = 0; x < width; ++x) {
        const double d = difference_of(a[x], b[x]);
        residual.largest = std::max(residual.largest, d);
        residual.either = std::max(residual.either, std::min(d, difference_of(right[x], b[x])));
      }
    }
    const double sa = RowSums::of(sums.a), sb = RowSums::of(sums.b), saa = RowSums::of(sums.aa);
    const double va = saa - sa * sa / n, vb = RowSums::of(sums.bb) - sb * sb / n,
                 ab = RowSums::of(sums.ab) - sa * sb / n;
    squares += RowSums::of(sums.squares);
    unlike += std::max(0.0, va > 1e-12 * saa ? vb - ab * ab / va : vb);
  }
  const double count = std::max(1.0, static_cast<double>(c.c) * n);
  residual.rms = std::isnan(squares) ? std::numeric_limits<double>::infinity() : std::sqrt(squares / count);
  residual.explained = static_cast<double>(explained) / count;
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
