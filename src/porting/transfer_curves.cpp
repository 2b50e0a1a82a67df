#include "porting/transfer_curves.hpp"

#include <algorithm>
#include <cmath>

namespace fsrcnn {
namespace {

float power(float v, double exponent) { return static_cast<float>(std::pow(std::max(v, 0.0F), exponent)); }

float from_srgb(float v) { return v <= 0.04045F ? v / 12.92F : power((v + 0.055F) / 1.055F, 2.4); }
float to_srgb(float v) { return v <= 0.0031308F ? v * 12.92F : 1.055F * power(v, 1 / 2.4) - 0.055F; }
float from_bt709(float v) { return v < 0.081F ? v / 4.5F : power((v + 0.099F) / 1.099F, 1 / 0.45); }
float to_bt709(float v) { return v < 0.018F ? v * 4.5F : 1.099F * power(v, 0.45) - 0.099F; }

}  // namespace

std::vector<TransferCurve> transfer_curves() {
  std::vector<TransferCurve> list;
  for (const double gamma : {1.8, 2.0, 2.2, 2.4}) {
    const std::string g = std::to_string(gamma).substr(0, 3);
    list.push_back(
        {"gamma_" + g, "{} is made linear with a gamma of " + g, [gamma](float v) { return power(v, gamma); }});
    list.push_back({"gamma_1/" + g, "a gamma of " + g + " is applied to {} (v to the power of 1 / " + g + ")",
                    [gamma](float v) { return power(v, 1 / gamma); }});
  }
  list.push_back({"from_srgb", "{} is made linear with sRGB's curve", from_srgb});
  list.push_back({"to_srgb", "sRGB's curve is applied to {}", to_srgb});
  list.push_back({"from_bt709", "{} is made linear with BT.709's curve", from_bt709});
  list.push_back({"to_bt709", "BT.709's curve is applied to {}", to_bt709});
  list.push_back({"divided_by_256", "{} is divided by 256, not by 255", [](float v) { return v * 255 / 256; }});
  list.push_back({"negative", "{} is a negative (1 - v)", [](float v) { return 1 - v; }});
  list.push_back({"centred", "{} is centred (v - 0.5)", [](float v) { return v - 0.5F; }});
  list.push_back({"centred_twice", "{} is in [-1, 1] (2 v - 1)", [](float v) { return 2 * v - 1; }});
  list.push_back({"signed_bytes", "the bytes of {} are read as signed (values from 128/255 on are 256/255 less)",
                  [](float v) { return std::nearbyint(v * 255) >= 128 ? v - 256.0F / 255 : v; }});
  list.push_back({"limited_clipped", "{} is clipped to limited range (16 to 235)",
                  [](float v) { return std::clamp(v, 16.0F / 255, 235.0F / 255); }});
  for (const int bits : {4, 5, 6, 7}) {
    const auto levels = static_cast<float>((1 << bits) - 1);
    list.push_back({std::to_string(bits) + "_bits", "{} is rounded to " + std::to_string(bits) + " bits",
                    [levels](float v) { return std::nearbyint(v * levels) / levels; }});
  }
  return list;
}

}  // namespace fsrcnn
