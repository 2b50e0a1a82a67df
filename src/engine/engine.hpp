#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/plane.hpp"
#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "engine/fused_plan.hpp"
#include "engine/fused_strip.hpp"
#include "engine/strip_layout.hpp"
#include "model/model.hpp"

namespace fsrcnn {

/// A model ready to run: its weights packed for an instruction set, threads, and memory that is used again.
/// Several threads may call at once; their frames share the engine's threads.
class Engine {
 public:
  /// The model must have a scale; options.scale does not count. Throws Error(usage) if there is no such cpu.
  explicit Engine(Model model, const UpscalerOptions& options = {});

  const Model& model() const { return model_; }
  int64_t scale() const { return model_.scale; }
  int threads() const { return pool_->threads(); }
  /// What runs: one of cpu_names().
  const std::string& cpu() const { return cpu_; }

  Precision precision() const { return options_.precision; }

  /// As Upscaler::upscale.
  FrameStatistics upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options = {});

  /// (1, 1, H, W) in [0, 1] -> (1, 1, scale*H, scale*W) in [0, 1]. Throws Error(input) if the plane has another shape.
  Tensor<float> upscale(const Tensor<float>& luma, const FrameOptions& options = {});

 private:
  friend class RowStream;

  FrameStatistics upscale_fused(const ConstPlane& input, const Plane& output, const FrameOptions& options);
  FrameStatistics upscale_reference(const ConstPlane& input, const Plane& output, const FrameOptions& options);
  std::unique_ptr<FusedStrip> take_strip(int positions);
  void put_strip(std::unique_ptr<FusedStrip> strip);

  Model model_;
  std::string cpu_;
  UpscalerOptions options_;
  std::optional<FusedPlan> plan_;  // none for "reference"
  std::unique_ptr<ThreadPool> pool_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<FusedStrip>> idle_strips_;
};

/// As RowUpscaler. The engine must outlive it.
class RowStream {
 public:
  using Sink = RowUpscaler::Sink;

  RowStream(Engine& engine, int64_t width, int64_t height, const ConstPlane& input_format, const Plane& output_format,
            Sink sink);
  ~RowStream();

  void push(const ConstPlane& rows);

  /// Rows that are computed in one go: enough for the threads to be worth waking, few enough to be held.
  static int64_t block_rows(int64_t width);

 private:
  void advance();

  Engine& engine_;
  int64_t width_, height_, rows_ = 0, input_begin_ = 0, output_rows_ = 0;
  ConstPlane input_format_;
  Plane output_format_;
  Sink sink_;
  std::vector<std::unique_ptr<FusedStrip>> strips_;  // none for "reference"
  std::vector<std::byte> input_, output_;
};

}  // namespace fsrcnn
