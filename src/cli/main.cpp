#include <csignal>
#include <cstdio>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/commands.hpp"

namespace {

/// Leaves nothing half-written behind, and ends as the signal would have.
void clean_up_and_die(int signal_number) {
  fsrcnn::remove_temporary_files();
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

/// What was printed must have arrived: a report in a full disk is no report.
int flushed(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  fmt::print(stderr, "fsrcnn: writing to the standard output failed\n");
  return static_cast<int>(fsrcnn::ErrorCode::io);
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): only where reporting an error fails too
int main(int argc, char** argv) {
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal_number, clean_up_and_die);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of writing
  CLI::App app(
      "FSRCNN super-resolution: photographs from 1080p to 4K on an ordinary CPU, and the operators for those who "
      "port it.\nExit codes: 0 done, 1 compared and found different, 2 usage, 3 bad input, 4 bad model, 5 reading or "
      "writing failed.",
      "fsrcnn");
  app.set_version_flag("--version", "fsrcnn " FSRCNN_VERSION);
  app.require_subcommand(1);
  // Most people want the first one; the porter's come last.
  fsrcnn::cli::add_upscale(app);
  fsrcnn::cli::add_eval(app);
  fsrcnn::cli::add_bench(app);
  fsrcnn::cli::add_info(app);
  fsrcnn::cli::add_convert(app);
  fsrcnn::cli::add_trace(app);
  fsrcnn::cli::add_compare(app);
  fsrcnn::cli::add_diagnose(app);
  fsrcnn::cli::add_conv_transpose2d(app);
  fsrcnn::cli::add_explain(app);
  fsrcnn::cli::add_vectors(app);
  try {
    if (argc == 1) {
      fmt::print("{}", app.help());
      return static_cast<int>(fsrcnn::ErrorCode::usage);
    }
    app.parse(argc, argv);
    return flushed(0);
  } catch (const CLI::RuntimeError& e) {
    // What a subcommand found, not what it could not do.
    return flushed(e.get_exit_code());
  } catch (const CLI::ParseError& e) {
    // Help and version come this way too, with code 0.
    return app.exit(e) == 0 ? 0 : static_cast<int>(fsrcnn::ErrorCode::usage);
  } catch (const fsrcnn::Error& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fsrcnn: out of memory; the input is too large for this machine\n");
    return static_cast<int>(fsrcnn::ErrorCode::input);
  } catch (const std::exception& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    return static_cast<int>(fsrcnn::ErrorCode::io);
  }
}
