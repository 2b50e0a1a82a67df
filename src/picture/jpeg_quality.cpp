#include "picture/jpeg_quality.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <string>

#include "picture/jpeg_segments.hpp"

namespace fsrcnn {
namespace {

// T.81, table K.1, the encoder's luma at quality 50. Its order does not matter here.
constexpr std::array kLuma50 = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

int byte_at(const std::string& bytes, size_t i) { return static_cast<unsigned char>(bytes[i]); }

/// The sum of the encoder's steps at a quality.
int sum_of_steps(int quality) {
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return std::accumulate(kLuma50.begin(), kLuma50.end(), 0,
                         [&](int sum, int step) { return sum + std::clamp((step * percent + 50) / 100, 1, 255); });
}

int quality_of(int sum) {
  int nearest = 1;
  for (int quality = 2; quality <= 100; ++quality) {
    if (std::abs(sum_of_steps(quality) - sum) < std::abs(sum_of_steps(nearest) - sum)) nearest = quality;
  }
  return nearest;
}

/// The sum of the first table in a segment of tables; empty if there is none of that number.
std::optional<int> sum_of_first_table(const std::string& segment) {
  constexpr size_t kSteps = 64;
  for (size_t at = 0; at < segment.size();) {
    const bool wide = byte_at(segment, at) >> 4 != 0;
    const int number = byte_at(segment, at) & 15;
    const size_t size = wide ? 2 * kSteps : kSteps;
    if (segment.size() - ++at < size) return std::nullopt;
    if (number == 0) {
      int sum = 0;
      for (size_t i = at; i < at + size; i += wide ? 2 : 1) {
        sum += wide ? byte_at(segment, i) << 8 | byte_at(segment, i + 1) : byte_at(segment, i);
      }
      return sum;
    }
    at += size;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> jpeg_quality(std::istream& file) {
  constexpr int kTables = 0xDB;
  std::optional<int> sum;
  walk_jpeg(file, [&](int marker, const std::string& content, size_t) {
    if (marker == kTables && !sum) sum = sum_of_first_table(content);
  });
  return sum ? std::optional<int>(quality_of(*sum)) : std::nullopt;
}

}  // namespace fsrcnn
