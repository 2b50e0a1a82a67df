#include "porting/dump_scales.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>

#include <nlohmann/json.hpp>

namespace fsrcnn {

std::string scale_key(std::string_view name) {
  std::string key(name.substr(name.rfind('/') == std::string_view::npos ? 0 : name.rfind('/') + 1));
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* suffix : {".npy", ".txt", ".csv", ".bin", ".dat", ".raw", ".mem", ".hex"}) {
    if (key.ends_with(suffix)) key.resize(key.size() - std::string_view(suffix).size());
  }
  return key;
}

namespace {

bool is_scale(double v) { return std::isfinite(v) && v > 0; }

/// Objects within others, as files of calibration have them, but not deeper than any has.
void put_json(const nlohmann::json& json, DumpScales& scales, int depth = 0) {
  constexpr int kDeepest = 4;
  if (depth > kDeepest) return;
  const auto number = [](const nlohmann::json& j, const char* name, double otherwise) {
    return j.contains(name) && j[name].is_number() ? j[name].get<double>() : otherwise;
  };
  constexpr double kMostZero = 1e9;
  for (const auto& [name, value] : json.items()) {
    double scale = 0, zero = 0;
    if (value.is_number()) {
      scale = value.get<double>();
    } else if (value.is_array() && !value.empty() && value.size() <= 2 && value[0].is_number()) {
      scale = value[0].get<double>();
      if (value.size() == 2 && value[1].is_number()) zero = value[1].get<double>();
    } else if (value.is_object() && value.contains("scale")) {
      scale = number(value, "scale", 0);
      zero = number(value, "zero_point", number(value, "zero", 0));
    } else if (value.is_object()) {
      put_json(value, scales, depth + 1);
      continue;
    }
    if (is_scale(scale) && std::abs(zero) < kMostZero) scales[scale_key(name)] = {scale, std::llround(zero), {}};
  }
}

void put_text(std::string_view text, DumpScales& scales) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    constexpr std::string_view kBetween = " \t\r,;:=";
    const auto word = [&] {
      line.remove_prefix(std::min(line.find_first_not_of(kBetween), line.size()));
      const std::string_view front = line.substr(0, line.find_first_of(kBetween));
      line.remove_prefix(front.size());
      return front;
    };
    const std::string_view name = word(), scale_word = word(), zero_word = word();
    double scale = 0;
    int64_t zero = 0;
    const auto parsed = std::from_chars(scale_word.data(), scale_word.data() + scale_word.size(), scale);
    if (name.empty() || parsed.ec != std::errc{} || !is_scale(scale)) continue;
    std::from_chars(zero_word.data(), zero_word.data() + zero_word.size(), zero);
    scales[scale_key(name)] = {scale, zero, {}};
  }
}

}  // namespace

DumpScales parse_dump_scales(std::string_view text) {
  DumpScales scales;
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_object()) {
    put_json(json, scales);
  } else if (json.is_discarded()) {
    put_text(text, scales);
  }
  return scales;
}

bool is_called_scales(const std::string& stem) {
  const std::string key = scale_key(stem);
  return key.find("scale") != std::string::npos || key.find("quant") != std::string::npos;
}

}  // namespace fsrcnn
