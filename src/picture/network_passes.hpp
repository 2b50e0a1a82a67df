#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/engine.hpp"
#include "picture/resample.hpp"
#include "picture/scale_plan.hpp"

namespace fsrcnn {

/// Rows of a plane of floats that wait for those of the other planes.
class WaitingRows {
 public:
  explicit WaitingRows(int64_t width) : width_(width) {}

  /// Memory for the next `rows` rows, which count as present from now on; invalidates earlier results.
  Plane room(int64_t rows);
  int64_t rows() const { return end_ - begin_; }
  /// The first of them, and the others without gaps.
  const float* data() const { return samples_.data() + begin_ * width_; }
  void drop(int64_t rows) { begin_ += rows; }

 private:
  int64_t width_, begin_ = 0, end_ = 0;
  std::vector<float> samples_;
};

/// The network's planes through its passes and the resampler after them.
class NetworkPasses {
 public:
  /// output: rows of each of the network's planes. The seconds that both take are added to network_s and resampling_s.
  /// All must outlive it.
  NetworkPasses(Engine& engine, int64_t width, int64_t height, const ScalePlan& plan, std::span<WaitingRows> output,
                double& network_s, double& resampling_s);

  void push(std::span<const ConstPlane> rows);

 private:
  std::span<WaitingRows> output_;
  double &network_s_, &resampling_s_;
  double resampled_s_ = 0;  // of a push
  std::vector<std::unique_ptr<RowResampler>> resamplers_;
  std::vector<std::unique_ptr<RowStream>> passes_;
  RowStream::Sink sink_;
};

}  // namespace fsrcnn
