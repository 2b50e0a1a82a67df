#pragma once

namespace fsrcnn::cli {

/// The whole program: parses the command line, runs it, and returns the exit code. Prints, and handles signals.
int run(int argc, const char* const* argv);

}  // namespace fsrcnn::cli
