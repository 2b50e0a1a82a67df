#pragma once

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <random>

namespace fsrcnn::test {

/// The environment's FSRCNN_TEST_SEED, which gives other cases than those of every day, or 1.
inline uint32_t first_seed() {
  const char* const seed = std::getenv("FSRCNN_TEST_SEED");
  return seed == nullptr ? 1 : static_cast<uint32_t>(std::strtoul(seed, nullptr, 10));
}

/// The same numbers for a seed on every machine.
class Random {
 public:
  explicit Random(uint32_t seed) : generator_(seed) {}
  /// From low to high, both included.
  int64_t from(int64_t low, int64_t high) { return low + static_cast<int64_t>(generator_() % (high - low + 1)); }
  int of(int low, int high) { return static_cast<int>(from(low, high)); }
  template <class T>
  T of(std::initializer_list<T> values) {
    return values.begin()[from(0, static_cast<int64_t>(values.size()) - 1)];
  }
  /// In [low, high).
  float real(float low, float high) { return low + (high - low) * static_cast<float>(generator_() >> 8) * 0x1p-24F; }

 private:
  std::mt19937 generator_;
};

}  // namespace fsrcnn::test
