#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "picture/alpha_use.hpp"
#include "picture/guided_chroma.hpp"
#include "picture/network_passes.hpp"
#include "picture/picture_reader.hpp"
#include "picture/picture_writer.hpp"
#include "picture/resample.hpp"
#include "picture/scale_plan.hpp"

namespace fsrcnn {

/// Seconds of each stage; they overlap with each other's, on other threads.
struct PictureTimes {
  double reading = 0, colour = 0, network = 0, resampling = 0, writing = 0;
};

/// How chroma is enlarged: with the details of luma (GuidedChroma), or without.
enum class ChromaMethod { guided, bicubic };

/// The rows of a picture, upscaled as they are asked for: luma by the network, chroma guided by it, alpha bicubic. Gray
/// is converted to the luma range that networks are trained on, so that it gives the same result as in RGB. Fully
/// transparent pixels first get the colours beside them; if the picture only shrinks, colours are weighted by alpha
/// instead, which needs no window. The part of floats beyond the network's range is resampled and added. For RGB
/// networks, all colours go through the network.
class UpscaledRows {
 public:
  /// Engine and reader must outlive it.
  UpscaledRows(Engine& engine, PictureRows& reader, const ScalePlan& plan, ChromaMethod chroma = ChromaMethod::guided,
               Progress progress = nullptr);
  ~UpscaledRows();

  /// The next rows, (1, C, rows, width) in [0, 1] or a bit beyond; empty after the last. Throws Error(input) if the
  /// file is damaged, and Error(model) if the weights overflow.
  Tensor<float> next();

  const PictureTimes& times() const { return times_; }
  /// Of the input, as far as it was read.
  const SampleRange& samples() const { return samples_; }

 private:
  /// Of a plane after the network's.
  struct PlaneResampler {
    size_t plane;
    RowResampler resampler;
  };

  bool is_guided(size_t plane) const { return guides_ && (plane == 1 || plane == 2); }
  void start_frame();
  void look_at(const Tensor<float>& block);
  Tensor<float> read_block();
  Tensor<float> to_networks_colours(Tensor<float> block) const;
  void to_pictures_colours(std::span<float* const> from, std::span<float* const> to) const;
  void push_block();
  Tensor<float> take_ready();

  Engine& engine_;
  PictureRows& reader_;
  PictureHeader header_;
  ScalePlan plan_;
  Progress progress_;
  PictureTimes times_;
  SampleRange samples_;
  int64_t frame_ = 0, row_ = 0, output_row_ = 0;
  bool rgb_;        // what the network reads
  int64_t planes_;  // of the picture as the network wants it, and alpha
  bool weighted_;   // colours are multiplied by alpha, resampled, and divided by it
  bool guides_;     // luma guides chroma
  int bleed_reach_;
  Tensor<float> window_;  // rows from window_begin_ on, read but not yet done with, if colours bleed
  int64_t window_begin_ = 0, window_rows_ = 0;
  std::vector<WaitingRows> ready_;  // rows of each plane that are done: the network's first, what it clamped last
  std::unique_ptr<NetworkPasses> passes_;
  std::optional<GuidedChroma> guided_;
  std::vector<PlaneResampler> resamplers_;  // of the others
};

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
  TargetSize target = {};
  Encoding encoding = {};
  AlphaOptions alpha = {};
  ChromaMethod chroma = ChromaMethod::guided;
  int64_t most_pixels = kMostPixels;
  bool tile = false;        ///< the picture is to lie beside itself without a seam, as a floor's tiles do
  bool only_whole = false;  ///< of a damaged input nothing is written: it is an Error(input)
};

/// Reads, upscales and writes a picture, in memory that does not grow with its height where its formats allow it. Bit
/// depth and metadata are kept. Foreseeable failures are reported before any work. Throws like PictureReader and
/// write_picture.
UpscaledPicture upscale_picture(Engine& engine, const std::filesystem::path& input, const std::filesystem::path& output,
                                const PictureOptions& options = {}, const Progress& progress = nullptr);
UpscaledPicture upscale_picture(const EngineFor& engine_for, const std::filesystem::path& input,
                                const std::filesystem::path& output, const PictureOptions& options = {},
                                const Progress& progress = nullptr);

}  // namespace fsrcnn
