#!/usr/bin/env bash
# Runs a command of this project in another Debian: ./scripts/in_debian.sh RELEASE FOLDER COMMAND...
# FOLDER becomes the smallest system of that release (bookworm, trixie) if it is not one, and stays for the next time. The
# project lies at /fsrcnn there. Mounts and processes end with the command. Needs root.
set -euo pipefail

if [ $# -lt 3 ]; then
  sed -n '2,4s/^# //p' "$0"
  exit 2
fi
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
  echo "'${*:3}' needs a Debian $1 beside this system: making one (debootstrap, chroot) needs root" >&2
  exit 1
fi
. scripts/install_dependencies.sh
install_dependencies debootstrap
release=$1
machine=$(realpath -m "$2")
shift 2

if [ ! -e "$machine/fsrcnn" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  rm -rf "$machine"
  mkdir -p "$machine"
  debootstrap --variant=minbase "$release" "$machine" ${mirror:+"$mirror"}
  # How this machine comes by packages: proxies, and whether lists may be old.
  apt-config dump | grep -E "^Acquire::(Check-|Retries|https?::)" >"$machine/etc/apt/apt.conf.d/90mirror" || true
  mkdir "$machine/fsrcnn"
fi
export machine
exec unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
  mount --bind . "$machine/fsrcnn"
  mount -t proc proc "$machine/proc"
  mount --rbind /sys "$machine/sys"  # where libnuma looks for processors
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$machine/dev/pts"
  mount -t tmpfs tmpfs "$machine/dev/shm"
  exec chroot "$machine" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root bash -c "cd /fsrcnn && exec \"\$@\"" -- "$@"
' -- "$@"
