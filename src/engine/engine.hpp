#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
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

/// Told the share of the work that is done, 0 to 1, never less than before, and never by two threads at once.
using Progress = std::function<void(double share)>;

struct EngineOptions {
  int threads = 0;                        ///< 0: one for each core
  std::string cpu = {};                   ///< of cpu_names(); empty: FSRCNN_CPU or the fastest
  Precision precision = Precision::fast;  ///< of the fused path
  int strip_columns = 0;                  ///< 0: chosen; the result is the same
};

/// What became of a frame.
struct FrameStatistics {
  int64_t strips = 0;         ///< parts that the frame was cut into
  int64_t strips_copied = 0;  ///< of them, those that were like the previous frame's
  StageTimes seconds = {};    ///< summed over threads; measured only if asked for
};

struct FrameOptions {
  Progress progress = nullptr;
  std::stop_token stop = {};
  /// Input and output of a frame before, of the same size and type: where the input is the same byte by byte, the
  /// output is copied.
  std::optional<ConstPlane> previous_input = std::nullopt, previous_output = std::nullopt;
  bool measure_stages = false;
};

/// A model ready to run: its weights packed for an instruction set, threads, and memory that is used again.
/// Several threads may call at once; their frames share the engine's threads.
class Engine {
 public:
  /// The model must have a scale. Throws Error(usage) if there is no such cpu.
  explicit Engine(Model model, const EngineOptions& options = {});

  const Model& model() const { return model_; }
  int64_t scale() const { return model_.scale; }
  int threads() const { return pool_->threads(); }
  /// What runs: one of cpu_names().
  const std::string& cpu() const { return cpu_; }

  /// A luma plane through the network. output: scale times as wide and high, not overlapping the input; integers are
  /// rounded to the nearest. Output pixels whose receptive field holds a NaN or an infinity are NaN (0 as integers).
  /// Throws Error(input) if the planes do not fit each other, and Error(cancelled) if stopped: the output is then
  /// undefined.
  FrameStatistics upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options = {});

  /// (1, 1, H, W) in [0, 1] -> (1, 1, scale*H, scale*W) in [0, 1]. Throws Error(input) if the plane has another shape.
  Tensor<float> upscale(const Tensor<float>& luma, const FrameOptions& options = {});

 private:
  friend class RowStream;
  struct Job;

  FrameStatistics upscale_fused(const ConstPlane& input, const Plane& output, const FrameOptions& options);
  FrameStatistics upscale_reference(const ConstPlane& input, const Plane& output, const FrameOptions& options);
  std::unique_ptr<FusedStrip> take_strip(int positions);
  void put_strip(std::unique_ptr<FusedStrip> strip);

  Model model_;
  std::string cpu_;
  EngineOptions options_;
  std::optional<FusedPlan> plan_;  // none for "reference"
  std::unique_ptr<ThreadPool> pool_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<FusedStrip>> idle_strips_;
};

/// A picture that comes and goes row by row, from top to bottom, in memory that does not depend on its height.
class RowStream {
 public:
  /// Called with the next rows of the output, `rows.height` of them; they are gone after the call.
  using Sink = std::function<void(const ConstPlane& rows)>;

  /// Types and levels (`one`) of both ends; `width` and `height` are the LR picture's. The engine must outlive it.
  /// Throws Error(input) if a size is not positive.
  RowStream(Engine& engine, int64_t width, int64_t height, const ConstPlane& input_format, const Plane& output_format,
            Sink sink);
  ~RowStream();

  /// The next `rows.height` rows. With the picture's last one the output is complete. Throws Error(input) if the width
  /// differs, or if there are more rows than the picture has.
  void push(const ConstPlane& rows);

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
