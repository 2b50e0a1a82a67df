#include "quality/report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "page/page.hpp"
#include "picture/colour.hpp"
#include "quality/metrics.hpp"

namespace fsrcnn {

// Made by the build from report.html.
extern const unsigned char kReportPage[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kReportPageSize;

namespace {

nlohmann::ordered_json to_json(const Score& score) { return {{"psnr_db", score.psnr_db}, {"ssim", score.ssim}}; }

void add_scores(nlohmann::ordered_json& json, const Evaluation& e) {
  json["bicubic"] = to_json(e.bicubic);
  if (e.model) json["model"] = to_json(*e.model);
}

std::string gray_uri(Tensor<float> luma) {
  for (float& value : luma.values()) value /= 255;
  return png_uri(luma);
}

double largest_error(const Tensor<float>& output, const Tensor<float>& original) {
  double largest = 0;
  for (int64_t i = 0; i < output.count(); ++i) {
    largest = std::max(largest, static_cast<double>(std::abs(output.data()[i] - original.data()[i])));
  }
  return largest;
}

/// heat(x, y) in colours.
template <class Heat>
std::string heat_uri(int64_t height, int64_t width, const Heat& heat) {
  Tensor<float> picture({1, 3, height, width});
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const std::array<float, 3> colour = heat_colour(heat(x, y));
      for (int64_t k = 0; k < 3; ++k) picture(0, k, y, x) = colour[k];
    }
  }
  return png_uri(picture);
}

nlohmann::json crop_json(const Crop& crop) {
  const Shape s = crop.original.shape();
  // One scale for both, so that they can be compared.
  const double white =
      std::max(largest_error(crop.bicubic, crop.original), crop.model ? largest_error(*crop.model, crop.original) : 0);
  const auto shown = [&](const Tensor<float>& output) -> nlohmann::json {
    const auto heat = [&](int64_t x, int64_t y) {
      return std::abs(output(0, 0, y, x) - crop.original(0, 0, y, x)) / std::max(white, 1e-9);
    };
    return {
        {"picture", gray_uri(output)}, {"error", heat_uri(s.h, s.w, heat)}, {"psnr_db", psnr(output, crop.original)}};
  };
  nlohmann::json json = {{"left", crop.left},
                         {"top", crop.top},
                         {"width", s.w},
                         {"height", s.h},
                         {"white", white},
                         {"original", gray_uri(crop.original)},
                         {"bicubic", shown(crop.bicubic)}};
  if (crop.model) json["model"] = shown(*crop.model);
  return json;
}

}  // namespace

std::string description_of(Protocol protocol, int64_t scale) {
  if (protocol == Protocol::a) {
    return fmt::format("protocol A: LR by MATLAB's bicubic, 8-bit output, {} border pixels cropped", scale);
  }
  return "protocol of yjn870/FSRCNN-pytorch: LR by Pillow's bicubic, output not rounded, no border cropped";
}

nlohmann::ordered_json to_json(const Report& report) {
  nlohmann::ordered_json json = {{"protocol", report.protocol == Protocol::a ? "a" : "yjn870"},
                                 {"description", description_of(report.protocol, report.scale)},
                                 {"scale", report.scale}};
  if (!report.model.empty()) json["model"] = report.model;
  json["pictures"] = nlohmann::ordered_json::array();
  for (const Evaluation& e : report.evaluations) {
    json["pictures"].push_back({{"name", e.name}, {"width", e.width}, {"height", e.height}});
    add_scores(json["pictures"].back(), e);
  }
  json["mean"] = {{"name", "mean"}};
  add_scores(json["mean"], mean_of(report.evaluations));
  return json;
}

std::string to_html(const Report& report) {
  nlohmann::json data = to_json(report);
  data["heat"] = heat_uri(1, 256, [](int64_t x, int64_t) { return static_cast<double>(x) / 255; });
  for (size_t i = 0; i < report.evaluations.size(); ++i) {
    data["pictures"][i]["crop"] = crop_json(report.evaluations[i].crop);
  }
  return fill_page({reinterpret_cast<const char*>(kReportPage), kReportPageSize}, data);
}

}  // namespace fsrcnn
