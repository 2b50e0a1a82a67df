#include "base/tensor.hpp"

#ifdef _WIN32
#include <windows.h>
#else
#include <unistd.h>
#endif

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/error.hpp"

namespace fsrcnn {

std::string to_string(const Shape& shape) {
  return fmt::format("({}, {}, {}, {})", shape.n, shape.c, shape.h, shape.w);
}

int64_t physical_memory_bytes() {
  static const int64_t bytes = [] {
#ifdef _WIN32
    MEMORYSTATUSEX status{};
    status.dwLength = sizeof status;
    const int64_t all = GlobalMemoryStatusEx(&status) != 0 ? static_cast<int64_t>(status.ullTotalPhys) : 0;
#else
    const int64_t all = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
#endif
    // With 32 bits there is less to be addressed than there may be.
    return all <= 0 ? int64_t{PTRDIFF_MAX} : std::min<int64_t>(all, PTRDIFF_MAX);
  }();
  return bytes;
}

int64_t checked_count(const Shape& shape, size_t element_bytes) {
  const int64_t memory_bytes = physical_memory_bytes();
  int64_t count = 1;
  bool empty = false;
  for (const int64_t extent : {shape.n, shape.c, shape.h, shape.w}) {
    if (extent < 0) fail(ErrorCode::input, "a tensor of shape {} has a negative extent", to_string(shape));
    empty = empty || extent == 0;
    if (extent > 0 && __builtin_mul_overflow(count, extent, &count)) count = INT64_MAX / 2;
  }
  if (empty) return 0;
  if (count > memory_bytes / static_cast<int64_t>(element_bytes)) {
    fail(ErrorCode::input, "a tensor of shape {} does not fit into this machine's {} MiB of memory", to_string(shape),
         memory_bytes >> 20);
  }
  return count;
}

template <class T>
Tensor<T>::Tensor(const Shape& shape, std::vector<T> values) : shape_(shape), data_(std::move(values)) {
  if (checked_count(shape, sizeof(T)) != count()) {
    fail(ErrorCode::input, "a tensor of shape {} needs {} values, got {}", to_string(shape), shape.count(), count());
  }
}

template class Tensor<float>;
template class Tensor<double>;

}  // namespace fsrcnn
