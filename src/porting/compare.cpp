#include "porting/compare.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "picture/colour.hpp"

namespace fsrcnn {
namespace fs = std::filesystem;

namespace {

constexpr size_t kWorstPlaces = 5;

/// Numbers of the same order as the floats, so that neighbours differ by one; both zeros are 0.
template <class Int, class Float>
Int ordered(Float value) {
  const Int bits = std::bit_cast<Int>(value);
  return bits < 0 ? std::numeric_limits<Int>::min() - bits : bits;
}

template <class Int, class Float>
int64_t ulp_distance(Float a, Float b) {
  int64_t distance = 0;
  if (__builtin_sub_overflow(int64_t{ordered<Int>(a)}, int64_t{ordered<Int>(b)}, &distance)) return INT64_MAX;
  return std::abs(distance);
}

/// numpy.around, which multiplies, rounds half to even and divides in the array's own type.
template <class T>
double around(T value, T power) {
  return std::nearbyint(value * power) / power;
}

size_t histogram_bin(double difference) {
  if (difference == 0) return 0;
  return 1 + static_cast<size_t>(std::upper_bound(std::begin(kHistogramEnds), std::end(kHistogramEnds), difference) -
                                 std::begin(kHistogramEnds));
}

/// Gives the one without a shape the other's.
void agree_on_shape(TensorFile& a, TensorFile& b, const std::pair<std::string, std::string>& names) {
  if (a.shape() == b.shape()) return;
  const auto reshape = [](TensorFile& file, const Shape& shape) {
    std::visit([&](auto& tensor) { tensor = {shape, std::move(tensor.values())}; }, file.values);
  };
  if (a.count() == b.count() && !a.has_shape) return reshape(a, b.shape());
  if (a.count() == b.count() && !b.has_shape) return reshape(b, a.shape());
  const bool permuted = a.count() == b.count();
  fail(ErrorCode::input, "{} has shape {}, but {} has {}{}", names.first, to_string(a.shape()), names.second,
       to_string(b.shape()), permuted ? "; as many values: is one of them NHWC, or transposed?" : "");
}

template <class A, class B>
Comparison compare_tensors(const Tensor<A>& a, const Tensor<B>& b, double tolerance, int decimals) {
  Comparison result;
  result.shape = a.shape();
  result.decimals = decimals;
  result.ulp_of_float32 = std::is_same_v<A, float> || std::is_same_v<B, float>;
  result.histogram.assign(std::size(kHistogramEnds) + 2, 0);
  bool in_unit_range = true;
  for (const B value : b.values()) {
    if (!std::isfinite(value)) continue;
    result.full_scale = std::max(result.full_scale, std::abs(static_cast<double>(value)));
    in_unit_range = in_unit_range && value >= 0 && value <= 1;
  }
  result.peak = in_unit_range || result.full_scale == 0 ? 1 : result.full_scale;
  result.tolerance = tolerance * std::max(1.0, result.full_scale);
  result.max = result.rounded_max = -std::numeric_limits<double>::infinity();
  result.min = result.rounded_min = std::numeric_limits<double>::infinity();

  const auto power_a = static_cast<A>(std::pow(10.0, decimals));
  const auto power_b = static_cast<B>(std::pow(10.0, decimals));
  double sum = 0, sum_absolute = 0, sum_squares = 0;
  int64_t finite = 0;
  std::vector<std::pair<double, int64_t>> worst;
  const auto place = [&](int64_t i) {
    const Shape& s = a.shape();
    return Place{i / (s.c * s.h * s.w), i / (s.h * s.w) % s.c, i / s.w % s.h, i % s.w, a.data()[i], b.data()[i]};
  };
  const auto note = [&](double difference, int64_t i) {
    if (difference > result.tolerance || std::isinf(difference)) {
      ++result.beyond;
      if (!result.first) result.first = place(i);
    }
    if (difference == 0 || (worst.size() == kWorstPlaces && difference <= worst.back().first)) return;
    const auto at = std::find_if(worst.begin(), worst.end(), [&](const auto& w) { return w.first < difference; });
    worst.insert(at, {difference, i});
    if (worst.size() > kWorstPlaces) worst.pop_back();
  };
  for (int64_t i = 0; i < a.count(); ++i) {
    const A x = a.data()[i];
    const B y = b.data()[i];
    if (!std::isfinite(x) || !std::isfinite(y)) {
      const bool same = (std::isnan(x) && std::isnan(y)) || static_cast<double>(x) == static_cast<double>(y);
      ++result.not_finite;
      note(same ? 0 : std::numeric_limits<double>::infinity(), i);
      continue;
    }
    const double difference = static_cast<double>(x) - static_cast<double>(y);
    ++finite;
    sum += difference;
    sum_absolute += std::abs(difference);
    sum_squares += difference * difference;
    result.max = std::max(result.max, difference);
    result.min = std::min(result.min, difference);
    const double rounded = around(x, power_a) - around(y, power_b);
    result.rounded_max = std::max(result.rounded_max, rounded);
    result.rounded_min = std::min(result.rounded_min, rounded);
    ++result.histogram[histogram_bin(std::abs(difference))];
    result.largest_ulp =
        std::max(result.largest_ulp, result.ulp_of_float32
                                         ? ulp_distance<int32_t>(static_cast<float>(x), static_cast<float>(y))
                                         : ulp_distance<int64_t>(static_cast<double>(x), static_cast<double>(y)));
    note(std::abs(difference), i);
  }
  if (finite == 0) result.max = result.min = result.rounded_max = result.rounded_min = 0;
  const auto count = static_cast<double>(std::max<int64_t>(finite, 1));
  result.mean = sum / count;
  result.mean_absolute = sum_absolute / count;
  result.rms = std::sqrt(sum_squares / count);
  result.psnr_db = 20 * std::log10(result.peak / result.rms);
  for (const auto& [difference, i] : worst) result.worst.push_back(place(i));
  return result;
}

std::map<std::string, fs::path> dumps_in(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator i(folder, error); !error && i != fs::recursive_directory_iterator();
       i.increment(error)) {
    const fs::path& path = i->path();
    const std::string suffix = path.extension().string();
    if (!i->is_regular_file() || path.filename().string().starts_with('.') || suffix == ".json" || suffix == ".c") {
      continue;
    }
    files[path.lexically_relative(folder).replace_extension().string()] = path;
  }
  if (error) fail(ErrorCode::io, "reading '{}' failed: {}", folder.string(), error.message());
  return files;
}

}  // namespace

Comparison compare(TensorFile a, TensorFile b, double tolerance, int decimals,
                   const std::pair<std::string, std::string>& names) {
  agree_on_shape(a, b, names);
  return std::visit([&](const auto& x, const auto& y) { return compare_tensors(x, y, tolerance, decimals); }, a.values,
                    b.values);
}

Picture heat_map(TensorFile a, TensorFile b, double tolerance) {
  agree_on_shape(a, b, {"a", "b"});
  const Shape shape = a.shape();
  std::vector<double> difference(a.count());
  double largest = 0;
  std::visit(
      [&](const auto& x, const auto& y) {
        for (size_t i = 0; i < difference.size(); ++i) {
          difference[i] = std::abs(static_cast<double>(x.data()[i]) - static_cast<double>(y.data()[i]));
          if (std::isfinite(difference[i])) largest = std::max(largest, difference[i]);
        }
      },
      a.values, b.values);
  const double lowest = std::max(tolerance, largest * 1e-12);
  const double range = std::max(std::log(largest / lowest), 1e-9);

  // Planes side by side in a grid that is about square, with a gray line between them.
  const int64_t planes = shape.n * shape.c;
  const auto columns = std::max<int64_t>(
      1, std::llround(std::sqrt(static_cast<double>(planes * shape.h) / static_cast<double>(shape.w))));
  const int64_t rows = (planes + columns - 1) / columns;
  const int64_t zoom =
      std::clamp<int64_t>(384 / std::max<int64_t>(1, std::max(rows * shape.h, columns * shape.w)), 1, 16);
  const int64_t step_y = shape.h * zoom + 1, step_x = shape.w * zoom + 1;
  Picture picture;
  picture.header.width = columns * step_x - 1;
  picture.header.height = rows * step_y - 1;
  picture.planes = Tensor<float>({1, 3, picture.header.height, picture.header.width});
  std::fill(picture.planes.values().begin(), picture.planes.values().end(), 0.35F);
  for (int64_t p = 0; p < planes; ++p) {
    for (int64_t y = 0; y < shape.h * zoom; ++y) {
      for (int64_t x = 0; x < shape.w * zoom; ++x) {
        const double d = difference[(p * shape.h + y / zoom) * shape.w + x / zoom];
        std::array<float, 3> colour{};
        if (!(d <= lowest)) colour = heat_colour(std::isfinite(d) ? std::log(d / lowest) / range : 1);
        for (int64_t k = 0; k < 3; ++k) {
          picture.planes(0, k, p / columns * step_y + y, p % columns * step_x + x) = colour[k];
        }
      }
    }
  }
  return picture;
}

FolderPairs pair_folders(const fs::path& a, const fs::path& b) {
  const std::map<std::string, fs::path> in_a = dumps_in(a), in_b = dumps_in(b);
  FolderPairs pairs;
  for (const auto& [name, path] : in_a) {
    const auto found = in_b.find(name);
    if (found == in_b.end()) {
      pairs.only_a.push_back(path);
    } else {
      pairs.both.emplace_back(path, found->second);
    }
  }
  for (const auto& [name, path] : in_b) {
    if (!in_a.contains(name)) pairs.only_b.push_back(path);
  }
  if (pairs.both.empty()) {
    fail(ErrorCode::input, "{} and {} have no file of the same name (up to its suffix) in common", a.string(),
         b.string());
  }
  return pairs;
}

}  // namespace fsrcnn
