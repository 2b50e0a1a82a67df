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

struct Score {
  double psnr_db, ssim;
};

/// How well one picture is rebuilt from its LR version.
struct Evaluation {
  std::string name;            ///< of the file
  int64_t width, height;       ///< of the original, cropped
  Score bicubic;               ///< MATLAB's imresize up again, the usual base line
  std::optional<Score> model;  ///< none without an engine
};

/// Y of protocol A: 16 + 65.481 R + 128.553 G + 24.966 B rounded to 8 bits; a gray picture is its own Y. (1, 1, H, W),
/// whole numbers in [0, 255]. Alpha is left out.
Tensor<float> protocol_a_luma(const Picture& picture);

/// Protocol A, as papers measure: the Y of the original cropped to a multiple of the scale, its LR by MATLAB's bicubic
/// (antialiased, not quantised), the output rounded to 8 bits, `scale` pixels shaved off each side, PSNR and SSIM.
/// Throws Error(input) if the picture is smaller than SSIM's window.
Evaluation evaluate_picture(const Tensor<float>& y, int64_t scale, Engine* engine);

/// The same for every picture of a folder, in the order of their names, or for one file. Throws Error(input) if there
/// is none, or if one cannot be read.
std::vector<Evaluation> evaluate_folder(const std::filesystem::path& path, int64_t scale, Engine* engine);

/// Mean over the pictures; there must be one.
Evaluation mean_of(const std::vector<Evaluation>& evaluations);

}  // namespace fsrcnn
