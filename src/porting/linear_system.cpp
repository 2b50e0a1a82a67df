#include "porting/linear_system.hpp"

#include <algorithm>
#include <random>

#include "nn/conv_form.hpp"

namespace fsrcnn {

using Eigen::MatrixXd;

std::vector<Phase> phases_of(const LayerPort& port) {
  const int64_t k = port.weight.shape().h;
  const ConvAxis axis = port.is_deconvolution ? conv_transpose_axis(k, port.scale, 4, 1) : conv_axis(k, 1, k / 2, 1);
  std::vector<Phase> phases;
  for (int py = 0; py < axis.phase_count(); ++py) {
    for (int px = 0; px < axis.phase_count(); ++px) {
      Phase& phase = phases.emplace_back(Phase{axis.out_stride, axis.phases[py], axis.phases[px], {}});
      for (int ty = 0; ty < axis.taps(); ++ty) {
        for (int tx = 0; tx < axis.taps(); ++tx) {
          const int ky = axis.kernel_at(ty, py), kx = axis.kernel_at(tx, px);
          if (ky >= 0 && kx >= 0) phase.taps.push_back({axis.offsets[ty], axis.offsets[tx], ky, kx});
        }
      }
    }
  }
  return phases;
}

Target linear_target(const LayerPort& port, const Tensor<float>& input, const Tensor<float>& output) {
  LayerPort linear = port;
  linear.activates = false;
  const Tensor<float> predicted = compute(linear, input);
  Target target{output, std::vector<uint8_t>(output.count(), 1)};
  const Shape shape = output.shape();
  std::vector<float> strongest(shape.c, 0);
  for (int64_t i = 0; i < output.count(); ++i) {
    float& most = strongest[i / (shape.h * shape.w) % shape.c];
    most = std::max(most, predicted.data()[i]);
  }
  for (int64_t i = 0; i < output.count(); ++i) {
    float& value = target.values.data()[i];
    if (port.is_tail) {
      if (port.activates && port.clamps) target.known[i] = value > 0 && value < 1;
      continue;
    }
    if (!port.activates || port.slope.empty()) continue;
    const float slope = port.slope[port.slope.size() == 1 ? 0 : i / (shape.h * shape.w) % shape.c];
    if (slope > 0) {
      if (value < 0) value /= slope;
      target.known[i] = slope > 1e-3F || value > 0;
    } else {
      // Both signs before the activation can give a positive value; where the file's kernels give one that is far above
      // 0, so will others that are not all different.
      target.known[i] = value > 0 && predicted.data()[i] > strongest[i / (shape.h * shape.w) % shape.c] / 3;
    }
  }
  return target;
}

System::System(const LayerPort& port, const Tensor<float>& input, const Phase& phase, const Target& target,
               const Tensor<float>& predicted, int64_t channel, int64_t most_rows)
    : port_(port), input_(input), phase_(phase) {
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
  if (channel == input_.shape().c) return MatrixXd::Ones(rows(), 1);
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
          inside || replicates ? input_(0, channel, y, x) : 0;
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
