#!/usr/bin/env bash
# Builds and runs all tests: ./scripts/test.sh [--preset release|debug|asan|tsan|fuzz]
# Installs what is missing (Debian's packages, with apt-get). asan: the tests under the address and undefined-behaviour
# sanitizers; fuzz: the same with clang, and every parser with random files for FSRCNN_FUZZ_SECONDS (default 20) each.
set -euo pipefail

preset=release
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done
cd "$(dirname "$0")/.."
. scripts/install_dependencies.sh
packages=("${build_packages[@]}" libgtest-dev python3)
options=(-DFSRCNN_TESTS=ON)
if [ "$preset" = fuzz ]; then
  packages+=(clang libclang-rt-14-dev)
  options+=("-DFSRCNN_FUZZ_SECONDS=${FSRCNN_FUZZ_SECONDS:-20}")
fi
install_dependencies "${packages[@]}"

cmake --preset "$preset" "${options[@]}"
cmake --build "build/$preset"
ctest --preset "$preset" -j "$(nproc)"
