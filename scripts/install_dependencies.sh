# Sourced: install_dependencies PACKAGE... installs what is missing of Debian's packages, as root or with sudo.
# PACKAGE:ARCHITECTURE is a package of another architecture, which comes beside the machine's own.

install_dependencies() {
  local missing=() foreign='' package architecture
  for package in "$@"; do
    architecture=$(dpkg --print-architecture)
    case $package in *:*) architecture=${package#*:} ;; esac
    # Asked for a bare name, dpkg-query tells of every architecture that has it.
    if ! dpkg-query -W -f='${Status} ${Architecture}\n' "$package" 2>/dev/null |
      grep -xE "install ok installed (all|$architecture)" >/dev/null; then
      missing+=("$package")
      { dpkg --print-architecture; dpkg --print-foreign-architectures; } | grep -x "$architecture" >/dev/null ||
        foreign=$architecture
    fi
  done
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing, and neither are you root nor is there sudo. Install them first: ${missing[*]}" >&2
      [ -z "$foreign" ] || echo "Before that: dpkg --add-architecture $foreign && apt-get update" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing with apt-get: ${missing[*]}"
  [ -z "$foreign" ] || "${as_root[@]}" dpkg --add-architecture "$foreign"
  "${as_root[@]}" apt-get update -q
  # Rather fail than take away a package that somebody uses.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends --no-remove "${missing[@]}"
}

# What the program is built from and with.
build_packages=(g++ cmake ninja-build pkg-config libvips-dev libexiv2-dev libtiff-dev libwebp-dev libavif-dev libheif-dev
  libjxl-dev zlib1g-dev libzip-dev libfmt-dev nlohmann-json3-dev libcli11-dev libhwy-dev libavformat-dev libavcodec-dev
  libavfilter-dev libavutil-dev libswscale-dev libzimg-dev libeigen3-dev
  libglib2.0-dev libprotozero-dev libflatbuffers-dev flatbuffers-compiler)
# Debian 12's libheif encodes AVIF and HEIC itself, later ones by plugins.
grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release || build_packages+=(libheif-plugin-aomenc libheif-plugin-x265)
# What the tests need besides: make for a stranger's project, Icarus Verilog for the test bench of `vectors`, Chromium for
# the pages.
test_packages=(libgtest-dev libexif-dev python3 ffmpeg make abigail-tools iverilog mesa-vulkan-drivers)
# Ubuntu has it as a snap alone, which is no package; without it the test of the pages is skipped.
grep -qx 'ID=ubuntu' /etc/os-release || test_packages+=(chromium)
# What the library and its tests need by themselves.
library_packages=(g++ cmake ninja-build libfmt-dev nlohmann-json3-dev libhwy-dev libgtest-dev)
# The same on aarch64, and what runs them.
aarch64_packages=(
  g++-aarch64-linux-gnu cmake ninja-build qemu-user nlohmann-json3-dev libfmt-dev:arm64 libgtest-dev:arm64
  libhwy-dev:arm64)
# For systems that Debian has no such packages for: what builds them from their source packages.
source_packages=(cmake ninja-build dpkg-dev python3 nlohmann-json3-dev)
