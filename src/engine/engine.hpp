#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/plane.hpp"
#include "base/tensor.hpp"
#include "base/thread_pool.hpp"
#include "engine/backend.hpp"
#include "network/network.hpp"

namespace fsrcnn {

/// A model ready to run: its weights packed for an instruction set, threads, and memory that is used again.
/// Several threads may call at once; their frames share the engine's threads.
class Engine {
 public:
  /// The network must have a scale; options.scale is ignored. Throws Error(usage) for an unknown cpu, and
  /// Error(model) as check_network does.
  explicit Engine(Network network, const UpscalerOptions& options = {});

  const Network& network() const { return network_; }
  int64_t scale() const { return network_.scale; }
  /// Planes in and out: 1 of luma, or 3.
  int64_t channels() const { return network_.channels(); }
  int threads() const { return pool_->threads(); }
  /// What runs: one of cpu_names().
  const std::string& cpu() const { return cpu_; }

  Precision precision() const { return options_.precision; }
  Looks looks() const { return {.extend_edges = options_.extend_edges, .guard = options_.guard}; }
  /// As Session::bits.
  std::string bits() const { return session_->bits(); }

  /// As Upscaler::upscale, for a network of luma.
  FrameStatistics upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options = {});
  /// The same with a plane each way for each of the network's channels.
  FrameStatistics upscale(const ConstPlane* input, const Plane* output, const FrameOptions& options = {});

  /// (1, channels, H, W) in [0, 1] -> (1, channels, scale*H, scale*W) in [0, 1]. Throws Error(input) if the input has
  /// another shape.
  Tensor<float> upscale(const Tensor<float>& input, const FrameOptions& options = {});

 private:
  friend class RowStream;

  Network network_;
  std::string cpu_;
  UpscalerOptions options_;
  std::shared_ptr<ThreadPool> pool_;
  std::unique_ptr<Session> session_;
};

/// As RowUpscaler. The engine must outlive it.
class RowStream {
 public:
  using Sink = RowUpscaler::PlanesSink;

  /// Without a sink, each push is given the rows to write into. Of pictures with several channels, all have one format.
  RowStream(Engine& engine, int64_t width, int64_t height, const ConstPlane& input_format, const Plane& output_format,
            Sink sink = nullptr);
  ~RowStream();

  /// Rows of the output that a push of `count` rows completes.
  int64_t completed_by(int64_t count) const;
  /// A plane for each channel, of one height; to the sink.
  void push(std::span<const ConstPlane> rows) { push(rows, nullptr); }
  void push(const ConstPlane& rows) { push(std::span(&rows, 1)); }
  /// Into `output`, as many planes of completed_by(rows.height) rows.
  void push(std::span<const ConstPlane> rows, std::span<const Plane> output) { push(rows, &output); }
  void push(const ConstPlane& rows, const Plane& output) { push(std::span(&rows, 1), std::span(&output, 1)); }

  /// Rows computed at a time: enough to be worth waking the threads, few enough to keep in memory.
  static int64_t block_rows(int64_t width);

 private:
  using Output = const std::span<const Plane>*;

  void check(std::span<const ConstPlane> rows, Output output) const;
  void push(std::span<const ConstPlane> rows, Output output);
  void push_blocks(std::span<const ConstPlane> rows, Output output);
  int64_t complete(int64_t rows) const;
  void compute(const Plane* output);

  Engine& engine_;
  int64_t width_, height_, rows_ = 0, input_begin_ = 0, complete_rows_ = 0;  // in rows of the input
  ConstPlane input_format_;
  Plane output_format_;
  Sink sink_;
  std::unique_ptr<RowSession> session_;
  std::vector<std::vector<std::byte>> input_, output_;  // of each channel
  std::atomic_flag busy_;
  bool failed_ = false;
  Error failure_{ErrorCode::io, "the sink failed, or memory ran out"};
};

}  // namespace fsrcnn
