#!/usr/bin/env bash
# Measures fsrcnn.cpp and other engines on this machine, and writes docs/BENCHMARKS.md with its pictures:
#   bench/peers/run.sh [--library PATH | --without-ours] [OPTION...]
#   --library PATH    libfsrcnn.so; otherwise CMake's preset release builds it
#   --without-ours    only the peers
#   --threads N...    numbers of threads (1 2)          --size WxH    of the frame (1920x1080)
#   --rounds N        every engine once in each (7)     --engines NAME..., --shapes N...    only these
#   --strict          fail unless every engine can be measured and is right; ours must be in any case
#   --output FOLDER   of BENCHMARKS.md and its pictures (docs)
# bench/peers/run.sh networks [OPTION...] [FILE.onnx...] measures ours beside OpenVINO on networks of other families;
# see bench/peers/networks.py --help.
# The peers of requirements.txt are installed into build/peers/venv and nowhere else, those of --engines alone if it is
# given (PyPI's torch needs 6 GB). A run of everything takes half an hour or more on two cores; leave the machine alone
# meanwhile.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/peers
venv=$build/venv
mkdir -p "$build"

# Whether a line of requirements.txt is needed for the engines to be measured.
is_needed() {
  [ ${#engines[@]} -gt 0 ] || return 0
  case $1 in *" # for "*) ;; *) return 0 ;; esac
  local engine
  for engine in "${engines[@]}"; do
    case ", ${1#* \# for }," in *", $engine,"*) return 0 ;; esac
  done
  return 1
}

install_peers() {
  [ -x "$venv/bin/python" ] || { rm -f "$build/installed.txt"; python3 -m venv "$venv"; }
  touch "$build/installed.txt"
  # One by one: what cannot be installed is missing in the tables with its reason, and the others are not.
  local line requirement from
  grep -v '^#' "$root/bench/peers/requirements.txt" | while read -r line; do
    requirement=${line%% *}
    is_needed "$line" && ! grep -qxF "$requirement" "$build/installed.txt" || continue
    from=()
    # PyTorch's own index has wheels for the CPU alone, which are smaller; PyPI's compute the same.
    if [ "${requirement%%=*}" = torch ] && curl -fsIo /dev/null -m 10 https://download.pytorch.org/whl/cpu/torch/ 2>/dev/null; then
      from=(--index-url https://download.pytorch.org/whl/cpu)
    fi
    echo "Installing $requirement into $venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "${from[@]}" "$requirement" </dev/null ||
      echo "$requirement cannot be installed; its engine will be reported as failed" >&2
    echo "$requirement" >>"$build/installed.txt"
  done
}

build_onednn_peer() {
  is_needed "onednn # for oneDNN" || return 0
  export PEER_ONEDNN_LIBRARY=$build/libpeer_onednn.so
  rm -f "$PEER_ONEDNN_LIBRARY"
  ${CXX:-g++} -O2 -std=c++20 -shared -fPIC "$root/bench/peers/onednn.cpp" -o "$PEER_ONEDNN_LIBRARY" \
    -I"$venv/include" -L"$venv/lib" -ldnnl -Wl,-rpath,"$venv/lib" ||
    echo "bench/peers/onednn.cpp does not build; oneDNN will be reported as failed" >&2
}

build_ours() {
  cmake --preset release -S "$root" -DFSRCNN_TESTS=OFF
  cmake --build "$root/build/release" --target "$1"
  library=$(find "$root"/build/release -maxdepth 2 -name libfsrcnn.so | head -n 1)
}

library='' with_ours=yes previous='' engines=()
if [ "${1:-}" = networks ]; then
  shift
  engines=(OpenVINO)
  case " $* " in *" --program"* | *" -h "* | *" --help "*) ;; *) build_ours fsrcnn_cli ;; esac
  install_peers
  exec "$venv/bin/python" "$root/bench/peers/networks.py" "$@"
fi
for argument in "$@"; do
  case $argument in
    --*) previous=$argument ;;
    *)
      [ "$previous" = --library ] && library=$argument
      [ "$previous" = --engines ] && engines+=("$argument")
      ;;
  esac
  case $argument in
    -h | --help) sed -n '2,15s/^# //p' "$0"; exit 0 ;;
    --library=*) library=${argument#*=} ;;
    --without-ours) with_ours=no ;;
  esac
done

if [ "$with_ours" = yes ]; then
  [ -n "$library" ] || build_ours fsrcnn
  [ -f "$library" ] || { echo "there is no '$library'; give the path of libfsrcnn.so by --library" >&2; exit 1; }
  FSRCNN_LIBRARY=$(realpath "$library")
  export FSRCNN_LIBRARY
fi
install_peers
build_onednn_peer
exec "$venv/bin/python" "$root/bench/peers/bench.py" --build "$build" "$@"
