#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of a build for 64-bit Arm, on a machine of another kind: cross-compiled, and run by QEMU.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. tools/setup.sh

usage() {
  cat << 'END_OF_USAGE'
usage: tools/test_arm64.sh [--no-install] [--jobs N] [CTEST-FILTER]
  Installs missing Debian packages (a cross compiler and QEMU among them), unpacks the libraries for
  arm64 into build/arm64-root, builds preset arm64 and runs its tests under QEMU (those whose name
  contains CTEST-FILTER, if given). Safe to repeat.
  --no-install  stop with the list of missing packages instead of installing them
  --jobs N      compile and test N at a time (default: all cores)
END_OF_USAGE
}

# Unpacks what the toolchain file takes for a system; nothing of it is installed.
unpack_root() {
  local root=build/arm64-root
  [ ! -d $root ] || return 0
  rm -rf $root.new
  mkdir -p $root.new
  local packages=libstdc++-12-dev,nlohmann-json3-dev,libpng-dev,libhwy-dev,libcli11-dev
  show mmdebstrap --variant=extract --architectures=arm64 \
    --include=$packages,libgtest-dev,libgmock-dev bookworm $root.tar
  tar -xf $root.tar -C $root.new --exclude=./dev
  # Links that begin with / would lead out of it.
  # shellcheck disable=SC2016  # expanded by that shell
  find $root.new -lname '/*' -exec sh -c 'ln -sfrn "$0$(readlink "$1")" "$1"' $root.new {} \;
  rm $root.tar
  mv $root.new $root
}

parse_options "$@"
ensure_packages build-essential cmake ninja-build pkg-config python3 g++-12-aarch64-linux-gnu \
  qemu-user-static mmdebstrap
unpack_root
preset=arm64
configure -DCADENZA_TESTS=ON
show cmake --build --preset $preset -j "$jobs"
filter=()
[ ${#arguments[@]} = 0 ] || filter=(-R "${arguments[0]}")
show ctest --preset $preset -j "$jobs" "${filter[@]}"
