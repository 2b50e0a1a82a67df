# Sourced: build_dependencies PREFIX TOOLCHAIN builds what the library and its tests stand on, for cmake/TOOLCHAIN.cmake's
# system, for which Debian has no such packages, from the source packages of the Debian that runs this; into PREFIX.

# fetch_source PACKAGE: its source unpacked as ./PACKAGE. apt's own lists may know no source packages.
fetch_source() {
  local here=$PWD/apt apt
  apt=(-q -o "Dir::Etc::SourceList=$here/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$here/lists" -o APT::Sandbox::User=)
  if [ ! -f "$here/done" ]; then
    mkdir -p "$here/lists/partial"
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' \
      "Origin: $(. /etc/os-release && echo "${NAME%% *}")" |
      sort -u >"$here/sources.list"
    apt-get "${apt[@]}" update
    touch "$here/done"
  fi
  apt-get "${apt[@]}" source "$1"
  rm -rf "$1"
  mv "$1"-[0-9]*/ "$1"
}

build_dependencies() {
  local prefix package options
  mkdir -p "$1/source"
  prefix=$(realpath "$1")
  # Headers alone: the machine's own package is good for every system.
  mkdir -p "$prefix/include" "$prefix/share/cmake"
  cp -r /usr/include/nlohmann "$prefix/include/"
  cp -r /usr/share/cmake/nlohmann_json "$prefix/share/cmake/"
  for package in highway fmtlib googletest; do
    [ ! -f "$prefix/$package.done" ] || continue
    (cd "$prefix/source" && fetch_source "$package")
    case $package in
      highway) options=(-DHWY_ENABLE_TESTS=OFF -DHWY_ENABLE_EXAMPLES=OFF -DHWY_ENABLE_CONTRIB=OFF) ;;
      fmtlib) options=(-DFMT_TEST=OFF -DFMT_DOC=OFF) ;;
      googletest) options=(-DBUILD_GMOCK=OFF) ;;
    esac
    cmake -S "$prefix/source/$package" -B "$prefix/build/$package" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/$2.cmake" -DFSRCNN_DEPENDENCIES="$prefix" -DCMAKE_INSTALL_PREFIX="$prefix" \
      -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF "${options[@]}"
    cmake --build "$prefix/build/$package"
    cmake --install "$prefix/build/$package"
    # Of contrib the headers are needed alone; what it compiles (sorting) takes long.
    [ "$package" != highway ] || cp -r "$prefix/source/highway/hwy/contrib" "$prefix/include/hwy/"
    touch "$prefix/$package.done"
  done
}
