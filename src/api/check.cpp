#include "api/check.hpp"

#include <cmath>
#include <limits>

#include "base/counted.hpp"
#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int kMostThreads = 1024;
constexpr int64_t kLargestSide = INT32_MAX;
constexpr int64_t kMostSamples = int64_t{1} << 40;

bool is_type(SampleType type) { return type == SampleType::u8 || type == SampleType::u16 || type == SampleType::f32; }

uintptr_t address(const void* data) { return reinterpret_cast<uintptr_t>(data); }

/// The bytes from the first to the last sample of a good plane.
struct Extent {
  uintptr_t begin, end;
};

Extent extent_of(const ConstPlane& plane) {
  const auto row = static_cast<uintptr_t>(plane.width * bytes_of(plane.type));
  const int64_t span = plane.stride_bytes * (plane.height - 1);
  const uintptr_t first = address(plane.data);
  // Modulo 2^64, so that a negative span goes down.
  const uintptr_t last = first + static_cast<uintptr_t>(span);
  return span < 0 ? Extent{last, first + row} : Extent{first, last + row};
}

bool overlap(const ConstPlane& a, const ConstPlane& b) {
  const Extent ea = extent_of(a), eb = extent_of(b);
  if (ea.end <= eb.begin || eb.end <= ea.begin) return false;
  const int64_t stride_a = std::abs(a.stride_bytes), stride_b = std::abs(b.stride_bytes);
  if (stride_a != stride_b && a.height > 1 && b.height > 1) return true;
  // Rows as far apart may lie side by side, as parts of one larger picture do.
  const auto stride = static_cast<uintptr_t>(a.height > 1 ? stride_a : stride_b);
  const auto row_a = static_cast<uintptr_t>(a.width * bytes_of(a.type));
  const auto row_b = static_cast<uintptr_t>(b.width * bytes_of(b.type));
  const uintptr_t from_a_to_b = (address(b.data) % stride + stride - address(a.data) % stride) % stride;
  return from_a_to_b < row_a || stride - from_a_to_b < row_b;
}

}  // namespace

std::string plane_name(std::string_view name, size_t index, size_t count) {
  return count == 1 ? std::string(name) : fmt::format("{}[{}]", name, index);
}

void check_format(const ConstPlane& plane, std::string_view name) {
  if (!is_type(plane.type)) {
    fail(ErrorCode::usage, "the type of plane '{}' is {}, which is not a sample type", name,
         static_cast<int>(plane.type));
  }
  const float least = plane.type == SampleType::f32 ? std::numeric_limits<float>::min() : 1;
  const float most = plane.type == SampleType::u8    ? 255
                     : plane.type == SampleType::u16 ? 65535
                                                     : std::numeric_limits<float>::max();
  if (!(plane.one >= least && plane.one <= most)) {
    if (plane.type == SampleType::f32) {
      fail(ErrorCode::usage,
           "'one' of plane '{}' is {}, but must be above 0, from {:g} to {:g}: it is the sample value of 1.0", name,
           plane.one, least, most);
    }
    fail(ErrorCode::usage,
         "'one' of plane '{}' is {}, but must be from 1 to {}: it is the sample value of 1.0, e.g. {}", name, plane.one,
         most, most);
  }
}

void check_plane(const ConstPlane& plane, std::string_view name) {
  check_format(plane, name);
  if (plane.width < 1 || plane.height < 1) {
    fail(ErrorCode::input, "plane '{}' is {}x{}: it has no pixels", name, plane.width, plane.height);
  }
  if (plane.width > kLargestSide || plane.height > kLargestSide || plane.width > kMostSamples / plane.height) {
    fail(ErrorCode::limit, "plane '{}' is {}x{}: too large, the limits are {} per side and {} samples", name,
         plane.width, plane.height, kLargestSide, kMostSamples);
  }
  if (plane.data == nullptr) fail(ErrorCode::usage, "the data of plane '{}' is null", name);
  const int64_t sample = bytes_of(plane.type), row = plane.width * sample, stride = plane.stride_bytes;
  if (stride < row && stride > -row) {
    fail(ErrorCode::usage, "stride_bytes of plane '{}' is {}, so its rows of {} bytes overlap", name, stride, row);
  }
  if (stride % sample != 0 || address(plane.data) % static_cast<uintptr_t>(sample) != 0) {
    fail(ErrorCode::usage, "plane '{}' is misaligned: its data and stride_bytes ({}) must be multiples of {} bytes",
         name, stride, sample);
  }
  ptrdiff_t span = 0;  // what pointers may differ by, also where they have 32 bits
  const uint64_t data = address(plane.data), most = std::numeric_limits<uintptr_t>::max();
  const bool overflows = __builtin_mul_overflow(stride, plane.height - 1, &span);
  const uint64_t below = span < 0 ? uint64_t{0} - static_cast<uint64_t>(span) : 0;
  const uint64_t above = static_cast<uint64_t>(row) + (span > 0 ? static_cast<uint64_t>(span) : 0);
  if (overflows || data < below || above > most || data > most - above) {
    fail(ErrorCode::usage, "plane '{}' ends beyond the address space: {} rows with stride_bytes {}", name, plane.height,
         stride);
  }
}

void check_planes(std::span<const ConstPlane> planes, int64_t channels, std::string_view name) {
  if (static_cast<int64_t>(planes.size()) != channels) {
    fail(ErrorCode::usage, "'{}' has {}, but the network has {}", name, counted(planes.size(), "plane"),
         counted(channels, "channel"));
  }
  for (size_t i = 0; i < planes.size(); ++i) {
    const ConstPlane &plane = planes[i], &first = planes[0];
    check_plane(plane, plane_name(name, i, planes.size()));
    if (plane.width != first.width || plane.height != first.height || plane.type != first.type ||
        plane.one != first.one || plane.full_range != first.full_range) {
      fail(ErrorCode::input, "plane '{}[{}]' differs from '{}[0]' in size, sample type or level", name, i, name);
    }
  }
}

void check_apart(const ConstPlane& a, std::string_view a_name, const ConstPlane& b, std::string_view b_name) {
  if (overlap(a, b)) fail(ErrorCode::usage, "planes '{}' and '{}' overlap", a_name, b_name);
}

bool same_samples(const ConstPlane& a, const ConstPlane& b) {
  return a.data == b.data && (a.stride_bytes == b.stride_bytes || a.height == 1) && a.width == b.width &&
         a.height == b.height && a.type == b.type;
}

void check_floats(const float* data, int64_t count, std::string_view name) {
  if (data == nullptr && count > 0) fail(ErrorCode::usage, "argument '{}' is null", name);
  if (address(data) % alignof(float) != 0) {
    fail(ErrorCode::usage, "argument '{}' is misaligned: floats must lie at multiples of {} bytes", name,
         alignof(float));
  }
}

void check_apart(const float* a, int64_t a_count, std::string_view a_name, const float* b, int64_t b_count,
                 std::string_view b_name) {
  const uintptr_t a_end = address(a) + static_cast<uintptr_t>(a_count) * sizeof(float);
  const uintptr_t b_end = address(b) + static_cast<uintptr_t>(b_count) * sizeof(float);
  if (address(a) < b_end && address(b) < a_end) {
    fail(ErrorCode::usage, "arguments '{}' and '{}' overlap", a_name, b_name);
  }
}

void check_threads(int threads) {
  if (threads >= 0 && threads <= kMostThreads) return;
  fail(ErrorCode::usage, "threads is {}, but must be from 1 to {}, or 0 for one per core", threads, kMostThreads);
}

void check_options(const UpscalerOptions& options) {
  check_threads(options.threads);
  if (options.executor && options.threads != 0) {
    fail(ErrorCode::usage, "threads is {}, but must be 0 with an executor, which has {} of its own", options.threads,
         options.executor->threads());
  }
  if (options.precision != Precision::fast && options.precision != Precision::exact) {
    fail(ErrorCode::usage, "unknown precision {}", static_cast<int>(options.precision));
  }
  if (options.scale < 0) {
    fail(ErrorCode::usage, "scale is {}, but must be at least 1, or 0 for the model's", options.scale);
  }
  if (!(options.guard >= 0 && options.guard <= 1)) {
    fail(ErrorCode::usage, "guard is {}, but must be from 0 to 1", options.guard);
  }
  if (options.strip_columns < 0) {
    fail(ErrorCode::usage, "strip_columns is {}, but must be at least 1, or 0 for the default", options.strip_columns);
  }
}

}  // namespace fsrcnn
