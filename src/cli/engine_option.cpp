#include "cli/engine_option.hpp"

#include <map>

#include <fmt/ranges.h>

#include "base/cpu.hpp"

namespace fsrcnn::cli {

void EngineOption::add_to(CLI::App& command) {
  command
      .add_option(
          "--cpu", options.cpu,
          fmt::format("What to run on: {}. Default: FSRCNN_CPU, or the first of them", fmt::join(cpu_names(), ", ")))
      ->type_name("NAME");
  command.add_option("--threads", options.threads, "Threads; default: one for each core")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
  static const std::map<std::string, Precision> kPrecisions{{"fast", Precision::fast}, {"exact", Precision::exact}};
  command
      .add_option("--precision", options.precision,
                  "fast: transforms, within 1e-5 of full scale; exact: direct convolution only. Default: fast")
      ->transform(CLI::CheckedTransformer(kPrecisions).description(""))
      ->type_name("fast|exact");
}

}  // namespace fsrcnn::cli
