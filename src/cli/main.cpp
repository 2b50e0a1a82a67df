#include <cstdio>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/manual.hpp"
#include "video/av.hpp"

namespace {

/// What was printed must have arrived: a report in a full disk is no report.
int flushed(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  fmt::print(stderr, "fsrcnn: writing to the standard output failed\n");
  return static_cast<int>(fsrcnn::ErrorCode::io);
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): only where reporting an error fails too
int main(int argc, char** argv) {
  fsrcnn::cli::handle_signals();
  fsrcnn::quiet_av_log();
  CLI::App app(
      "FSRCNN super-resolution: photographs and films from 1080p to 4K on an ordinary CPU, and an instrument for those "
      "who port it.\nExit codes: 0 all done, 1 some inputs failed or were damaged, or what was compared differs, 2 "
      "usage, "
      "3 bad input, 4 bad model, 5 reading or writing failed, 6 a limit, 130 and 143 interrupted.",
      "fsrcnn");
  app.set_version_flag("--version", "fsrcnn " FSRCNN_VERSION);
  app.require_subcommand(1);
  // Most people want the first one; the porter's come last.
  fsrcnn::cli::add_upscale(app);
  fsrcnn::cli::add_plan(app);
  fsrcnn::cli::add_join(app);
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
  app.add_subcommand("man", "Print the manual page for man(1)")->callback([&app] {
    fmt::print("{}", fsrcnn::cli::man_page(app, FSRCNN_VERSION));
  });
  std::string shell;
  CLI::App* completion = app.add_subcommand("completion", "Print what completes the command line in a shell");
  completion->add_option("shell", shell, "For which shell")->required()->type_name("bash|zsh|fish");
  completion->callback([&] { fmt::print("{}", fsrcnn::cli::completion_script(app, shell)); });
  try {
    if (argc == 1) {
      fmt::print("{}", app.help());
      return flushed(static_cast<int>(fsrcnn::ErrorCode::usage));
    }
    app.parse(argc, argv);
    return flushed(0);
  } catch (const CLI::RuntimeError& e) {
    // What a subcommand found, or has said already.
    return flushed(e.get_exit_code());
  } catch (const CLI::ParseError& e) {
    // Help and version come this way too, with code 0.
    return flushed(app.exit(e) == 0 ? 0 : static_cast<int>(fsrcnn::ErrorCode::usage));
  } catch (const fsrcnn::Error& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    if (e.code() == fsrcnn::ErrorCode::cancelled) return 128 + fsrcnn::cli::stop_signal();
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fsrcnn: out of memory; the input is too large for this machine\n");
    return static_cast<int>(fsrcnn::ErrorCode::input);
  } catch (const std::exception& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    return static_cast<int>(fsrcnn::ErrorCode::io);
  }
}
