#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "support/random.hpp"

// A kernel of an instruction set by itself: operands between guards, and what it wrote against plain loops in float64.
// After dav1d's checkasm.

namespace fsrcnn::test {

/// Memory whose first value is aligned to `alignment` bytes and to no more, between guards. A guard is a NaN, of bits
/// that no arithmetic makes: it shows in a result that read it, and what overwrote it is found.
template <class T>
class Guarded {
 public:
  explicit Guarded(ptrdiff_t count, size_t alignment = sizeof(T))
      : count_(static_cast<size_t>(count)), begin_((kGuardBytes + alignment) / sizeof(T)) {
    // AddressSanitizer's guards are better than ours: operands end where the memory does.
    bytes_ = (begin_ + count_) * sizeof(T) + (FSRCNN_SANITIZED ? 0 : kGuardBytes);
    memory_.reset(static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{kAlignment})));
    std::memset(memory_.get(), 0xFF, bytes_);
    expected_.resize(bytes_ / sizeof(T));
    remember();
  }

  T* data() { return reinterpret_cast<T*>(memory_.get()) + begin_; }
  T& operator[](ptrdiff_t i) { return data()[i]; }
  size_t size() const { return count_; }

  /// The kernel shall write this here, or what differs from it by no more than the tolerance.
  void expect(ptrdiff_t i, double value, double tolerance = 0) { at(i) = {Kind::value, value, tolerance}; }
  /// The kernel may write anything here.
  void allow(ptrdiff_t begin, ptrdiff_t count) {
    for (ptrdiff_t i = begin; i < begin + count; ++i) at(i) = {Kind::any, 0, 0};
  }
  /// What is here now shall still be here afterwards, unless something else is expected.
  void remember() { before_.assign(memory_.get(), memory_.get() + bytes_); }

  /// Compares everything, guards included. Returns what is wrong first, or nothing.
  std::string difference() const {
    const T* const now = reinterpret_cast<const T*>(memory_.get());
    for (size_t i = 0; i < expected_.size(); ++i) {
      const ptrdiff_t place = static_cast<ptrdiff_t>(i) - static_cast<ptrdiff_t>(begin_);
      const Expected& e = expected_[i];
      if (e.kind == Kind::value) {
        const auto value = static_cast<double>(now[i]);
        const bool right = std::isnan(e.value) ? std::isnan(value) : std::abs(value - e.value) <= e.tolerance;
        if (!right && !(value == e.value)) {
          return "at " + std::to_string(place) + ": " + std::to_string(value) + " instead of " +
                 std::to_string(e.value) + ", off by " + std::to_string(std::abs(value - e.value) / e.tolerance) +
                 " of what rounding allows";
        }
      } else if (e.kind == Kind::same && std::memcmp(now + i, before_.data() + i * sizeof(T), sizeof(T)) != 0) {
        return "written at " + std::to_string(place) + " of 0 to " + std::to_string(count_) + ", which is not its own";
      }
    }
    return "";
  }

 private:
  static constexpr size_t kGuardBytes = 256, kAlignment = 64;
  enum class Kind : uint8_t { same, value, any };
  struct Expected {
    Kind kind = Kind::same;
    double value = 0, tolerance = 0;
  };
  struct Delete {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{kAlignment}); }
  };

  Expected& at(ptrdiff_t i) { return expected_[static_cast<size_t>(static_cast<ptrdiff_t>(begin_) + i)]; }

  size_t count_, begin_, bytes_;
  std::unique_ptr<std::byte[], Delete> memory_;
  std::vector<std::byte> before_;
  std::vector<Expected> expected_;
};

/// What operands are filled with: noise; small integers, of which sums are exact; the largest values of one sign, or of
/// alternating ones, which cancel; and values so small that they are denormal.
enum class Values { noise, integers, largest, alternating, tiny };

/// Draws the shape and the values of a case, or those that are typical, for timing.
class KernelRandom : public Random {
 public:
  explicit KernelRandom(uint32_t seed, bool typical = false) : Random(seed), typical_(typical) {
    values_ =
        typical
            ? Values::noise
            : of({Values::noise, Values::noise, Values::integers, Values::largest, Values::alternating, Values::tiny});
  }
  int size(int low, int high, int typical) { return typical_ ? typical : of(low, high); }
  bool flip(bool typical) { return typical_ ? typical : from(0, 1) == 1; }
  Values values() const { return values_; }
  /// The next operand.
  float value() {
    switch (values_) {
      case Values::integers: return static_cast<float>(from(-3, 3));
      case Values::largest: return 1;
      case Values::alternating: return (drawn_++ & 1) == 0 ? 1.0F : -1.0F;
      case Values::tiny: return real(-1e-38F, 1e-38F);
      default: return real(-1, 1);
    }
  }
  void fill(Guarded<float>& operand, ptrdiff_t begin, ptrdiff_t count) {
    for (ptrdiff_t i = begin; i < begin + count; ++i) operand[i] = value();
  }

 private:
  bool typical_;
  Values values_;
  int drawn_ = 0;
};

/// A sum in float64, and what float32 may make of it: each of its operations is off by half of eps times a partial
/// sum, which is at most the sum of absolute values.
struct Sum {
  double value = 0, magnitude = 0;
  int operations = 0;

  void add(double summand) {
    value += summand;
    magnitude += std::abs(summand);
    ++operations;
  }
  /// `factor` is known exactly.
  void add(const Sum& summand, double factor) {
    value += summand.value * factor;
    magnitude += summand.magnitude * std::abs(factor);
    operations = std::max(operations, summand.operations) + 1;
  }
  Sum prelu(double slope) const {
    return {std::max(value, value * slope), magnitude * std::max(1.0, std::abs(slope)), operations + 1};
  }
  double tolerance() const { return (operations + 2) * (6e-8 * magnitude + 1.5e-45); }
};

/// A kernel with operands.
struct KernelRun {
  std::function<void()> run;  ///< calls it; to be called once before `difference`, and as often as one likes
  std::function<std::string()> difference;  ///< what it did wrong, or nothing
  double operations = 0;                    ///< additions and multiplications of the direct algorithm; 0: it moves data
};

struct KernelCase {
  const char* name;
  KernelRun (*prepare)(std::string_view cpu, KernelRandom& random);
};

std::vector<KernelCase> nn_kernel_cases();
std::vector<KernelCase> fused_kernel_cases();
std::vector<KernelCase> output_kernel_cases();

}  // namespace fsrcnn::test
