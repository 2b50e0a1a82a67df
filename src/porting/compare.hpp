#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.hpp"
#include "picture/picture.hpp"
#include "porting/tensor_file.hpp"

namespace fsrcnn {

/// One value of two tensors.
struct Place {
  int64_t n, c, y, x;
  double a, b;
};

/// How two tensors of one shape differ; differences are a - b. Places where either is not finite count as beyond the
/// tolerance unless both hold the same, and are left out of the other figures.
struct Comparison {
  Shape shape = {0, 0, 0, 0};
  double max = 0, min = 0, mean = 0, mean_absolute = 0, rms = 0;
  double full_scale = 0;  ///< the largest magnitude of b
  double peak = 1;        ///< of psnr_db: 1 where b is within [0, 1], else its full scale
  double psnr_db = 0;     ///< infinite if nothing differs
  double tolerance = 0;   ///< absolute: the one asked for, times the full scale where that is over 1
  int64_t beyond = 0;     ///< values that differ by more
  int64_t not_finite = 0;
  int64_t largest_ulp = 0;  ///< in units of float32's last place if either is float32, else of float64's
  bool ulp_of_float32 = true;
  int decimals = 5;
  double rounded_max = 0, rounded_min = 0;  ///< of numpy.around(a, decimals) - numpy.around(b, decimals)
  std::vector<int64_t> histogram;           ///< |a - b|: 0, below 1e-8, 1e-7, ..., 1, and more
  std::optional<Place> first;               ///< beyond the tolerance, in the tensors' order
  std::vector<Place> worst;                 ///< up to five, the worst first

  bool within() const { return beyond == 0; }
  double largest() const { return max > -min ? max : -min; }
};

/// The upper ends of Comparison::histogram's bins but the first (0) and the last (infinite).
inline constexpr double kHistogramEnds[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4,
                                            1e-3, 1e-2, 1e-1, 1};  // NOLINT(*-avoid-c-arrays)

/// A file that does not tell its shape takes the other's. Throws Error(input) if shapes differ; `names` are told then.
Comparison compare(TensorFile a, TensorFile b, double tolerance, int decimals,
                   const std::pair<std::string, std::string>& names);

/// Where they differ: a picture of all planes side by side, black where |a - b| is within the tolerance, then from
/// violet over red to white at the largest difference, by its logarithm. Small planes are enlarged.
Picture heat_map(TensorFile a, TensorFile b, double tolerance);

/// Files of two folders with the same name up to its suffix, by name; and those that only one of them has.
struct FolderPairs {
  std::vector<std::pair<std::filesystem::path, std::filesystem::path>> both;
  std::vector<std::filesystem::path> only_a, only_b;
};

/// Sub-folders are searched too; manifest.json, C sources and hidden files are nobody's dumps. Throws Error(input) if
/// nothing is in both.
FolderPairs pair_folders(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace fsrcnn
