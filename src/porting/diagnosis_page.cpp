#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "page/page.hpp"
#include "picture/colour.hpp"
#include "porting/diagnosis_report.hpp"

namespace fsrcnn {

// Made by the build from diagnosis.html.
extern const unsigned char kDiagnosisPage[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kDiagnosisPageSize;

namespace {

constexpr int64_t kMostPixels = 192;  // a side of a heat map: of larger ones cells of several pixels
constexpr int64_t kMostChannels = 128;

/// Heat maps as bytes, base64: 0 within the tolerance, 255 the largest error, by its logarithm; of each cell the
/// largest.
class HeatMaps {
 public:
  explicit HeatMaps(const LayerFinding& l)
      : l_(l), s_(l.found->shape()), cell_((std::max(s_.h, s_.w) + kMostPixels - 1) / kMostPixels) {}

  nlohmann::json channel(int64_t c) const { return map(c, c + 1); }
  nlohmann::json all() const { return map(0, s_.c); }

 private:
  nlohmann::json map(int64_t begin, int64_t end) const {
    const int64_t height = (s_.h + cell_ - 1) / cell_, width = (s_.w + cell_ - 1) / cell_;
    std::vector<double> largest(height * width);
    double of_all = 0, squares = 0;
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t i = 0; i < s_.h * s_.w; ++i) {
        const double d = std::abs(static_cast<double>(l_.found->plane(0, c)[i]) - l_.expected->plane(0, c)[i]);
        double& cell = largest[i / s_.w / cell_ * width + i % s_.w / cell_];
        cell = std::isfinite(d) ? std::max(cell, d) : std::numeric_limits<double>::infinity();
        if (std::isfinite(d)) of_all = std::max(of_all, d), squares += d * d;
      }
    }
    const double low = l_.evidence->tolerance, range = std::log(std::max(l_.evidence->largest / low, 1.0001));
    std::string bytes;
    for (const double d : largest) {
      const double heat = !(d > low) ? 0 : std::isinf(d) ? 1 : std::clamp(std::log(d / low) / range, 0.0, 1.0);
      bytes += static_cast<char>(d > low ? 1 + std::lround(254 * heat) : 0);
    }
    return {{"width", width},
            {"height", height},
            {"pixels", base64(as_bytes(bytes))},
            {"largest", of_all},
            {"rms", std::sqrt(squares / static_cast<double>((end - begin) * s_.h * s_.w))}};
  }

  const LayerFinding& l_;
  const Shape s_;
  const int64_t cell_;
};

}  // namespace

std::string diagnosis_html(const Diagnosis& diagnosis, const std::string& title) {
  nlohmann::json data =
      nlohmann::json::parse(diagnosis_json(diagnosis).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  data["title"] = title;
  data["palette"] = nlohmann::json::array();
  // What is right is as light as the page, so that errors stand out, however small.
  data["palette"].push_back({233, 236, 241});
  for (int i = 1; i < 256; ++i) {
    nlohmann::json colour = nlohmann::json::array();
    for (const float v : heat_colour(0.15 + 0.8 * i / 255)) colour.push_back(std::lround(255 * v));
    data["palette"].push_back(colour);
  }
  bool is_first = true;
  for (size_t i = 0; i < diagnosis.layers.size(); ++i) {
    const LayerFinding& l = diagnosis.layers[i];
    if (!l.evidence || l.found == nullptr) continue;
    const HeatMaps maps(l);
    data["layers"][i]["heat"] = maps.all();
    if (is_first) {
      data["layers"][i]["channels"] = nlohmann::json::array();
      for (int64_t c = 0; c < std::min(l.shape.c, kMostChannels); ++c) {
        data["layers"][i]["channels"].push_back(maps.channel(c));
      }
    }
    is_first = false;
  }
  return fill_page({reinterpret_cast<const char*>(kDiagnosisPage), kDiagnosisPageSize}, data);
}

}  // namespace fsrcnn
