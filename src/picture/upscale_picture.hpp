#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/resample.hpp"

namespace fsrcnn {

/// How a picture gets to a size: through the network as often as comes nearest to it, then resampled.
struct ScalePlan {
  int passes = 1;
  int64_t network_width = 0, network_height = 0;  ///< after the passes
  int64_t width = 0, height = 0;                  ///< in the end

  bool resampled() const { return width != network_width || height != network_height; }
};

/// What a picture is to become: so many times its width and height, or a size. With neither, the model's scale.
struct TargetSize {
  std::optional<double> scale;
  std::optional<std::pair<int64_t, int64_t>> size;  ///< width, height

  /// Times the width or height, whichever is more, of a picture; empty if the model decides.
  std::optional<double> factor(int64_t width, int64_t height) const;
};

/// The scale of which a power comes nearest to a factor, as a ratio; of two as near, the one with fewer passes.
int64_t nearest_scale(double factor, const std::vector<int64_t>& model_scales);

/// The number of passes whose scale is nearest, as a ratio, to the larger of the two factors; at least one to enlarge,
/// none to shrink.
ScalePlan plan_scale(int64_t width, int64_t height, int64_t model_scale, const TargetSize& target);

/// "fsrcnn-x2 twice to 380x308, then Lanczos"
std::string describe(const ScalePlan& plan, const std::string& model);

/// Seconds of each stage; they overlap with each other's, on other threads.
struct PictureTimes {
  double reading = 0, colour = 0, network = 0, resampling = 0, writing = 0;
};

/// The rows of a picture, upscaled as they are asked for: luma by the network, chroma and alpha bicubic. Gray is
/// brought to the range of luma that networks are trained on, so that it fares like the same picture in RGB. Fully
/// transparent pixels first get the colours beside them; where the network is not asked, as the picture shrinks,
/// colours are weighted with alpha instead, which needs no window around them. What floats have beyond the network's
/// range is resampled and added.
class UpscaledRows {
 public:
  /// Engine and reader must outlive it.
  UpscaledRows(Engine& engine, PictureReader& reader, const ScalePlan& plan, Progress progress = nullptr);
  ~UpscaledRows();

  /// The next rows, (1, C, rows, width) in [0, 1] or a bit beyond; empty after the last. Throws Error(input) if the
  /// file is damaged, and Error(model) if the weights overflow.
  Tensor<float> next();

  const PictureTimes& times() const { return times_; }

 private:
  class Luma;

  void start_frame();
  Tensor<float> read_block();
  void push_block();
  Tensor<float> take_ready();

  Engine& engine_;
  PictureReader& reader_;
  PictureHeader header_;
  ScalePlan plan_;
  Progress progress_;
  PictureTimes times_;
  int64_t frame_ = 0, row_ = 0, output_row_ = 0;
  bool weighted_;  // colours are multiplied by alpha, resampled, and divided by it
  int bleed_reach_;
  Tensor<float> window_;  // rows from window_begin_ on, read but not yet done with, if colours bleed
  int64_t window_begin_ = 0, window_rows_ = 0;
  std::unique_ptr<Luma> luma_;
  std::vector<std::unique_ptr<RowResampler>> resamplers_;  // of chroma, alpha, and luma's excess
  std::vector<std::vector<float>> ready_;                  // rows of each plane that are done
};

/// Finds the engine for a picture that is to be enlarged by a factor, or as the model decides.
using EngineFor = std::function<Engine&(const std::optional<double>& factor)>;

/// What became of a picture.
struct UpscaledPicture {
  PictureHeader input;
  const Engine* engine = nullptr;
  ScalePlan plan;
  PictureTimes times;
  std::vector<std::string> warnings;
  bool damaged = false;  ///< done, but the input was not whole
};

struct PictureOptions {
  TargetSize target;
  std::optional<int> quality;
  int64_t most_pixels = kMostPixels;
};

/// Reads, upscales and writes a picture, in memory that does not grow with its height where its formats allow it. Bits
/// and metadata stay. What is known to fail does so before any work. Throws like PictureReader and write_picture.
UpscaledPicture upscale_picture(Engine& engine, const std::filesystem::path& input, const std::filesystem::path& output,
                                const PictureOptions& options = {}, const Progress& progress = nullptr);
UpscaledPicture upscale_picture(const EngineFor& engine_for, const std::filesystem::path& input,
                                const std::filesystem::path& output, const PictureOptions& options = {},
                                const Progress& progress = nullptr);

}  // namespace fsrcnn
