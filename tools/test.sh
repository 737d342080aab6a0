#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Set-up and all tests, on a fresh Debian or Ubuntu machine or any other time.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. tools/setup.sh

usage() {
  cat << 'END'
usage: tools/test.sh [--no-install] [--cpu|--cuda] [--jobs N] [CTEST-FILTER]
  Installs missing Debian packages, builds everything and runs the tests
  (those whose name contains CTEST-FILTER, if given). Safe to repeat.
  --no-install  stop with the list of missing packages instead of installing them
  --cpu, --cuda  build without or with CUDA (default: with it where there is a GPU and a toolkit)
  --jobs N      compile and test N at a time (default: all cores)
END
}

parse_options "$@"
ensure_packages "${build_packages[@]}" "${test_packages[@]}"
choose_preset
configure -DCADENZA_TOOLS=ON -DCADENZA_TESTS=ON
show cmake --build --preset "$preset" -j "$jobs"
filter=()
[ ${#arguments[@]} = 0 ] || filter=(-R "${arguments[0]}")
show ctest --preset "$preset" -j "$jobs" "${filter[@]}"
