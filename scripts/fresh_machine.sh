#!/usr/bin/env bash
# Runs both of README's commands on a fresh Debian: ./scripts/fresh_machine.sh bookworm|trixie|... [--without-sweeps]
# The machine is a folder made by debootstrap, as small as possible, with the last commit in it. Its mounts and processes
# have namespaces of their own and end with this script. Fails also if a test was skipped. Needs root.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${2:---without-sweeps}" != --without-sweeps ] || [ "$1" = --help ] || [ "$1" = -h ]; then
  sed -n '2,4s/^# //p' "$0"
  [ "${1:-}" = --help ] || [ "${1:-}" = -h ] && exit 0 || exit 2
fi
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  echo "A fresh $1 cannot be made: debootstrap and chroot need root" >&2
  exit 1
fi
. scripts/install_dependencies.sh
install_dependencies debootstrap git

export release=$1 test_options=${2:-} folder mirror http_proxy
# By the mirror and the proxy that apt uses here.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
mirror=${mirror:-http://deb.debian.org/debian}
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
folder=$(mktemp -d /var/tmp/fsrcnn_machine.XXXXXX)
machine_pid=
trap '[ -z "$machine_pid" ] || kill -KILL "$machine_pid" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
trap 'exit 143' HUP INT TERM
git archive HEAD -o "$folder/fsrcnn.tar"

unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
  machine=$folder/machine
  in_machine() { chroot "$machine" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true "$@"; }
  debootstrap --variant=minbase "$release" "$machine" "$mirror"
  # How this machine comes by packages: proxies, and whether lists may be old.
  apt-config dump | grep -E "^Acquire::(Check-|Retries|https?::)" >"$machine/etc/apt/apt.conf.d/90mirror" || true
  # It lives too short to be afraid of power cuts.
  echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/fast"
  # The root of what it sees is a mount, or tests could mount no disks of their own.
  mount --bind "$machine" "$machine"
  mount -t proc proc "$machine/proc"
  mount --rbind /sys "$machine/sys"  # where libnuma looks for processors
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$machine/dev/pts"
  mount -t tmpfs tmpfs "$machine/dev/shm"
  mkdir "$machine/fsrcnn"
  tar -C "$machine/fsrcnn" -xf "$folder/fsrcnn.tar"

  in_machine /fsrcnn/scripts/demo.sh
  in_machine /fsrcnn/scripts/test.sh $test_options
  log=$machine/fsrcnn/build/release/Testing/Temporary
  if [ -s "$log/LastTestsDisabled.log" ] || grep "skipped=" "$log/LastTest.log"; then
    echo "Tests were skipped on a fresh $release:" >&2
    cat "$log/LastTestsDisabled.log" >&2
    exit 1
  fi
' </dev/null &
machine_pid=$!  # unshare itself hears no signal but this one, which ends all that runs in it
wait "$machine_pid"
echo "Both commands passed on a fresh $release, in $((SECONDS / 60)) minutes."
