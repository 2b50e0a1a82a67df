#include "network/state_dict.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace fsrcnn {

const NamedTensor* StateDict::find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

std::string to_string(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return fmt::format("({})", text);
}

int64_t checked_element_count(std::string_view tensor, const std::vector<int64_t>& shape) {
  constexpr int64_t kLargest = int64_t{1} << 28;
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 0 || extent > kLargest || count * extent > kLargest) {
      fail(ErrorCode::model,
           "tensor '{}' has shape {}, which is too large; the file is damaged or does not hold weights", tensor,
           to_string(shape));
    }
    count *= extent;
  }
  return count;
}

}  // namespace fsrcnn
