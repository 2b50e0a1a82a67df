#include "porting/samples.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "nn/pad2d.hpp"

namespace fsrcnn {
namespace {

using Eigen::Index;
using Eigen::MatrixXf;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int64_t kSide = 32;   // pixels of the input that are looked at, each way
constexpr int64_t kBatch = 16;  // passes that are computed at once

Tensor<float> cut(const Tensor<float>& t, int64_t y, int64_t x, int64_t height, int64_t width) {
  const Shape s = t.shape();
  return pad2d(t, {-y, y + height - s.h, -x, x + width - s.w}, PaddingMode::zeros);
}

/// Where a side of `length` pixels is cut so that the errors' profile is largest within.
int64_t best_start(const std::vector<double>& profile, int64_t length) {
  const auto size = static_cast<int64_t>(profile.size());
  if (size <= length) return 0;
  double sum = std::accumulate(profile.begin(), profile.begin() + length, 0.0), best = sum;
  int64_t start = 0;
  for (int64_t i = 1; i + length <= size; ++i) {
    sum += profile[i + length - 1] - profile[i - 1];
    if (sum > best * (1 + 1e-9)) best = sum, start = i;
  }
  return start;
}

}  // namespace

Window window_of(const Segment& segment) {
  const PortChain whole(segment.ports(), segment.input());
  const Tensor<float>&in = segment.input(), &found = segment.output();
  const Shape s = in.shape(), f = found.shape();
  const int64_t factor = f.h / s.h;
  std::vector<double> rows(s.h, 0), columns(s.w, 0);
  for (int64_t c = 0; c < f.c; ++c) {
    for (int64_t y = 0; y < f.h; ++y) {
      for (int64_t x = 0; x < f.w; ++x) {
        const double d = difference_of(whole.output()(0, c, y, x), found(0, c, y, x));
        const double square = std::isfinite(d) ? d * d : 0;
        rows[std::min(y / factor, s.h - 1)] += square;
        columns[std::min(x / factor, s.w - 1)] += square;
      }
    }
  }
  const int64_t height = std::min(kSide, s.h), width = std::min(kSide, s.w);
  const int64_t top = best_start(rows, kSide), left = best_start(columns, kSide);
  Window window;
  window.input = cut(in, top, left, height, width);
  window.found = cut(found, top * factor, left * factor, height * factor, width * factor);
  const int64_t margin = factor * (whole.reach_before(0) + 1);
  const LayerPort& last = segment.ports().back();
  const bool clamp = last.activates && last.is_last && (last.clamps || last.activation == Layer::Activation::clamp);
  const Shape w = window.found.shape();
  for (int64_t c = 0; c < w.c; ++c) {
    for (int64_t y = 0; y < w.h; ++y) {
      for (int64_t x = 0; x < w.w; ++x) {
        const float v = window.found(0, c, y, x);
        const bool at_cut = (top > 0 && y < margin) || (top + height < s.h && y >= w.h - margin) ||
                            (left > 0 && x < margin) || (left + width < s.w && x >= w.w - margin);
        const bool is_known = std::isfinite(v) && !at_cut && !(clamp && (v <= last.low || v >= last.high));
        window.known.push_back(is_known ? 1 : 0);
        window.known_count += is_known ? 1 : 0;
      }
    }
  }
  return window;
}

Distance distance(const PortChain& chain, const Window& window) {
  Distance d;
  double squares = 0;
  for (int64_t i = 0; i < window.found.count(); ++i) {
    if (window.known[i] == 0) continue;
    const double e = difference_of(chain.output().data()[i], window.found.data()[i]);
    d.largest = std::max(d.largest, e);
    squares += e * e;
  }
  d.rms = std::sqrt(squares / std::max<double>(1, static_cast<double>(window.known_count)));
  return d;
}

int64_t wrong_values(const PortChain& chain, const Window& window, double enough) {
  int64_t count = 0;
  for (int64_t i = 0; i < window.found.count(); ++i) {
    const bool differs = difference_of(chain.output().data()[i], window.found.data()[i]) > enough;
    count += window.known[i] != 0 && differs ? 1 : 0;
  }
  return count;
}

Samples::Samples(const PortChain& chain, const Window& window, size_t first, int64_t rows, uint32_t seed)
    : chain_(chain), first_(first) {
  const int64_t passes = choose(window, rows, seed);
  residual_.resize(std::ssize(outputs_));
  Shape shape = chain.output().shape();
  size_t at = 0;
  for (int64_t begin = 0; begin < passes; begin += kBatch) {
    shape.n = std::min(kBatch, passes - begin);
    Tensor<float> one(shape);
    for (; at < outputs_.size() && outputs_[at].pass < begin + shape.n; ++at) {
      const Output& o = outputs_[at];
      one(o.pass - begin, o.channel, o.y, o.x) = 1;
      residual_[static_cast<Index>(at)] = window.found(0, o.channel, o.y, o.x) - chain.output()(0, o.channel, o.y, o.x);
    }
    batches_.push_back(chain.gradients(one, first));
  }
}

/// Passes are grids of outputs that are far enough from each other; half of them are those where most is wrong.
int64_t Samples::choose(const Window& window, int64_t rows, uint32_t seed) {
  const Shape shape = chain_.output().shape();
  const int64_t factor = chain_.scale(chain_.ports().size() - 1) / chain_.scale(first_);
  const int64_t step = factor * (2 * chain_.reach(first_) + 3);
  const int64_t height = std::min(step, shape.h), width = std::min(step, shape.w);
  struct Grid {
    double error = 0;
    int64_t count = 0, index = 0;
  };
  std::vector<Grid> grids(shape.c * height * width);
  for (int64_t c = 0; c < shape.c; ++c) {
    for (int64_t y = 0; y < shape.h; ++y) {
      for (int64_t x = 0; x < shape.w; ++x) {
        const int64_t i = (c * shape.h + y) * shape.w + x;
        if (window.known[i] == 0) continue;
        Grid& grid = grids[(c * height + y % step) * width + x % step];
        const double d = difference_of(chain_.output().data()[i], window.found.data()[i]);
        grid.error += std::isfinite(d) ? d * d : 0;
        ++grid.count;
      }
    }
  }
  for (size_t i = 0; i < grids.size(); ++i) grids[i].index = static_cast<int64_t>(i);
  std::erase_if(grids, [](const Grid& g) { return g.count == 0; });
  std::mt19937 random(seed);
  std::shuffle(grids.begin(), grids.end(), random);
  const auto worst_first = [](const Grid& a, const Grid& b) { return a.error > b.error; };
  std::vector<Grid> chosen;
  int64_t count = 0;
  for (size_t at = 0; at < grids.size() && count < rows; ++at) {
    if (at % 2 == 0) {
      std::iter_swap(grids.begin() + static_cast<ptrdiff_t>(at),
                     std::min_element(grids.begin() + static_cast<ptrdiff_t>(at), grids.end(), worst_first));
    }
    count += grids[at].count;
    chosen.push_back(grids[at]);
  }
  int64_t pass = 0;
  for (const Grid& grid : chosen) {
    const int64_t c = grid.index / (height * width), top = grid.index / width % height, left = grid.index % width;
    for (int64_t y = top; y < shape.h; y += step) {
      for (int64_t x = left; x < shape.w; x += step) {
        if (window.known[(c * shape.h + y) * shape.w + x] != 0) outputs_.push_back({pass, c, y, x});
      }
    }
    ++pass;
  }
  return pass;
}

Samples::Box Samples::box_of(const Output& output, size_t port) const {
  const Shape s = chain_.step(port).output.shape();
  const int64_t factor = chain_.scale(chain_.ports().size() - 1) / chain_.scale(port), reach = chain_.reach(port) + 1;
  const int64_t y = output.y / factor, x = output.x / factor;
  return {std::max<int64_t>(0, y - reach), std::min(s.h, y + reach + 1), std::max<int64_t>(0, x - reach),
          std::min(s.w, x + reach + 1)};
}

template <class Row>
void Samples::for_each_row(size_t port, Row&& row) const {
  Index at = 0;
  for (const Output& o : outputs_) {
    row(at++, batches_[o.pass / kBatch][port - first_], o.pass % kBatch, box_of(o, port));
  }
}

namespace {

/// Channels by pixels of a box; outside the tensor zeros.
template <class BoxOf>
RowMajor patch(const Tensor<float>& t, int64_t n, const BoxOf& box, int64_t dy = 0, int64_t dx = 0) {
  const Shape s = t.shape();
  RowMajor m = RowMajor::Zero(s.c, (box.bottom - box.top) * (box.right - box.left));
  const int64_t left = std::max<int64_t>(box.left + dx, 0), right = std::min(box.right + dx, s.w);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t y = box.top; y < box.bottom; ++y) {
      if (y + dy < 0 || y + dy >= s.h || left >= right) continue;
      std::copy_n(
          t.row(n, c, y + dy) + left, right - left,
          m.data() + (c * (box.bottom - box.top) + y - box.top) * (box.right - box.left) + left - dx - box.left);
    }
  }
  return m;
}

/// One row of the weights' columns: each pixel of the input meets each output by one place of the kernel.
template <class BoxOf, class Row>
void by_transposed_weights(const LayerPort& port, const Tensor<float>& padded, const Tensor<float>& by_linear,
                           int64_t n, const BoxOf& box, Row&& row) {
  const Shape w = port.weight.shape(), in = padded.shape();
  const int64_t s = port.factor;
  for (int64_t o = 0; o < w.c; ++o) {
    for (int64_t y = box.top; y < box.bottom; ++y) {
      for (int64_t x = box.left; x < box.right; ++x) {
        const float g = by_linear(n, o, y, x);
        if (g == 0) continue;
        for (int64_t ky = 0; ky < w.h; ++ky) {
          const int64_t from = y + port.padding.h + port.border * s - ky * port.dilation.h;
          if (from < 0 || from % s != 0 || from / s >= in.h) continue;
          for (int64_t kx = 0; kx < w.w; ++kx) {
            const int64_t at = x + port.padding.w + port.border * s - kx * port.dilation.w;
            if (at < 0 || at % s != 0 || at / s >= in.w) continue;
            for (int64_t c = 0; c < w.n; ++c) {
              row(((c * w.c + o) * w.h + ky) * w.w + kx) += g * padded(0, c, from / s, at / s);
            }
          }
        }
      }
    }
  }
}

}  // namespace

MatrixXf Samples::by_parameters(size_t port) const {
  const LayerPort& p = chain_.ports()[port];
  const Shape w = p.weight.shape();
  const int64_t weights = p.weight.count(), outputs = p.out_channels();
  const auto biases = static_cast<int64_t>(p.bias.size()), slopes = static_cast<int64_t>(p.slope.size());
  MatrixXf columns = MatrixXf::Zero(rows(), weights + biases + slopes);
  // As the convolution reads it.
  const Tensor<float>& input = chain_.step(port).input;
  const Pair margin = p.is_transposed ? Pair{p.border, p.border} : p.padding;
  const Tensor<float> padded =
      pad2d(input, {margin.h, margin.h, margin.w, margin.w}, p.is_transposed ? PaddingMode::replicate : p.padding_mode);
  for_each_row(port, [&](Index row, const ChainGradient& gradient, int64_t n, const Box& box) {
    const int64_t s = p.shuffles() ? p.factor : 1;
    const Box deep = {box.top / s, (box.bottom + s - 1) / s, box.left / s, (box.right + s - 1) / s};
    if (p.convolves && p.is_transposed) {
      by_transposed_weights(p, padded, gradient.linear, n, box, columns.row(row));
    } else if (p.convolves) {
      const RowMajor by_linear = patch(gradient.linear, n, deep);
      for (int64_t ky = 0; ky < w.h; ++ky) {
        for (int64_t kx = 0; kx < w.w; ++kx) {
          const RowMajor read = patch(padded, 0, deep, ky * p.dilation.h, kx * p.dilation.w);
          const RowMajor products = by_linear * read.transpose();
          for (int64_t o = 0; o < w.n; ++o) {
            const int64_t first = o / (w.n / p.groups) * w.c;  // input channel of the output's group
            for (int64_t c = 0; c < w.c; ++c) {
              columns(row, ((o * w.c + c) * w.h + ky) * w.w + kx) = products(o, first + c);
            }
          }
        }
      }
    }
    if (biases > 0 && p.convolves) {
      columns.block(row, weights, 1, outputs) =
          patch(gradient.linear, n, p.is_transposed ? box : deep).rowwise().sum().transpose();
    }
    if (slopes > 0 && p.activates) {
      const RowMajor by_output = patch(gradient.output, n, box);
      const RowMajor below = patch(chain_.step(port).linear, 0, box).cwiseMin(0.0F);
      const Eigen::VectorXf each = by_output.cwiseProduct(below).rowwise().sum();
      if (slopes == 1) {
        columns(row, weights + biases) = each.sum();
      } else {
        columns.block(row, weights + biases, 1, slopes) = each.transpose();
      }
    }
  });
  return columns;
}

MatrixXf Samples::by_fields(size_t port, const std::vector<Tensor<float>>& fields) const {
  MatrixXf columns = MatrixXf::Zero(static_cast<Index>(fields.size()), rows());
  for_each_row(port, [&](Index row, const ChainGradient& gradient, int64_t n, const Box& box) {
    const int64_t channels = gradient.output.shape().c;
    const Index width = box.right - box.left;
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t y = box.top; y < box.bottom; ++y) {
        const Eigen::Map<const Eigen::VectorXf> by(gradient.output.row(n, c, y) + box.left, width);
        if ((by.array() == 0).all()) continue;  // the box has a margin
        for (size_t i = 0; i < fields.size(); ++i) {
          columns(static_cast<Index>(i), row) +=
              by.dot(Eigen::Map<const Eigen::VectorXf>(fields[i].row(0, c, y) + box.left, width));
        }
      }
    }
  });
  return columns.transpose();
}

MatrixXf Samples::by_mixing(size_t port, const Tensor<float>& values) const {
  const int64_t channels = chain_.step(port).output.shape().c;
  MatrixXf columns(rows(), channels * values.shape().c);
  for_each_row(port, [&](Index row, const ChainGradient& gradient, int64_t n, const Box& box) {
    const RowMajor products = patch(gradient.output, n, box) * patch(values, 0, box).transpose();
    columns.row(row) = Eigen::Map<const Eigen::RowVectorXf>(products.data(), products.size());
  });
  return columns;
}

}  // namespace fsrcnn
