#include "porting/vector_readings.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>

#include <fmt/format.h>

#include "porting/rearrange.hpp"

namespace fsrcnn {

float bytes_swapped(float value) {
  const auto b = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>(b << 24U | (b & 0xff00U) << 8U | (b >> 8U & 0xff00U) | b >> 24U);
}

int64_t bytes_exchanged(int64_t word, int bytes) {
  uint64_t from = static_cast<uint64_t>(word), to = 0;
  for (int i = 0; i < bytes; ++i) to = to << 8U | (from >> (8U * static_cast<unsigned>(i)) & 0xffU);
  return bytes == 2 ? static_cast<int16_t>(to) : static_cast<int32_t>(to);
}

float halves_swapped(float value) {
  const auto b = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>(b << 16U | b >> 16U);
}

float in_short_float(float value, int mantissa, int smallest, bool truncates) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int exponent = std::max(std::ilogb(value), smallest) - mantissa;
  const double scaled = std::ldexp(static_cast<double>(value), -exponent);
  return static_cast<float>(std::ldexp(truncates ? std::trunc(scaled) : std::nearbyint(scaled), exponent));
}

float rounded_to_decimals(float value, int digits) {
  const double power = std::pow(10.0, digits);
  return static_cast<float>(std::nearbyint(value * power) / power);
}

float rounded_to_digits(float value, int digits) {
  if (value == 0) return 0;
  return rounded_to_decimals(value, digits - 1 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
}

std::vector<VectorReading> vector_readings(const std::vector<float>& right, const std::vector<OtherVector>& others) {
  std::vector<VectorReading> list;
  const auto size = static_cast<int64_t>(right.size());
  const auto put = [&](std::string id, std::string words, std::vector<float> values, double numbers) {
    const auto finite = [](float v) { return std::isfinite(v); };
    if (values == right || !std::all_of(values.begin(), values.end(), finite)) return;
    list.push_back({std::move(id), std::move(words), std::move(values), numbers});
  };
  const auto each = [&](const char* id, const char* words, double numbers, const std::function<float(float)>& f) {
    std::vector<float> values = right;
    std::transform(values.begin(), values.end(), values.begin(), f);
    put(id, words, std::move(values), numbers);
  };
  each("negated", "have the wrong sign", 0.2, [](float v) { return -v; });
  each("doubled", "are doubled", 0.1, [](float v) { return 2 * v; });
  each("halved", "are halved", 0.3, [](float v) { return v / 2; });
  each("absolute", "are their absolute values", 0.4, [](float v) { return std::abs(v); });
  each("clipped", "are 0 where they should be below 0 (words without a sign)", 0.4,
       [](float v) { return std::max(v, 0.0F); });
  each("inverted", "are inverted (1 / slope)", 0.4, [](float v) { return v == 0 ? 0 : 1 / v; });
  each("applied_twice", "are applied twice (those above 0 are squared)", 0.3,
       [](float v) { return v > 0 ? v * v : v; });
  each("squared", "are squared", 0.4, [](float v) { return v * v; });
  each("one_minus", "are one minus those of the file", 0.4, [](float v) { return 1 - v; });
  each("one_plus", "are one plus those of the file", 0.4, [](float v) { return 1 + v; });
  if (size > 1) {
    for (const Order& order : usual_orders(size)) {
      std::vector<float> values;
      for (const int64_t i : order.from) values.push_back(right[static_cast<size_t>(i)]);
      put(order.id, "are " + order.words, std::move(values), 0.5);
    }
    for (const int64_t by : {1, -1}) {
      for (const bool keeps : {false, true}) {
        std::vector<float> values(right.size());
        for (int64_t i = 0; i < size; ++i) {
          const int64_t from = i + by;
          if (from >= 0 && from < size) {
            values[static_cast<size_t>(i)] = right[static_cast<size_t>(from)];
          } else if (keeps) {
            values[static_cast<size_t>(i)] = right[static_cast<size_t>(i)];
          }
        }
        put(fmt::format("off_by_{}{}", by, keeps ? "_keeping_the_end" : ""),
            fmt::format("are off by one: channel {} has that of channel {}{}", by > 0 ? 0 : 1, by > 0 ? 1 : 0,
                        keeps ? "" : ", and the end has 0"),
            std::move(values), 0.5);
      }
    }
    put("of_first_channel", "are that of the first channel in all channels", std::vector<float>(right.size(), right[0]),
        0.3);
    put("of_last_channel", "are that of the last channel in all channels",
        std::vector<float>(right.size(), right.back()), 0.5);
    double mean = 0;
    for (const float v : right) mean += v / static_cast<double>(size);
    put("mean", "are their mean in all channels", std::vector<float>(right.size(), static_cast<float>(mean)), 0.6);
  }
  for (const OtherVector& other : others) {
    if (other.values.size() < right.size()) continue;
    const auto at = [&](ptrdiff_t first) {
      return std::vector<float>(other.values.begin() + first, other.values.begin() + first + size);
    };
    put("of_" + other.id, "are those of " + other.name, at(0), 0.3);
    std::vector<float> reversed = at(0);
    std::reverse(reversed.begin(), reversed.end());
    put("of_" + other.id + "_reversed", fmt::format("are those of {} in reversed order", other.name), reversed, 0.8);
    const auto rest = static_cast<ptrdiff_t>(other.values.size()) - size;
    if (rest > 0) put("of_" + other.id + "_last", "are the last ones of " + other.name, at(rest), 0.8);
  }
  each("bytes_swapped", "are in another byte order (little endian read as big endian)", 0.4, bytes_swapped);
  each("halves_swapped", "have the 16-bit halves of their words exchanged", 0.5, halves_swapped);
  each("float16", "are rounded to float16", 0.3, [](float v) { return in_short_float(v, 10, -14); });
  each("bfloat16", "are rounded to bfloat16", 0.3, [](float v) { return in_short_float(v, 7, -126); });
  each("bfloat16_truncated", "are truncated to bfloat16", 0.4,
       [](float v) { return in_short_float(v, 7, -126, true); });
  each("integers", "are truncated to integers", 0.4, [](float v) { return std::trunc(v); });
  return list;
}

}  // namespace fsrcnn
