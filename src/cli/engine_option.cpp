#include "cli/engine_option.hpp"

#include <fmt/ranges.h>

#include "base/cpu.hpp"
#include "base/thread_pool.hpp"

namespace fsrcnn::cli {

void EngineOption::add_to(CLI::App& command) {
  command.add_option("--cpu", options.cpu, fmt::format("Instruction set to use: {}", fmt::join(cpu_names(), ", ")))
      ->default_str("FSRCNN_CPU, or the first of these")
      ->type_name("NAME");
  add_threads_option(command);
  command
      .add_option_function<std::string>(
          "--precision",
          [this](const std::string& name) { options.precision = name == "exact" ? Precision::exact : Precision::fast; },
          "fast: transforms, within 1e-5 of full scale; exact: direct convolution only")
      ->default_str("fast")
      ->check(CLI::IsMember({"fast", "exact"}).description(""))
      ->type_name("fast|exact");
}

// The engine takes the process's threads, so that colours and resampling run on the same ones.
void add_threads_option(CLI::App& command) {
  command.add_option_function<int>("--threads", set_default_thread_count, "Number of threads")
      ->default_str("one per core")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N");
}

}  // namespace fsrcnn::cli
