#include "porting/linear_system.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "nn/conv_form.hpp"

namespace fsrcnn {

using Eigen::MatrixXd;

std::vector<Phase> phases_of(const LayerPort& port) {
  const auto axis_of = [&](int64_t kernel, int64_t padding, int64_t dilation) {
    return port.is_transposed ? conv_transpose_axis(kernel, port.factor, padding, dilation)
                              : conv_axis(kernel, 1, padding, dilation);
  };
  const ConvAxis ys = axis_of(port.weight.shape().h, port.padding.h, port.dilation.h);
  const ConvAxis xs = axis_of(port.weight.shape().w, port.padding.w, port.dilation.w);
  std::vector<Phase> phases;
  for (int py = 0; py < ys.phase_count(); ++py) {
    for (int px = 0; px < xs.phase_count(); ++px) {
      Phase& phase = phases.emplace_back(Phase{ys.out_stride, ys.phases[py], xs.phases[px], {}});
      for (int ty = 0; ty < ys.taps(); ++ty) {
        for (int tx = 0; tx < xs.taps(); ++tx) {
          const int ky = ys.kernel_at(ty, py), kx = xs.kernel_at(tx, px);
          if (ky >= 0 && kx >= 0) phase.taps.push_back({ys.offsets[ty], xs.offsets[tx], ky, kx});
        }
      }
    }
  }
  return phases;
}

namespace {

/// Of a channel with a slope below 0: how far from 0 a prediction must be for its sign to be sure. The dump tells
/// how far predictions are off.
double margin_of(const float* predicted, const float* found, int64_t count, double slope) {
  std::vector<double> off;
  double strongest = 0;
  const int64_t step = std::max<int64_t>(1, count / 2000);
  for (int64_t i = 0; i < count; i += step) {
    const double z = predicted[i], y = found[i];
    off.push_back(std::abs((z > 0 ? y : y / slope) - z));
    strongest = std::max(strongest, std::abs(z));
  }
  const auto at = off.begin() + static_cast<ptrdiff_t>(0.95 * static_cast<double>(off.size() - 1));
  std::nth_element(off.begin(), at, off.end());
  return std::min(1.5 * *at, strongest / 3);
}

}  // namespace

Target linear_target(const LayerPort& port, const Tensor<float>& predicted, const Tensor<float>& output,
                     double caution) {
  Target target{output, std::vector<uint8_t>(static_cast<size_t>(output.count()), 1)};
  if (!port.activates) return target;
  const Shape shape = output.shape();
  const int64_t size = shape.h * shape.w;
  using Activation = Layer::Activation;
  const bool slopes = port.activation == Activation::prelu || port.activation == Activation::relu;
  for (int64_t c = 0; c < shape.c; ++c) {
    const float slope = port.slope_of(c);
    const float *near = predicted.plane(0, c), *found = output.plane(0, c);
    const double margin = slopes && slope < -1e-3F ? caution * margin_of(near, found, size, slope) : 0;
    for (int64_t i = 0; i < size; ++i) {
      float& value = target.values.plane(0, c)[i];
      uint8_t& known = target.known[static_cast<size_t>(c * size + i)];
      if (port.is_last && port.clamps) known = value > 0 && value < 1 ? 1 : 0;
      if (port.activation == Activation::clamp) {
        known = known != 0 && value > port.low && value < port.high ? 1 : 0;
      } else if (port.activation == Activation::tanh) {
        known = known != 0 && std::abs(value) < 0.99F ? 1 : 0;  // beyond, a digit of it is too much
        if (known != 0) value = std::atanh(value);
      } else if (slopes) {
        if (slope > 1e-3F) {
          if (value < 0) value /= slope;
        } else if (slope >= -1e-3F) {
          known = value > 0 ? 1 : 0;
        } else {
          known = value >= 0 && std::abs(near[i]) >= margin ? 1 : 0;
          if (near[i] < 0) value /= slope;
        }
      }
    }
  }
  return target;
}

System::System(const LayerPort& port, const Tensor<float>& input, const Phase& phase, const Target& target,
               const Tensor<float>& predicted, int64_t channel, int64_t most_rows)
    : port_(port), input_(input), phase_(phase) {
  if (!port.is_transposed) {
    first_input_ = channel / (port.weight.shape().n / port.groups) * port.weight.shape().c;
  }
  const Shape in = input.shape();
  const Shape& out = target.values.shape();
  for (int64_t y = 0; y < in.h; ++y) {
    for (int64_t x = 0; x < in.w; ++x) {
      const int64_t at = (channel * out.h + y * phase.step + phase.py) * out.w + x * phase.step + phase.px;
      if (target.known[at] != 0) rows_.push_back({y, x, at});
    }
  }
  available_ = static_cast<int64_t>(rows_.size());
  if (available_ > most_rows) {
    std::mt19937 generator(1);
    std::shuffle(rows_.begin(), rows_.end(), generator);
    rows_.resize(most_rows);
  }
  residual_.resize(static_cast<Eigen::Index>(rows_.size()));
  for (size_t i = 0; i < rows_.size(); ++i) {
    residual_[static_cast<Eigen::Index>(i)] =
        static_cast<double>(target.values.data()[rows_[i].at]) - static_cast<double>(predicted.data()[rows_[i].at]);
  }
}

MatrixXd System::block(int64_t channel) const {
  if (channel == port_.kernels_each()) return MatrixXd::Ones(rows(), 1);
  MatrixXd a(rows(), static_cast<Eigen::Index>(phase_.taps.size()));
  const Shape in = input_.shape();
  const bool replicates = port_.padding_mode == PaddingMode::replicate;
  for (size_t t = 0; t < phase_.taps.size(); ++t) {
    for (size_t i = 0; i < rows_.size(); ++i) {
      int64_t y = rows_[i].y + phase_.taps[t].dy, x = rows_[i].x + phase_.taps[t].dx;
      const int64_t b = port_.border;
      const bool inside = y >= -b && y < in.h + b && x >= -b && x < in.w + b;
      y = std::clamp<int64_t>(y, 0, in.h - 1);
      x = std::clamp<int64_t>(x, 0, in.w - 1);
      a(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(t)) =
          inside || replicates ? input_(0, first_input_ + channel, y, x) : 0;
    }
  }
  return a;
}

MatrixXd System::blocks(const std::vector<int64_t>& channels) const {
  std::vector<MatrixXd> parts;
  Eigen::Index columns = 0;
  for (const int64_t c : channels) {
    parts.push_back(block(c));
    columns += parts.back().cols();
  }
  MatrixXd all(rows(), columns);
  Eigen::Index at = 0;
  for (const MatrixXd& part : parts) {
    all.middleCols(at, part.cols()) = part;
    at += part.cols();
  }
  return all;
}

}  // namespace fsrcnn
