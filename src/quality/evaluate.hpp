#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "engine/engine.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// How LR is made from an original, and how the output is compared with it. Y is BT.601's, of limited range; alpha is
/// left out.
enum class Protocol {
  /// As papers measure: the Y of the original (of gray the samples themselves) rounded to 8 bits and cropped to a
  /// multiple of the scale, its LR by MATLAB's bicubic (antialiased, not quantised), the output rounded to 8 bits,
  /// `scale` pixels cropped from each side. An RGB network reads the LR of the RGB original, and the Y of its output is
  /// measured.
  a,
  /// As test.py of yjn870/FSRCNN-pytorch measures: the 8-bit RGB original (three equal planes if gray) is resized (not
  /// cropped) to a multiple of the scale, and from there to LR, by Pillow's bicubic. Y of both uses its own
  /// coefficients, without rounding; the output is clamped to [0, 255] but not rounded, and nothing is cropped. The
  /// same for RGB networks.
  yjn870,
};

struct Score {
  double psnr_db, ssim;
};

/// Where bicubic and model differ most, by the sum of their squared errors; without a model, where bicubic is worst. Y
/// in [0, 255], (1, 1, h, w), up to 96 pixels a side.
struct Crop {
  int64_t left = 0, top = 0;  ///< of it in the picture, before shaving
  Tensor<float> original, bicubic;
  std::optional<Tensor<float>> model;
};

/// How well one picture is rebuilt from its LR version.
struct Evaluation {
  std::string name;            ///< of the file
  int64_t width, height;       ///< of the original as it is compared, before shaving
  Score bicubic;               ///< LR upscaled by the same bicubic, the usual baseline
  std::optional<Score> model;  ///< none without an engine
  Crop crop = {};
};

/// Throws Error(input) if the picture is smaller than SSIM's window.
Evaluation evaluate_picture(const Picture& picture, int64_t scale, Protocol protocol, Engine* engine);

/// The same for every picture of a folder, in the order of their names, or for one file. Throws Error(input) if there
/// is none, or if one cannot be read.
std::vector<Evaluation> evaluate_folder(const std::filesystem::path& path, int64_t scale, Protocol protocol,
                                        Engine* engine);

/// Mean over the pictures; there must be one.
Evaluation mean_of(const std::vector<Evaluation>& evaluations);

}  // namespace fsrcnn
