#include "porting/compare.hpp"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/number_check.hpp"
#include "picture/picture_writer.hpp"

namespace fsrcnn::cli {
namespace {

namespace fs = std::filesystem;

struct CompareOptions {
  std::string a, b, heat_map;
  double tolerance = 1e-5;
  int decimals = 5;
  bool json = false;
};

std::string place_text(const Place& p) {
  return fmt::format("(n {}, c {}, y {}, x {}): {:.9g} against {:.9g}, {:+.3e}", p.n, p.c, p.y, p.x, p.a, p.b,
                     p.a - p.b);
}

std::string psnr_text(const Comparison& c) {
  return std::isinf(c.psnr_db) ? "infinite" : fmt::format("{:.2f} dB", c.psnr_db);
}

void print_bars(const Comparison& c) {
  fmt::print("\n|A - B|\n");
  const auto count = static_cast<double>(std::max<int64_t>(c.shape.count(), 1));
  const size_t last = c.histogram.size() - 1;
  for (size_t i = 0; i <= last; ++i) {
    if (c.histogram[i] == 0) continue;
    const std::string label = i == 0      ? "0"
                              : i == last ? fmt::format("{:g} or more", kHistogramEnds[last - 2])
                                          : fmt::format("below {:g}", kHistogramEnds[i - 1]);
    const double share = static_cast<double>(c.histogram[i]) / count;
    fmt::print("  {:<12} {:>10}  {:>6.2f} %  {}\n", label, c.histogram[i], 100 * share,
               std::string(static_cast<size_t>(std::ceil(40 * share)), '#'));
  }
}

void print(const Comparison& c) {
  fmt::print("shape            {}\n", to_string(c.shape));
  fmt::print("max(A - B)       {:.9g}\nmin(A - B)       {:.9g}\n", c.max, c.min);
  fmt::print("around {:<2}        max {:.9g}, min {:.9g}   (numpy.around(A, {}) - numpy.around(B, {}))\n", c.decimals,
             c.rounded_max, c.rounded_min, c.decimals, c.decimals);
  fmt::print("mean, mean |.|   {:.4g}, {:.4g}\n", c.mean, c.mean_absolute);
  fmt::print("RMS, PSNR        {:.4g}, {} (peak {:.4g})\n", c.rms, psnr_text(c), c.peak);
  fmt::print("largest distance {} ULP of {}\n", c.largest_ulp, c.ulp_of_float32 ? "float32" : "float64");
  if (c.not_finite > 0) fmt::print("not finite       {} values\n", c.not_finite);
  print_bars(c);
  if (c.first) fmt::print("\nfirst beyond     {}\n", place_text(*c.first));
  for (size_t i = 0; i < c.worst.size(); ++i) {
    fmt::print("{:<17}{}\n", i == 0 ? "worst" : "", place_text(c.worst[i]));
  }
}

nlohmann::ordered_json to_json(const Comparison& c) {
  const auto place = [](const Place& p) {
    return nlohmann::ordered_json{{"n", p.n}, {"c", p.c}, {"y", p.y}, {"x", p.x}, {"a", p.a}, {"b", p.b}};
  };
  nlohmann::ordered_json json = {{"shape", {c.shape.n, c.shape.c, c.shape.h, c.shape.w}},
                                 {"within", c.within()},
                                 {"tolerance", c.tolerance},
                                 {"beyond", c.beyond},
                                 {"max", c.max},
                                 {"min", c.min},
                                 {"decimals", c.decimals},
                                 {"around_max", c.rounded_max},
                                 {"around_min", c.rounded_min},
                                 {"mean", c.mean},
                                 {"mean_absolute", c.mean_absolute},
                                 {"rms", c.rms},
                                 {"peak", c.peak},
                                 {"psnr_db", nullptr},
                                 {"ulp", c.largest_ulp},
                                 {"ulp_of", c.ulp_of_float32 ? "float32" : "float64"},
                                 {"not_finite", c.not_finite},
                                 {"histogram", c.histogram}};
  if (!std::isinf(c.psnr_db)) json["psnr_db"] = c.psnr_db;
  if (c.first) json["first"] = place(*c.first);
  json["worst"] = nlohmann::ordered_json::array();
  for (const Place& p : c.worst) json["worst"].push_back(place(p));
  return json;
}

std::string verdict(const Comparison& c) {
  if (c.within()) return fmt::format("within the tolerance of {:g}", c.tolerance);
  return fmt::format("{} of {} values differ by more than {:g}", c.beyond, c.shape.count(), c.tolerance);
}

void require_values(const TensorFile& file, const std::string& path) {
  if (file.count() == 0) {
    fail(ErrorCode::input, "'{}' holds no values, of shape {}: there is nothing to compare", path,
         to_string(file.shape()));
  }
}

bool compare_files(const CompareOptions& options) {
  const TensorFile a = read_tensor(options.a), b = read_tensor(options.b);
  require_values(a, options.a);
  require_values(b, options.b);
  const Comparison c = compare(a, b, options.tolerance, options.decimals, {options.a, options.b});
  if (!options.heat_map.empty()) write_picture(heat_map(a, b, c.tolerance), options.heat_map);
  if (options.json) {
    fmt::print("{}\n", to_json(c).dump(1));
  } else {
    const auto title = [](const std::string& path, const TensorFile& file) {
      return file.read_as.empty() ? path : fmt::format("{} ({})", path, file.read_as);
    };
    fmt::print("A {}\nB {}\n\n", title(options.a, a), title(options.b, b));
    print(c);
    fmt::print("\n{}\n", verdict(c));
  }
  return c.within();
}

/// A line for each pair; a heat map is made of the first that differs.
bool compare_folders(const CompareOptions& options) {
  const FolderPairs pairs = pair_folders(options.a, options.b);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  bool within = true;
  if (!options.json) {
    fmt::print("{:<44} {:<20} {:>13} {:>13} {:>12}\n", "dump", "shape", "max(A - B)", "min(A - B)", "PSNR");
  }
  for (const auto& [path_a, path_b] : pairs.both) {
    const TensorFile a = read_tensor(path_a), b = read_tensor(path_b);
    require_values(a, path_a.string());
    require_values(b, path_b.string());
    const std::string name = path_a.lexically_relative(options.a).replace_extension().string();
    if (a.count() != b.count() || (a.shape() != b.shape() && a.has_shape && b.has_shape)) {
      within = false;
      json.push_back({{"name", name}, {"within", false}, {"shapes", {to_string(a.shape()), to_string(b.shape())}}});
      if (!options.json) {
        fmt::print("{:<44} {} against {}: DIFFERENT SHAPES\n", name, to_string(a.shape()), to_string(b.shape()));
      }
      continue;
    }
    const Comparison c = compare(a, b, options.tolerance, options.decimals, {path_a.string(), path_b.string()});
    if (within && !c.within() && !options.heat_map.empty()) {
      write_picture(heat_map(a, b, c.tolerance), options.heat_map);
    }
    within = within && c.within();
    json.push_back(to_json(c));
    json.back()["name"] = name;
    if (!options.json) {
      fmt::print("{:<44} {:<20} {:>13.4e} {:>13.4e} {:>12} {}\n", name, to_string(c.shape), c.max, c.min, psnr_text(c),
                 c.within() ? "" : "DIFFERS");
    }
  }
  if (options.json) {
    fmt::print("{}\n", json.dump(1));
    return within;
  }
  const auto tell_lonely = [](const auto& paths, const std::string& folder) {
    if (!paths.empty())
      fmt::print("{} more, e.g. {}, only in {}\n", paths.size(), paths[0].filename().string(), folder);
  };
  tell_lonely(pairs.only_a, options.a);
  tell_lonely(pairs.only_b, options.b);
  fmt::print("{}\n", within ? "all within the tolerance" : "they differ");
  return within;
}

}  // namespace

void add_compare(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("compare", "Compare two tensors, or two folders of them; exit code 1 if they differ");
  const auto options = std::make_shared<CompareOptions>();
  command
      ->add_option("a", options->a,
                   "Tensor: .npy, .txt, .h, .hex, .mem, .f32 or .raw (float32), .f64, a picture; or a folder of them")
      ->required()
      ->type_name("A");
  command->add_option("b", options->b, "Tensor or folder to compare A with")->required()->type_name("B");
  command
      ->add_option("--tolerance", options->tolerance,
                   "Largest difference allowed, times B's full scale if that is above 1")
      ->check(positive_number(true))
      ->type_name("T")
      ->capture_default_str();
  command->add_option("--decimals", options->decimals, "Decimal places for the figures with numpy.around")
      ->check(CLI::Range(0, 15).description(""))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--heat-map", options->heat_map, "Write a picture that shows where they differ")
      ->type_name("FILE.png");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options] {
    const bool folders = fs::is_directory(options->a);
    if (folders != fs::is_directory(options->b)) {
      fail(ErrorCode::usage, "one of '{}' and '{}' is a folder and the other is not", options->a, options->b);
    }
    if (!(folders ? compare_folders(*options) : compare_files(*options))) throw CLI::RuntimeError(kDiffers);
  });
}

}  // namespace fsrcnn::cli
