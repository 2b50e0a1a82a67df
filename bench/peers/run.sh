#!/usr/bin/env bash
# Measures fsrcnn.cpp and other engines on this machine, and writes docs/BENCHMARKS.md with its pictures:
#   bench/peers/run.sh [--library PATH | --without-ours] [OPTION...]
#   --library PATH    libfsrcnn.so; otherwise CMake's preset release builds it
#   --without-ours    only the peers
#   --threads N...    numbers of threads (1 2)          --size WxH    of the frame (1920x1080)
#   --rounds N        every engine once in each (7)     --engines NAME..., --shapes N...    only these
#   --output FOLDER   of BENCHMARKS.md and its pictures (docs)
# The peers of requirements.txt are installed into build/peers/venv and nowhere else (PyPI's torch needs 6 GB). A run of
# everything takes half an hour or more on two cores; leave the machine alone meanwhile.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/peers
venv=$build/venv
mkdir -p "$build"

install_peers() {
  local requirements=$root/bench/peers/requirements.txt
  cmp -s "$requirements" "$build/installed.txt" && return
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  # PyTorch's own index has wheels for the CPU alone, which are smaller; PyPI's compute the same.
  local index=()
  if curl -fsIo /dev/null -m 10 https://download.pytorch.org/whl/cpu/torch/ 2>/dev/null; then
    index=(--index-url https://download.pytorch.org/whl/cpu)
  fi
  # One by one: what cannot be installed is missing in the tables with its reason, and the others are not.
  echo "Installing the peers into $venv"
  local requirement
  grep -v '^#' "$requirements" | while read -r requirement; do
    local from=()
    [ "${requirement%%=*}" = torch ] && from=("${index[@]}")
    echo "  $requirement"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${from[@]}" "$requirement" </dev/null ||
      echo "$requirement cannot be installed; its engine will be reported as failed" >&2
  done
  cp "$requirements" "$build/installed.txt"
}

build_onednn_peer() {
  export PEER_ONEDNN_LIBRARY=$build/libpeer_onednn.so
  rm -f "$PEER_ONEDNN_LIBRARY"
  ${CXX:-g++} -O2 -std=c++20 -shared -fPIC "$root/bench/peers/onednn.cpp" -o "$PEER_ONEDNN_LIBRARY" \
    -I"$venv/include" -L"$venv/lib" -ldnnl -Wl,-rpath,"$venv/lib" ||
    echo "bench/peers/onednn.cpp does not build; oneDNN will be reported as failed" >&2
}

build_ours() {
  cmake --preset release -S "$root" -DFSRCNN_TESTS=OFF
  cmake --build "$root/build/release"
  library=$(find "$root"/build/release -maxdepth 2 -name libfsrcnn.so | head -n 1)
  if [ -z "$library" ]; then
    echo "No libfsrcnn.so in $root/build/release after building. Give its path by --library, or --without-ours." >&2
    exit 1
  fi
}

library='' with_ours=yes previous=''
for argument in "$@"; do
  [ "$previous" = --library ] && library=$argument
  case $argument in
    -h | --help) sed -n '2,10s/^# //p' "$0"; exit 0 ;;
    --library=*) library=${argument#*=} ;;
    --without-ours) with_ours=no ;;
  esac
  previous=$argument
done

if [ "$with_ours" = yes ]; then
  [ -n "$library" ] || build_ours
  [ -f "$library" ] || { echo "There is no $library" >&2; exit 1; }
  FSRCNN_LIBRARY=$(realpath "$library")
  export FSRCNN_LIBRARY
fi
install_peers
build_onednn_peer
exec "$venv/bin/python" "$root/bench/peers/bench.py" --build "$build" "$@"
