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

constexpr int64_t kCropSide = 96;  // pixels

Tensor<float> to_8_bits(Tensor<float> plane, float factor) {
  for (float& value : plane.values()) value = std::clamp(std::floor(value * factor + 0.5F), 0.0F, 255.0F);
  return plane;
}

/// The part of a plane.
Tensor<float> part(const Tensor<float>& plane, int64_t top, int64_t left, int64_t height, int64_t width) {
  return pad2d(plane, {-top, top + height - plane.shape().h, -left, left + width - plane.shape().w},
               PaddingMode::zeros);
}

/// What a protocol makes of a picture, in [0, 255]: Y, (1, 1, H, W); what the network reads, of its channels.
struct Prepared {
  Tensor<float> original, lr, bicubic;
};

Tensor<float> first_plane(const Tensor<float>& planes) {
  const auto [n, c, h, w] = planes.shape();
  return Tensor<float>({1, 1, h, w}, {planes.data(), planes.data() + h * w});
}

/// RGB, of gray (with alpha or without) three equal planes.
Tensor<float> three_planes(const Tensor<float>& planes) {
  const auto [n, c, h, w] = planes.shape();
  Tensor<float> rgb({1, 3, h, w});
  for (int64_t k = 0; k < 3; ++k) std::copy_n(planes.plane(0, c < 3 ? 0 : k), h * w, rgb.plane(0, k));
  return rgb;
}

/// Of planes in [0, 1]; of gray the samples themselves.
Tensor<float> protocol_a_luma(Tensor<float> planes, bool is_gray) {
  if (!is_gray) rgb_to_ycbcr(planes);
  return to_8_bits(first_plane(planes), 255);
}

Prepared prepare_a(const Picture& picture, int64_t h, int64_t w, int64_t scale, int64_t channels) {
  const auto cut = [&](const Tensor<float>& planes) { return part(planes, 0, 0, h, w); };
  Prepared p{cut(protocol_a_luma(picture.planes, picture.header.colour_planes == 1)), {}, {}};
  const Tensor<float> luma = resize_bicubic(p.original, h / scale, w / scale);
  p.bicubic = to_8_bits(resize_bicubic(luma, h, w), 1);
  p.lr = channels == 1 ? luma : resize_bicubic(cut(to_8_bits(three_planes(picture.planes), 255)), h / scale, w / scale);
  return p;
}

/// Y of a network's output, made of RGB of 8 bits as the original's.
Tensor<float> finish_a(Tensor<float> output, bool is_gray) {
  if (output.shape().c == 1) return to_8_bits(std::move(output), 255);
  output = to_8_bits(std::move(output), 255);
  for (float& value : output.values()) value /= 255;
  rgb_to_ycbcr(output);
  if (is_gray) luma_to_gray(output);  // from black to white, as its samples
  return to_8_bits(first_plane(output), 255);
}

/// The coefficients of yjn870/FSRCNN-pytorch's utils.py.
Tensor<float> yjn870_luma(const Tensor<float>& planes) {
  constexpr std::array<double, 3> kCoefficients = {64.738 / 256, 129.057 / 256, 25.064 / 256};
  const auto [n, c, h, w] = planes.shape();
  const bool gray = c < 3;  // with alpha or without
  Tensor<float> y({1, 1, h, w});
  for (int64_t i = 0; i < h * w; ++i) {
    double sum = 16;
    for (int64_t k = 0; k < 3; ++k) sum += kCoefficients[k] * planes.plane(0, gray ? 0 : k)[i];
    y.data()[i] = static_cast<float>(sum);
  }
  return y;
}

Prepared prepare_yjn870(const Picture& picture, int64_t h, int64_t w, int64_t scale, int64_t channels) {
  const Tensor<float> hr = resize_bicubic_pillow(to_8_bits(picture.planes, 255), h, w);
  const Tensor<float> lr = resize_bicubic_pillow(hr, h / scale, w / scale);
  return {yjn870_luma(hr), channels == 1 ? yjn870_luma(lr) : three_planes(lr),
          yjn870_luma(resize_bicubic_pillow(lr, h, w))};
}

/// Sums of values over all windows of height x width, by the sums of all that is above and to the left.
Tensor<double> window_sums(const Tensor<double>& values, int64_t height, int64_t width) {
  const Shape s = values.shape();
  Tensor<double> below({1, 1, s.h + 1, s.w + 1}), sums({1, 1, s.h - height + 1, s.w - width + 1});
  for (int64_t y = 0; y < s.h; ++y) {
    double row = 0;
    for (int64_t x = 0; x < s.w; ++x) below(0, 0, y + 1, x + 1) = below(0, 0, y, x + 1) + (row += values(0, 0, y, x));
  }
  for (int64_t y = 0; y < sums.shape().h; ++y) {
    for (int64_t x = 0; x < sums.shape().w; ++x) {
      sums(0, 0, y, x) = below(0, 0, y + height, x + width) - below(0, 0, y, x + width) - below(0, 0, y + height, x) +
                         below(0, 0, y, x);
    }
  }
  return sums;
}

Crop choose_crop(const Tensor<float>& original, const Tensor<float>& bicubic, const Tensor<float>* model) {
  const Shape s = original.shape();
  const int64_t height = std::min(s.h, kCropSide), width = std::min(s.w, kCropSide);
  Tensor<double> gain(s);
  const auto squared_error = [&](const Tensor<float>& output, int64_t i) {
    return std::pow(static_cast<double>(output.data()[i]) - original.data()[i], 2);
  };
  for (int64_t i = 0; i < s.count(); ++i) {
    gain.data()[i] = squared_error(bicubic, i) - (model != nullptr ? squared_error(*model, i) : 0);
  }
  const Tensor<double> sums = window_sums(gain, height, width);
  const auto most = std::max_element(sums.values().begin(), sums.values().end(),
                                     [](double a, double b) { return std::abs(a) < std::abs(b); });
  const int64_t at = most - sums.values().begin(), top = at / sums.shape().w, left = at % sums.shape().w;
  Crop crop{left, top, part(original, top, left, height, width), part(bicubic, top, left, height, width), std::nullopt};
  if (model != nullptr) crop.model = part(*model, top, left, height, width);
  return crop;
}

bool has_picture_suffix(const fs::path& path) {
  constexpr std::array<std::string_view, 8> kSuffixes = {".png", ".bmp",  ".jpg",  ".jpeg",
                                                         ".tif", ".tiff", ".webp", ".ppm"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), lower_suffix(path)) != kSuffixes.end();
}

}  // namespace

Evaluation evaluate_picture(const Picture& picture, int64_t scale, Protocol protocol, Engine* engine) {
  const Shape shape = picture.planes.shape();
  const int64_t h = shape.h / scale * scale, w = shape.w / scale * scale;
  const int64_t shave = protocol == Protocol::a ? scale : 0, smallest = 11 + 2 * shave;
  if (h < smallest || w < smallest) {
    fail(ErrorCode::input, "a {}x{} picture is too small to measure at scale {}; the minimum is {}x{}", shape.w,
         shape.h, scale, smallest, smallest);
  }
  const int64_t channels = engine != nullptr ? engine->channels() : 1;
  Prepared p = protocol == Protocol::a ? prepare_a(picture, h, w, scale, channels)
                                       : prepare_yjn870(picture, h, w, scale, channels);
  const auto shaved = [&](const Tensor<float>& plane) {
    return part(plane, shave, shave, h - 2 * shave, w - 2 * shave);
  };
  const Tensor<float> original = shaved(p.original), bicubic = shaved(p.bicubic);
  Tensor<float> model;
  Evaluation evaluation{"", w, h, {psnr(bicubic, original), ssim(bicubic, original)}, std::nullopt};
  if (engine != nullptr) {
    for (float& value : p.lr.values()) value /= 255;
    model = engine->upscale(p.lr);
    if (protocol == Protocol::a) {
      model = finish_a(std::move(model), picture.header.colour_planes == 1);
    } else {
      for (float& value : model.values()) value *= 255;  // the engine has limited it to [0, 1]
      if (channels == 3) model = yjn870_luma(model);
    }
    model = shaved(model);
    evaluation.model = Score{psnr(model, original), ssim(model, original)};
  }
  evaluation.crop = choose_crop(original, bicubic, engine != nullptr ? &model : nullptr);
  evaluation.crop.left += shave;
  evaluation.crop.top += shave;
  return evaluation;
}

std::vector<Evaluation> evaluate_folder(const fs::path& path, int64_t scale, Protocol protocol, Engine* engine) {
  std::vector<fs::path> files;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (fs::directory_iterator i(path, error); !error && i != fs::directory_iterator(); i.increment(error)) {
      if (has_picture_suffix(i->path())) files.push_back(i->path());
    }
    if (error) fail(ErrorCode::io, "reading '{}' failed: {}", path.string(), error.message());
    if (files.empty()) fail(ErrorCode::input, "'{}' contains no pictures", path.string());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
  std::vector<Evaluation> evaluations;
  for (const fs::path& file : files) {
    try {
      evaluations.push_back(evaluate_picture(read_picture(file), scale, protocol, engine));
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
