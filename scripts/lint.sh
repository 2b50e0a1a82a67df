#!/usr/bin/env bash
# Checks the form of the code: ./scripts/lint.sh [FILE...]   (clang-format for all, clang-tidy for FILEs or all)
# Needs a configured build/release. Installs what is missing (Debian's packages, with apt-get).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install_dependencies.sh
install_dependencies "${build_packages[@]}" libgtest-dev clang-format clang-tidy

git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
[ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'src/*.cpp')
  set -- "${files[@]}"
fi
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet 2>/dev/null
