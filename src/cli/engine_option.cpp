#include "cli/engine_option.hpp"

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
  command
      .add_option_function<std::string>(
          "--precision",
          [this](const std::string& name) { options.precision = name == "exact" ? Precision::exact : Precision::fast; },
          "fast: transforms, within 1e-5 of full scale; exact: direct convolution only. Default: fast")
      ->check(CLI::IsMember({"fast", "exact"}).description(""))
      ->type_name("fast|exact");
}

}  // namespace fsrcnn::cli
