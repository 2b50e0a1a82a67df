#pragma once

/// FSRCNN super-resolution on the CPU. This header and fsrcnn.h are all of the library that is public.
///
///   fsrcnn::Upscaler upscaler("fsrcnn-x2");
///   upscaler.upscale(luma, output);
///
/// Nothing in the library prints or exits; errors are exceptions of one type, fsrcnn::Error.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#define FSRCNN_API __attribute__((visibility("default")))

namespace fsrcnn {

/// What kind of thing went wrong; the values are the program's exit codes and the C functions' results.
enum class ErrorCode {
  usage = 2,      ///< an argument or option that makes no sense
  input = 3,      ///< a picture, tensor or operator parameter that cannot be used
  model = 4,      ///< weights that cannot be used
  io = 5,         ///< reading or writing failed
  limit = 6,      ///< more than is allowed unless asked for
  cancelled = 7,  ///< somebody asked to stop
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

/// Samples of a picture that somebody else owns. Rows may be further apart than they are wide.
template <class Bytes>
struct BasicPlane {
  Bytes* data = nullptr;
  int64_t width = 0, height = 0;
  ptrdiff_t stride_bytes = 0;
  SampleType type = SampleType::f32;
  float one = 1.0F;  ///< the sample that stands for 1.0 of the network: 255 for 8 bits, 1020 for 10, 1 for floats
  /// Luma of full range, as JPEG has it: 0 is black (the network's 16/255), `one` is white (its 235/255), and is 1023
  /// for 10 bits.
  bool full_range = false;

  Bytes* row(int64_t y) const { return data + y * stride_bytes; }
};

using Plane = BasicPlane<std::byte>;
using ConstPlane = BasicPlane<const std::byte>;

/// exact: direct convolutions only; fast: Toom-Cook transforms, within 1e-5 of full scale of exact.
enum class Precision { fast, exact };

struct UpscalerOptions {
  int threads = 0;                        ///< 0: one for each core
  std::string cpu = {};                   ///< of cpu_names(); empty: FSRCNN_CPU of the environment, or the fastest
  Precision precision = Precision::fast;  ///< of all but "reference"
  int64_t scale = 0;                      ///< for weights that do not tell it; 0: they do
  int strip_columns = 0;                  ///< columns that are computed together; 0: chosen. The result is the same
};

/// Told the share of the work that is done, 0 to 1, never less than before, and never by two threads at once.
using Progress = std::function<void(double share)>;

struct FrameOptions {
  Progress progress = nullptr;
  std::stop_token stop = {};
  /// Input and output of a frame before, of the same size and type: where the input is the same byte by byte, the
  /// output is copied.
  std::optional<ConstPlane> previous_input = std::nullopt, previous_output = std::nullopt;
  bool measure_stages = false;
};

/// Seconds spent in each stage, summed over threads; shrinking counts with the feature extraction.
struct StageTimes {
  double input = 0, feature_extraction = 0, mapping = 0, expanding = 0, deconvolution = 0, output = 0;
};

/// What became of a frame.
struct FrameStatistics {
  int64_t strips = 0;         ///< parts that the frame was cut into
  int64_t strips_copied = 0;  ///< of them, those that were like the previous frame's
  StageTimes seconds = {};    ///< if asked for
};

class Engine;
class RowStream;

/// A model ready to run: its weights packed for an instruction set, threads, and memory that is used again.
/// Several threads may call at once; their frames share the upscaler's threads.
class FSRCNN_API Upscaler {
 public:
  /// model: the name of a compiled-in model ("fsrcnn-x2") or a .safetensors file with the tensors' names of
  /// yjn870/FSRCNN-pytorch. Throws Error(model), Error(io), or Error(usage) if there is no such cpu.
  explicit Upscaler(const std::string& model, const UpscalerOptions& options = {});
  ~Upscaler();
  Upscaler(Upscaler&&) noexcept;
  Upscaler& operator=(Upscaler&&) noexcept;

  int64_t scale() const;
  int threads() const;
  /// What runs: one of cpu_names().
  const std::string& cpu() const;

  /// A luma plane (limited range as in BT.601, or full range) through the network. output: scale times as wide and
  /// high, not overlapping the input; integers are rounded to the nearest. Output pixels whose receptive field holds a
  /// NaN or an infinity are NaN (0 as integers). Throws Error(input) if the planes do not fit each other, and
  /// Error(cancelled) if stopped: the output is then undefined.
  FrameStatistics upscale(const ConstPlane& input, const Plane& output, const FrameOptions& options = {});

 private:
  friend class RowUpscaler;
  std::unique_ptr<Engine> engine_;
};

/// A picture that comes and goes row by row, from top to bottom, in memory that does not depend on its height.
class FSRCNN_API RowUpscaler {
 public:
  /// Called with the next rows of the output, `rows.height` of them; they are gone after the call.
  using Sink = std::function<void(const ConstPlane& rows)>;

  /// width and height are the LR picture's. Of the formats type, `one` and full_range count. The upscaler must outlive
  /// this. Throws Error(input) if a size is not positive.
  RowUpscaler(Upscaler& upscaler, int64_t width, int64_t height, const ConstPlane& input_format,
              const Plane& output_format, Sink sink);
  ~RowUpscaler();
  RowUpscaler(RowUpscaler&&) noexcept;
  RowUpscaler& operator=(RowUpscaler&&) noexcept;

  /// The next `rows.height` rows, of the picture's width and input type. With the picture's last one the output is
  /// complete. Throws Error(input) if the width or type differs, or if there are more rows than the picture has.
  void push(const ConstPlane& rows);

 private:
  std::unique_ptr<RowStream> stream_;
};

/// Names of what this machine can run on, the fastest first: of "avx512", "avx2", "sse4", "neon", "scalar" those that
/// the library was compiled for and the machine has; and last "reference", plain loops.
FSRCNN_API const std::vector<std::string>& cpu_names();

// ---- operators -----------------------------------------------------------------------------------------------------

/// N, C, H, W as in PyTorch. For weights: (out, in/groups, kh, kw), of transposed ones (in, out/groups, kh, kw).
struct Shape {
  int64_t n = 1, c = 1, h = 1, w = 1;

  int64_t count() const { return n * c * h * w; }
  bool operator==(const Shape&) const = default;
};

/// A value for the vertical and one for the horizontal direction, in the order of PyTorch's tuples.
struct Pair {
  int64_t h, w;
  bool operator==(const Pair&) const = default;
};

/// What lies outside the picture.
enum class PaddingMode { zeros, replicate };

/// torch.nn.Conv2d's parameters.
struct Conv2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
  PaddingMode padding_mode = PaddingMode::zeros;
};

/// torch.nn.ConvTranspose2d's parameters.
struct ConvTranspose2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair output_padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
};

/// Dense float32 tensors that somebody else owns.
struct TensorView {
  float* data;
  Shape shape;
};
struct ConstTensorView {
  const float* data;
  Shape shape;
};

/// The shape of conv2d's output. Throws Error(input) naming the parameter, its value and the rule.
FSRCNN_API Shape conv2d_shape(const Shape& input, const Shape& weight, const Conv2dParams& params);
/// torch.nn.functional.conv2d. bias: one value for each output channel, or null. Throws as conv2d_shape does, and if
/// the output has another shape.
FSRCNN_API void conv2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                       const Conv2dParams& params, const TensorView& output);

/// The same for torch.nn.functional.conv_transpose2d.
FSRCNN_API Shape conv_transpose2d_shape(const Shape& input, const Shape& weight, const ConvTranspose2dParams& params);
FSRCNN_API void conv_transpose2d(const ConstTensorView& input, const ConstTensorView& weight, const float* bias,
                                 const ConvTranspose2dParams& params, const TensorView& output);

}  // namespace fsrcnn
