#!/usr/bin/env bash
# Upscales a photograph to twice its width and height: ./scripts/demo.sh [PHOTO]
# Installs what is missing (Debian's packages, with apt-get), builds the program, and says where the result lies.
set -euo pipefail

if [ $# -gt 1 ] || [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,3s/^# //p' "$0"
  [ $# -eq 1 ] && exit 0 || exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
photo=$(realpath -- "${1:-$root/assets/dandelion_1920x1080.jpg}")
if [ ! -f "$photo" ]; then
  echo "There is no photograph '$photo'." >&2
  exit 2
fi
. "$root/scripts/install_dependencies.sh"
install_dependencies "${build_packages[@]}"

cd "$root"
echo "Building ..."
# Tests, if a build has them already, stay as they are.
[ -f build/release/build.ninja ] || cmake --preset release -DFSRCNN_TESTS=OFF >/dev/null
cmake --build build/release --target fsrcnn_cli

mkdir -p build/demo
name=$(basename -- "$photo")
result=$root/build/demo/${name%.*}_x2.png
echo "Upscaling $photo ..."
build/release/bin/fsrcnn upscale "$photo" -o "$result" --overwrite
echo "Done. The picture lies at $result"
