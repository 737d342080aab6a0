#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: find_cudnn_test.sh FOLDER-OF-CMAKE-MODULES WORK-FOLDER
# Of installations that say they are of one version or another, cuDNN 9 alone is taken.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
modules=$1 work=$2/find_cudnn

# expect VERSION FOUND
expect() {
  local root=$work/$1
  rm -rf "$root"
  mkdir -p "$root/include" "$root/lib"
  touch "$root/include/cudnn.h" "$root/lib/libcudnn.so"
  IFS=. read -r major minor patch <<< "$1"
  printf '#define CUDNN_MAJOR %s\n#define CUDNN_MINOR %s\n#define CUDNN_PATCHLEVEL %s\n' \
    "$major" "$minor" "$patch" > "$root/include/cudnn_version.h"
  cmake -S "$here/find_cudnn" -B "$root/build" -G Ninja -Wno-dev -DCADENZA_CMAKE="$modules" \
    -DCUDNN_ROOT="$root" > "$root/log" 2>&1 || { cat "$root/log"; exit 1; }
  grep -qx -- "-- found: $2 $1" "$root/log" || { echo "cuDNN $1, expected $2:"; cat "$root/log"; exit 1; }
}

expect 8.9.7 FALSE
expect 9.0.0 TRUE
expect 9.19.1 TRUE
expect 10.0.0 FALSE
