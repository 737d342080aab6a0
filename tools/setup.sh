# SPDX-License-Identifier: Apache-2.0
# Shared by run.sh and test.sh (sourced): options, Debian packages, configuring and building.
# shellcheck shell=bash

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
# Prints a command, then runs it.
show() { printf '+ %s\n' "$*"; "$@"; }

# shellcheck disable=SC2034  # used where this is sourced
build_packages=(build-essential cmake ninja-build pkg-config libcli11-dev nlohmann-json3-dev
                libpng-dev libhwy-dev)
# shellcheck disable=SC2034
test_packages=(libgtest-dev libgmock-dev python3)

# Reads --no-install, --cpu, --cuda and --jobs N; what is left stands in $arguments.
install=yes
kind=auto
jobs=$(nproc)
arguments=()
parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --no-install) install=no ;;
      --cpu) kind=cpu ;;
      --cuda) kind=cuda ;;
      --jobs) [ $# -gt 1 ] || fail "--jobs needs a number"; jobs=$2; shift ;;
      --jobs=*) jobs=${1#--jobs=} ;;
      -h | --help) usage; exit 0 ;;
      -*) usage >&2; exit 2 ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  case $jobs in '' | *[!0-9]* | 0) fail "--jobs: '$jobs' is not a number of jobs" ;; esac
}

# Prints where nvcc is; fails if there is none.
find_nvcc() {
  local nvcc
  for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc"; do
    if [ -n "$nvcc" ] && [ -x "$nvcc" ]; then
      echo "$nvcc"
      return
    fi
  done
  return 1
}

# Sets $preset, the build to make: with CUDA where there is a GPU and a toolkit, or as was asked for.
choose_preset() {
  preset=cpu
  if [ $kind = cuda ]; then
    preset=cuda
  elif [ $kind = auto ] && nvidia-smi -L > /dev/null 2>&1; then
    if find_nvcc > /dev/null; then
      preset=cuda
    else
      say "There is a GPU, but no CUDA toolkit (nvcc): building for the CPU. With CUDA 13 installed and"
      say "nvcc on PATH, or CUDA_HOME set, run this again."
    fi
  fi
}

# Installs what is missing of the given Debian packages, or says how to.
ensure_packages() {
  if ! command -v dpkg-query > /dev/null; then
    say "No dpkg here: on your system, install the equivalents of: $*"
    return
  fi
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' ||
      missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    say "packages : nothing missing"
    return
  fi
  say "packages : missing ${missing[*]}"
  local as_root=()
  if [ "$install" = no ]; then
    fail "without --no-install I would run: apt-get install ${missing[*]}"
  elif [ "$(id -u)" != 0 ]; then
    if command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
      as_root=(sudo)
    else
      fail "run this first, then me again: sudo apt-get update && sudo apt-get install ${missing[*]}"
    fi
  fi
  show "${as_root[@]}" apt-get update -qq
  show "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# One compiler cache serves clones in different places.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=yes

# configure [cmake options]: the Release build in build/$preset, or as it is if it was configured.
configure() {
  local options=("$@")
  if [ ! -f "build/$preset/CMakeCache.txt" ]; then
    # Warnings of a compiler that we have not met must not stop a user; in CI they do.
    [ -n "${CI:-}" ] || options+=(-DCADENZA_WERROR=OFF)
    command -v ccache > /dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    [ "$preset" = cpu ] || ! command -v ccache > /dev/null ||
      options+=(-DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  fi
  show cmake --preset "$preset" "${options[@]}"
}
