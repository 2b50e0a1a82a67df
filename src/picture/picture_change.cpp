#include "picture/picture_change.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace fsrcnn {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Changes the value of an attribute from a place on, before another; false if there is no such attribute.
bool change_attribute(std::string& text, size_t begin, size_t end, std::string_view name,
                      const std::function<std::string(std::string_view)>& change) {
  const std::string start = fmt::format(" {}=", name);
  const size_t at = text.find(start, begin);
  if (at >= end || at + start.size() >= text.size()) return false;
  const size_t value = at + start.size() + 1, close = text.find(text[value - 1], value);
  if (close == std::string::npos) return false;
  const std::string changed = change(std::string_view(text).substr(value, close - value));
  if (!changed.empty()) text.replace(value, close - value, changed);
  return !changed.empty();
}

/// The sizes, in pixels and what a pixel measures, of those of OME's pictures that have this one's size.
std::string changed_ome(std::string xml, const PictureChange& change, std::pair<int64_t, int64_t> stored) {
  for (size_t at = xml.find("<Pixels"); at != std::string::npos; at = xml.find("<Pixels", at + 1)) {
    const auto size = [&](const char* name, int64_t before, int64_t after) {
      return change_attribute(xml, at, xml.find('>', at), name, [&](std::string_view value) {
        return number_of<int64_t>(value) == before ? std::to_string(after) : std::string();
      });
    };
    const auto measure = [&](const char* name, double factor) {
      change_attribute(xml, at, xml.find('>', at), name, [&](std::string_view value) {
        const std::optional<double> length = number_of<double>(value);
        return length ? fmt::format("{}", *length / factor) : std::string();
      });
    };
    if (!size("SizeX", stored.first, change.target.width) || !size("SizeY", stored.second, change.target.height)) {
      continue;
    }
    measure("PhysicalSizeX", change.factor_x());
    measure("PhysicalSizeY", change.factor_y());
  }
  return xml;
}

/// The numbers of "shape" of which two in a row are the picture's height and width.
std::string changed_shape(std::string json, const PictureChange& change, std::pair<int64_t, int64_t> stored) {
  const size_t name = json.find("\"shape\""), begin = json.find('[', name), end = json.find(']', begin);
  if (name == std::string::npos || end == std::string::npos) return json;
  std::vector<std::string> numbers;
  for (size_t at = begin + 1; at <= end; ++at) {
    const size_t comma = std::min(json.find(',', at), end);
    std::string_view number = std::string_view(json).substr(at, comma - at);
    number.remove_prefix(std::min(number.find_first_not_of(' '), number.size()));
    numbers.emplace_back(number);
    at = comma;
  }
  for (size_t i = numbers.size(); i-- > 1;) {
    if (number_of<int64_t>(numbers[i - 1]) != stored.second || number_of<int64_t>(numbers[i]) != stored.first) continue;
    numbers[i - 1] = std::to_string(change.target.height);
    numbers[i] = std::to_string(change.target.width);
    std::string list;
    for (const std::string& number : numbers) list += (list.empty() ? "" : ", ") + number;
    return json.replace(begin + 1, end - begin - 1, list);
  }
  return json;
}

}  // namespace

std::vector<int64_t> changed_area(const std::vector<double>& area, const PictureChange& change) {
  if (area.size() < 2) return {};
  const bool transposed = change.is_transposed();
  const auto width = static_cast<double>(transposed ? change.height : change.width),
             height = static_cast<double>(transposed ? change.width : change.height);
  double x = area[0], y = area[1];
  const int orientation = change.orientation;
  // Where the file's first row and column have gone: EXIF 2.3, "Orientation".
  if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) x = width - 1 - x;
  if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) y = height - 1 - y;
  if (transposed) std::swap(x, y);
  const double factor_x = change.factor_x(), factor_y = change.factor_y();
  std::vector<int64_t> result = {std::llround((x + 0.5) * factor_x - 0.5), std::llround((y + 0.5) * factor_y - 0.5)};
  if (area.size() == 3) result.push_back(std::llround(area[2] * std::sqrt(factor_x * factor_y)));
  if (area.size() == 4) {
    result.push_back(std::llround(area[transposed ? 3 : 2] * factor_x));
    result.push_back(std::llround(area[transposed ? 2 : 3] * factor_y));
  }
  return result;
}

std::pair<uint32_t, uint32_t> changed_resolution(uint32_t over, uint32_t under, int64_t before, int64_t after) {
  uint64_t large_over = uint64_t{over} * static_cast<uint64_t>(after),
           large_under = uint64_t{under} * static_cast<uint64_t>(before);
  const uint64_t divisor = std::max<uint64_t>(1, std::gcd(large_over, large_under));
  for (large_over /= divisor, large_under /= divisor; std::max(large_over, large_under) > UINT32_MAX;) {
    large_over /= 2;
    large_under /= 2;
  }
  return {static_cast<uint32_t>(large_over), static_cast<uint32_t>(large_under)};
}

std::string changed_description(std::string description, const PictureChange& change) {
  const std::pair stored =
      change.is_transposed() ? std::pair(change.height, change.width) : std::pair(change.width, change.height);
  if (description.find("<OME") != std::string::npos) return changed_ome(std::move(description), change, stored);
  if (description.starts_with('{')) return changed_shape(std::move(description), change, stored);
  return description;
}

}  // namespace fsrcnn
