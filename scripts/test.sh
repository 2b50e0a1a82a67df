#!/usr/bin/env bash
# Builds and runs all tests: ./scripts/test.sh [--preset release|debug|asan|tsan|fuzz | --arch aarch64]
# Installs what is missing (Debian's packages, with apt-get). asan: the tests under the address and undefined-behaviour
# sanitizers; fuzz: the same with clang, and every parser with random files for FSRCNN_FUZZ_SECONDS (default 60) each.
# --arch aarch64: the library alone, built for aarch64 on another machine, and its tests run by an emulator, qemu-user.
set -euo pipefail

preset=
arch=
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?--preset needs a name}; shift 2 ;;
    --arch) arch=${2:?--arch needs a name}; shift 2 ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) echo "unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done
# On the machine itself everything can be built, and nothing need be emulated.
[ "$arch" != "$(uname -m)" ] || arch=
if [ -n "$arch" ]; then
  [ "$arch" = aarch64 ] || { echo "unknown architecture '$arch'; see --help" >&2; exit 2; }
  [ -z "$preset" ] || { echo "--arch $arch is a preset of its own; leave out --preset $preset" >&2; exit 2; }
  preset=$arch
fi
preset=${preset:-release}
cd "$(dirname "$0")/.."
. scripts/install_dependencies.sh
packages=("${build_packages[@]}" libgtest-dev libexif-dev python3 ffmpeg)
options=(-DFSRCNN_TESTS=ON)
case $preset in
  aarch64) packages=("${aarch64_packages[@]}") ;;
  fuzz)
    packages+=(clang libclang-rt-14-dev)
    options+=("-DFSRCNN_FUZZ_SECONDS=${FSRCNN_FUZZ_SECONDS:-60}")
    ;;
esac
install_dependencies "${packages[@]}"

cmake --preset "$preset" "${options[@]}"
cmake --build "build/$preset"
ctest --preset "$preset" -j "$(nproc)"
