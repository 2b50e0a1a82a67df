#!/usr/bin/env bash
# Builds and runs all tests:
# ./scripts/test.sh [--preset release|debug|asan|tsan|fuzz | --arch aarch64|windows|wasm] [--without-sweeps]
# Installs what is missing (Debian's packages, with apt-get). asan: the tests under the address and undefined-behaviour
# sanitizers; fuzz: the same with clang, and every parser with random files for FSRCNN_FUZZ_SECONDS (default 60) each.
# tsan: the library's tests under the thread sanitizer, less kernels and transforms, for one instruction set.
# --arch: the library alone, built for another system, and its tests run by what runs its programs here: aarch64 (qemu-user),
# windows (MinGW-w64, Wine) or wasm (emscripten, node; where Debian's is older than 3.1.69 in a Debian 13 of its own, for
# which root is needed, in FSRCNN_MACHINES, by default build/machines). --without-sweeps: not the tests that take minutes
# because they try hundreds of mistakes and networks; under a sanitizer, nor most films.
set -euo pipefail

preset=
arch=
chosen=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    --arch) arch=${2:?--arch needs a name}; shift 2 ;;
    --without-sweeps) chosen=(--label-exclude sweep); shift ;;
    -h | --help) sed -n '2,10s/^# //p' "$0"; exit 0 ;;
    *) echo "unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done
# On the machine itself everything can be built, and nothing need be emulated.
[ "$arch" != "$(uname -m)" ] || arch=
if [ -n "$arch" ]; then
  case $arch in
    aarch64 | windows | wasm) ;;
    *) echo "unknown architecture '$arch'; see --help" >&2; exit 2 ;;
  esac
  [ -z "$preset" ] || { echo "--arch $arch is a preset of its own; leave out --preset $preset" >&2; exit 2; }
  preset=$arch
fi
preset=${preset:-release}
cd "$(dirname "$0")/.."
. scripts/install_dependencies.sh
. scripts/build_dependencies.sh
packages=("${build_packages[@]}" "${test_packages[@]}")
options=(-DFSRCNN_TESTS=ON)
case $preset in
  aarch64) packages=("${aarch64_packages[@]}") ;;
  tsan) packages=("${library_packages[@]}") ;;
  windows) packages=("${source_packages[@]}" g++-mingw-w64-x86-64-posix wine wine64) ;;
  wasm)
    emscripten=$(apt-cache policy emscripten | sed -n 's/.*Candidate: \([0-9].*\)/\1/p')
    if dpkg --compare-versions "${emscripten:-0}" lt 3.1.69; then
      exec scripts/in_debian.sh trixie "${FSRCNN_MACHINES:-build/machines}/trixie" scripts/test.sh --arch wasm
    fi
    packages=("${source_packages[@]}" emscripten)
    ;;
  fuzz)
    packages+=(clang libclang-rt-dev)
    options+=("-DFSRCNN_FUZZ_SECONDS=${FSRCNN_FUZZ_SECONDS:-60}")
    ;;
esac
install_dependencies "${packages[@]}"

case $preset in
  wasm)
    # Debian's own is neither to be written to nor complete.
    export EM_CACHE=$PWD/build/wasm-cache EM_FROZEN_CACHE=0
    [ -d "$EM_CACHE" ] || { mkdir -p build && cp -a /usr/share/emscripten/cache "$EM_CACHE"; }
    build_dependencies build/wasm-dependencies wasm
    ;;
  windows)
    export WINEPREFIX=$PWD/build/wine WINEDEBUG=-all
    build_dependencies build/windows-dependencies x86_64-w64-mingw32
    ;;
esac
cmake --preset "$preset" "${options[@]}"
cmake --build "build/$preset"
ctest --preset "$preset" -j "$(nproc)" "${chosen[@]}"
