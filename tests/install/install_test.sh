#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: install_test.sh BUILD-FOLDER WORK-FOLDER COMPILER
# Installs the build, trains a tiny model with the installed program, and lets a foreign project
# use the library: by find_package, and by pkg-config.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$1 work=$2 compiler=$3
prefix=$work/prefix
rm -rf "$work/prefix" "$work/consumer" "$work/run"
mkdir -p "$work/run"

cmake --install "$build" --prefix "$prefix" > "$work/install.log"

echo '{"train": [[[60], [62], [64], [60], [62], [64]]], "valid": [[[60], [62], [64]]]}' \
  > "$work/run/scale.json"
"$prefix/bin/cadenza" train --data "$work/run/scale.json" --preset jsb --hidden 8 --epochs 2 \
  --output "$work/run/model" > "$work/train.log" 2>&1 || { cat "$work/train.log"; exit 1; }
model=$work/run/model/model.safetensors

cmake -S "$here/consumer" -B "$work/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" > "$work/configure.log"
cmake --build "$work/consumer" > "$work/build.log" || { cat "$work/build.log"; exit 1; }
"$work/consumer/consumer" "$model" | tee "$work/pieces.txt"
[ "$(wc -l < "$work/pieces.txt")" = 4 ]

pc=$(dirname "$(find "$prefix" -name cadenza.pc)")
libdir=$(dirname "$pc")
# shellcheck disable=SC2046  # flags are meant to be split
"$compiler" $(PKG_CONFIG_PATH=$pc pkg-config --cflags cadenza) \
  "$here/consumer/main.cpp" -o "$work/by-pkg-config" \
  $(PKG_CONFIG_PATH=$pc pkg-config --libs cadenza)
LD_LIBRARY_PATH=$libdir "$work/by-pkg-config" "$model" | cmp - "$work/pieces.txt"
