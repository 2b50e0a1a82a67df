#include "cli/program.hpp"

#include <cstdio>
#include <filesystem>
#include <new>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "cli/commands.hpp"
#include "cli/interrupt.hpp"
#include "cli/manual.hpp"
#include "picture/decode_apart.hpp"
#include "video/av.hpp"

namespace fsrcnn::cli {
namespace {

/// Reports a failure of standard output, e.g. a full disk.
int flushed(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  fmt::print(stderr, "fsrcnn: writing to standard output failed\n");
  return static_cast<int>(ErrorCode::io);
}

/// Moves defaults into the descriptions, so that --help, the manual page and completions show them in one way.
void show_defaults(CLI::App& app) {
  for (CLI::App* const command : app.get_subcommands({})) {
    for (CLI::Option* const option : command->get_options()) {
      if (option->get_default_str().empty()) continue;
      option->description(fmt::format("{} [default: {}]", option->get_description(), option->get_default_str()));
      option->default_str("");
    }
  }
}

}  // namespace

int run(int argc, const char* const* argv) {
  decode_pictures_apart(argc, argv);
  handle_signals();
  quiet_av_log();
  CLI::App app(
      "FSRCNN super-resolution: upscales photographs and films from 1080p to 4K on an ordinary CPU, and helps to port "
      "the network.\nExit codes: 0 success, 1 some inputs failed or were damaged, or compared data differ, 2 usage, 3 "
      "bad input, 4 bad model, 5 reading or writing failed, 6 limit exceeded, 130 and 143 interrupted.",
      "fsrcnn");
  app.set_version_flag("--version", "fsrcnn " FSRCNN_VERSION);
  app.require_subcommand(1);
  // Most people need the first one; tools for porting come last.
  add_upscale(app);
  add_plan(app);
  add_join(app);
  add_eval(app);
  add_bench(app);
  add_info(app);
  add_convert(app);
  add_trace(app);
  add_compare(app);
  add_diagnose(app);
  add_conv_transpose2d(app);
  add_explain(app);
  add_vectors(app);
  app.add_subcommand("man", "Print the manual page, for man(1)")->callback([&app] {
    fmt::print("{}", man_page(app, FSRCNN_VERSION));
  });
  std::string shell;
  CLI::App* completion = app.add_subcommand("completion", "Print the completion script of a shell");
  completion->add_option("shell", shell, "Name of the shell")->required()->type_name("bash|zsh|fish");
  completion->callback([&] { fmt::print("{}", completion_script(app, shell)); });
  show_defaults(app);
  try {
    if (argc == 1) {
      fmt::print("{}", app.help());
      return flushed(static_cast<int>(ErrorCode::usage));
    }
    app.parse(argc, argv);
    return flushed(0);
  } catch (const CLI::RuntimeError& e) {
    // What a subcommand found, or has said already.
    return flushed(e.get_exit_code());
  } catch (const CLI::ParseError& e) {
    // Help and version come this way too, with code 0.
    return flushed(app.exit(e) == 0 ? 0 : static_cast<int>(ErrorCode::usage));
  } catch (const Error& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    if (e.code() == ErrorCode::cancelled) return 128 + stop_signal();
    return static_cast<int>(e.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fsrcnn: out of memory: the input is too large for this machine\n");
    return static_cast<int>(ErrorCode::input);
  } catch (const std::filesystem::filesystem_error& e) {
    fmt::print(stderr, "fsrcnn: '{}' cannot be used: {}\n", e.path1().string(), e.code().message());
    return static_cast<int>(ErrorCode::io);
  } catch (const std::exception& e) {
    fmt::print(stderr, "fsrcnn: {}\n", e.what());
    return static_cast<int>(ErrorCode::io);
  }
}

}  // namespace fsrcnn::cli
