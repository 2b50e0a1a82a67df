#include "quality/evaluate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/error.hpp"
#include "base/file.hpp"
#include "nn/pad2d.hpp"
#include "picture/colour.hpp"
#include "picture/picture_reader.hpp"
#include "picture/resample.hpp"
#include "quality/metrics.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

Tensor<float> to_8_bits(Tensor<float> plane, float factor) {
  for (float& value : plane.values()) value = std::clamp(std::floor(value * factor + 0.5F), 0.0F, 255.0F);
  return plane;
}

Score score(const Tensor<float>& output, const Tensor<float>& original, int64_t shave) {
  const Margins margins{-shave, -shave, -shave, -shave};
  const Tensor<float> a = pad2d(output, margins, PaddingMode::zeros), b = pad2d(original, margins, PaddingMode::zeros);
  return {psnr(a, b), ssim(a, b)};
}

bool has_picture_suffix(const fs::path& path) {
  constexpr std::array<std::string_view, 8> kSuffixes = {".png", ".bmp",  ".jpg",  ".jpeg",
                                                         ".tif", ".tiff", ".webp", ".ppm"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), lower_suffix(path)) != kSuffixes.end();
}

}  // namespace

Tensor<float> protocol_a_luma(const Picture& picture) {
  const auto [n, c, h, w] = picture.planes.shape();
  const auto plane = [&, h = h, w = w](const Tensor<float>& planes) {
    return Tensor<float>({1, 1, h, w}, {planes.plane(0, 0), planes.plane(0, 0) + h * w});
  };
  if (picture.header.colour_planes == 1) return to_8_bits(plane(picture.planes), 255);
  Tensor<float> planes = picture.planes;
  rgb_to_ycbcr(planes);
  return to_8_bits(plane(planes), 255);
}

Evaluation evaluate_picture(const Tensor<float>& y, int64_t scale, Engine* engine) {
  const int64_t h = y.shape().h / scale * scale, w = y.shape().w / scale * scale;
  const int64_t smallest = 11 + 2 * scale;
  if (h < smallest || w < smallest) {
    fail(ErrorCode::input, "a picture of {}x{} is too small to measure at scale {}; {}x{} is the least", y.shape().w,
         y.shape().h, scale, smallest, smallest);
  }
  const Tensor<float> original = pad2d(y, {0, h - y.shape().h, 0, w - y.shape().w}, PaddingMode::zeros);
  Tensor<float> lr = resize_bicubic(original, h / scale, w / scale);
  Evaluation evaluation{"", w, h, score(to_8_bits(resize_bicubic(lr, h, w), 1), original, scale), std::nullopt};
  if (engine != nullptr) {
    for (float& value : lr.values()) value /= 255;
    evaluation.model = score(to_8_bits(engine->upscale(lr), 255), original, scale);
  }
  return evaluation;
}

std::vector<Evaluation> evaluate_folder(const fs::path& path, int64_t scale, Engine* engine) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (fs::directory_iterator i(path, error); !error && i != fs::directory_iterator(); i.increment(error)) {
      if (has_picture_suffix(i->path())) files.push_back(i->path());
    }
    if (error) fail(ErrorCode::io, "'{}' cannot be read: {}", path.string(), error.message());
    if (files.empty()) fail(ErrorCode::input, "'{}' has no pictures in it", path.string());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  std::vector<Evaluation> evaluations;
  for (const fs::path& file : files) {
    try {
      evaluations.push_back(evaluate_picture(protocol_a_luma(read_picture(file)), scale, engine));
    } catch (const Error& e) {
      fail(e.code(), "{}: {}", file.string(), e.what());
    }
    evaluations.back().name = file.filename().string();
  }
  return evaluations;
}

Evaluation mean_of(const std::vector<Evaluation>& evaluations) {
  Evaluation mean{"mean", 0, 0, {0, 0}, std::nullopt};
  const auto count = static_cast<double>(evaluations.size());
  const auto add = [&](Score& sum, const Score& score) {
    sum.psnr_db += score.psnr_db / count;
    sum.ssim += score.ssim / count;
  };
  for (const Evaluation& e : evaluations) {
    add(mean.bicubic, e.bicubic);
    if (!e.model) continue;
    if (!mean.model) mean.model = Score{0, 0};
    add(*mean.model, *e.model);
  }
  return mean;
}

}  // namespace fsrcnn
