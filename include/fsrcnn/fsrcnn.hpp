#pragma once

/// FSRCNN super-resolution on the CPU. This header and fsrcnn.h are the library's public interface.
///
///   fsrcnn::Upscaler upscaler("fsrcnn-x2");
///   upscaler.upscale(luma, output);
///
/// Nothing in the library prints or exits; errors are exceptions of one type, fsrcnn::Error. Arguments are checked
/// before any work, and the message names the wrong one. The rules for threads, callbacks and fork are at the head of
/// fsrcnn.h, with one difference: callbacks may throw. The exception ends the call and reaches its caller.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "fsrcnn/export.h"

namespace fsrcnn {

/// Kinds of errors; the values are the program's exit codes and the C functions' results.
enum class ErrorCode {
  usage = 2,      ///< an invalid argument or option
  input = 3,      ///< an invalid or unsupported picture, tensor or operator parameter
  model = 4,      ///< invalid or unsupported weights
  io = 5,         ///< reading or writing failed
  limit = 6,      ///< a limit was exceeded
  cancelled = 7,  ///< stopped on request
};

/// The one exception type of the library. The message says what was found, what was expected, where, and what to do.
class FSRCNN_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

enum class SampleType { u8, u16, f32 };

/// A view of the samples of one channel of a picture, aligned to their type. The caller owns the memory.
template <class Bytes>
struct BasicPlane {
  Bytes* data = nullptr;
  int64_t width = 0, height = 0;  ///< at least 1
  /// Distance between rows. Its absolute value is at least the bytes of a row; negative for planes stored bottom-up.
  ptrdiff_t stride_bytes = 0;
  SampleType type = SampleType::f32;
  /// The sample value that is 1.0 for the network: 255 for 8 bits, 1020 for 10 bits, 1 for floats. From 1 to the
  /// type's maximum; for floats any from FLT_MIN to FLT_MAX.
  float one = 1.0F;
  /// Full-range luma, as in JPEG: 0 is black (16/255 for the network) and `one` is white (235/255), so `one` is 1023
  /// for 10 bits.
  bool full_range = false;

  Bytes* row(int64_t y) const { return data + y * stride_bytes; }
};

using Plane = BasicPlane<std::byte>;
using ConstPlane = BasicPlane<const std::byte>;

/// exact: direct convolutions only; fast: Toom-Cook transforms, within 1e-5 of full scale of exact.
enum class Precision { fast, exact };

class ThreadPool;

/// Threads shared by several upscalers and operators, which together use no more. Copies share the same threads, which
/// end with their last user.
class FSRCNN_API Executor {
 public:
  /// threads: 1 to 1024, or 0 for one per core. With 1 all work runs on the calling thread. If the system provides
  /// fewer threads than requested, those are used. Throws Error(usage).
  explicit Executor(int threads = 0);

  int threads() const;
  /// For internal use.
  const std::shared_ptr<ThreadPool>& pool() const { return pool_; }

 private:
  std::shared_ptr<ThreadPool> pool_;
};

struct UpscalerOptions {
  int threads = 0;                        ///< 1 to 1024 of its own; 0: the process's, one per core
  std::string cpu = {};                   ///< one of cpu_names(); empty: $FSRCNN_CPU, or the fastest
  Precision precision = Precision::fast;  ///< ignored by "reference"
  int64_t scale = 0;                      ///< for weights that do not state it; 0: from the weights
  int strip_columns = 0;                  ///< columns computed together; 0: automatic. Results do not depend on it
  std::optional<Executor> executor = std::nullopt;  ///< its threads are used; requires threads = 0
  /// Outside the picture is its mirror image, as far as the network looks, so that borders look like the rest; for
  /// display. false: the network's own padding alone, as PyTorch computes it.
  bool extend_edges = false;
  /// 0 to 1: the share that is taken away of overshoot beside edges, white lines and ghosts: of what each output pixel
  /// has beyond the range of the 3x3 input pixels around it, widened by half of that range, at the edge of an even
  /// surface by a sixteenth; channel by channel, for display. 0: nothing, as PyTorch computes it.
  float guard = 0;
};

/// Receives the share of the work done, from 0 to 1. It never decreases, and calls never overlap.
using Progress = std::function<void(double share)>;

struct FrameOptions {
  Progress progress = nullptr;
  std::stop_token stop = {};
  /// Input and output of an earlier frame of the same size and type. Where both inputs are equal byte for byte, the
  /// output is copied. previous_output may be the output of this frame: then equal parts are left unchanged.
  std::optional<ConstPlane> previous_input = std::nullopt, previous_output = std::nullopt;
  bool measure_stages = false;
  /// The same for networks with several channels, one plane per channel.
  std::span<const ConstPlane> previous_inputs = {}, previous_outputs = {};
};

/// Seconds spent in each stage, summed over threads; shrinking counts with the feature extraction.
struct StageTimes {
  double input = 0, feature_extraction = 0, mapping = 0, expanding = 0, deconvolution = 0, output = 0;
};

/// Statistics of one frame.
struct FrameStatistics {
  int64_t strips = 0;         ///< parts into which the frame was cut
  int64_t strips_copied = 0;  ///< those equal to the previous frame's
  StageTimes seconds = {};    ///< if measure_stages is set
};

class Engine;
class RowStream;

/// A model ready to run: weights packed for an instruction set, threads, and reusable memory. Several threads may call
/// it at once; their frames share the upscaler's threads.
class FSRCNN_API Upscaler {
 public:
  /// model: the name of a built-in model ("fsrcnn-x2"), or a .safetensors file: an FSRCNN with the tensor names of
  /// yjn870/FSRCNN-pytorch, a related network that its names or shapes determine (SRVGGNetCompact, ECBSR, ESPCN, ...),
  /// or any network that `fsrcnn convert FILE NAME.safetensors` has written, also from ONNX. The built-in models are
  /// for luma; a network of 3 channels (R, G, B) comes from a file whose first layer reads and whose last layer
  /// makes 3. Throws Error(model), Error(io), or Error(usage) for an unknown cpu.
  explicit Upscaler(const std::string& model, const UpscalerOptions& options = {});
  /// weights: the bytes of such a file; they are copied.
  explicit Upscaler(std::span<const std::byte> weights, const UpscalerOptions& options = {});
  ~Upscaler();
  Upscaler(Upscaler&&) noexcept;
  Upscaler& operator=(Upscaler&&) noexcept;

  int64_t scale() const;
  int threads() const;
  /// Planes of a frame, in and out: 1 (luma) or 3 (R, G, B).
  int64_t channels() const;
  /// The implementation in use: one of cpu_names().
  const std::string& cpu() const;

  /// Upscales a luma plane (BT.601 limited range, or full range). output: scale times the width and height of the
  /// input, without overlapping it; integers are rounded to nearest. Output pixels whose receptive field contains NaN
  /// or infinity are NaN (0 as integers). Throws Error(usage) if a plane is invalid or overlaps another, Error(input)
  /// if the planes do not match, and Error(cancelled) if stopped; the output is then undefined.
  FrameStatistics upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options = {});
  /// The same for any number of channels: channels() planes each, of the same size, type and level.
  FrameStatistics upscale(std::span<const ConstPlane> input, std::span<const Plane> output,
                          const FrameOptions& options = {});

 private:
  friend class RowUpscaler;
  std::shared_ptr<Engine> engine_;
};

/// Upscales a picture row by row, from top to bottom, in memory that does not depend on its height.
class FSRCNN_API RowUpscaler {
 public:
  /// Called with the next `rows.height` rows of the output, which are valid only during the call. If it throws, rows
  /// are lost, and every later push throws.
  using Sink = std::function<void(const ConstPlane& rows)>;
  /// The same for any number of channels: one plane per channel.
  using PlanesSink = std::function<void(std::span<const ConstPlane> rows)>;

  /// width, height: of the LR picture. The formats' type, `one` and full_range apply to all channels; their other
  /// fields are ignored. Throws Error(usage) or Error(input) if they are invalid.
  RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
              const Plane& output_format, Sink sink);
  RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
              const Plane& output_format, PlanesSink sink);
  /// Without a sink: each push gets the rows to write into.
  RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
              const Plane& output_format);
  ~RowUpscaler();
  RowUpscaler(RowUpscaler&&) noexcept;
  RowUpscaler& operator=(RowUpscaler&&) noexcept;

  /// Pushes the next `rows.height` rows, with the picture's width and input type. The last row completes the output.
  /// Throws Error(usage) or Error(input) if the rows do not match; correct ones can follow. After any other exception
  /// the picture has failed, and every later push throws.
  void push(const ConstPlane& rows);
  void push(std::span<const ConstPlane> rows);
  /// Only without a sink (with one it throws Error(usage)): writes the completed rows to `output`, which must have
  /// exactly completed_by(rows.height) rows.
  void push(const ConstPlane& rows, const Plane& output);
  void push(std::span<const ConstPlane> rows, std::span<const Plane> output);
  /// How many output rows a push of `count` rows completes.
  int64_t completed_by(int64_t count) const;
  int64_t channels() const;

 private:
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<RowStream> stream_;
};

/// A built-in model.
struct ModelInfo {
  std::string name, purpose;  ///< purpose: what it was trained for, as text
  int64_t scale = 0, channels = 0;
  bool general = false;  ///< the default model for its scale
};

/// The built-in models; the first one is the default.
FSRCNN_API const std::vector<ModelInfo>& models();

/// Implementations that this machine supports, fastest first: those of "avx512", "avx2", "sse4", "sse2", "neon",
/// "wasm" and "scalar" that the library was compiled for, and last "reference", plain loops.
FSRCNN_API const std::vector<std::string>& cpu_names();

// ---- operators -----------------------------------------------------------------------------------------------------

/// N, C, H, W as in PyTorch. Weights: (out, in/groups, kh, kw); of transposed convolutions (in, out/groups, kh, kw).
struct Shape {
  int64_t n = 1, c = 1, h = 1, w = 1;

  int64_t count() const { return n * c * h * w; }
  bool operator==(const Shape&) const = default;
};

/// Vertical and horizontal value, in the order of PyTorch's tuples.
struct Pair {
  int64_t h, w;
  bool operator==(const Pair&) const = default;
};

/// Values outside the picture.
enum class PaddingMode { zeros, replicate };

/// Parameters of torch.nn.Conv2d.
struct Conv2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
  PaddingMode padding_mode = PaddingMode::zeros;
};

/// Parameters of torch.nn.ConvTranspose2d.
struct ConvTranspose2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair output_padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
};

/// Views of dense float32 tensors; the caller owns the memory.
struct TensorView {
  float* data;
  Shape shape;
};
struct ConstTensorView {
  const float* data;
  Shape shape;
};

/// The shape of conv2d's output. Throws Error(input), which names the parameter, its value and the rule.
FSRCNN_API Shape conv2d_shape(const Shape& input, const Shape& weight, const Conv2dParams& params);
/// torch.nn.functional.conv2d. bias: one value per output channel, or null. executor: the threads to use; by default
/// the process's, one per core. Throws as conv2d_shape does, Error(input) if the output has another shape, and
/// Error(usage) if it overlaps the input.
FSRCNN_API void conv2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                       const Conv2dParams& params, const TensorView& output,
                       const std::optional<Executor>& executor = std::nullopt);

/// The same for torch.nn.functional.conv_transpose2d.
FSRCNN_API Shape conv_transpose2d_shape(const Shape& input, const Shape& weight, const ConvTranspose2dParams& params);
FSRCNN_API void conv_transpose2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                                 const ConvTranspose2dParams& params, const TensorView& output,
                                 const std::optional<Executor>& executor = std::nullopt);

}  // namespace fsrcnn
