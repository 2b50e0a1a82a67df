#include "cli/program.hpp"

// NOLINTNEXTLINE(bugprone-exception-escape): only where reporting an error fails too
int main(int argc, char** argv) { return fsrcnn::cli::run(argc, argv); }
