#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: modules_test.sh BUILD-FOLDER WORK-FOLDER
# Installs a build with CUDA backends and lets the installed program load its modules, with all that they
# are linked to, over a driver that is only a name: the modules themselves say that there is none, in other
# words than the library, which finds the name. Takes no GPU.
set -euo pipefail
build=$1 prefix=$2/prefix driver=$2/driver
rm -rf "$prefix" "$driver"
mkdir -p "$driver"
cmake --install "$build" --prefix "$prefix" > "$2/install.log"
echo 'int cadenza_driver_stand_in;' | cc -x c -shared -o "$driver/libcuda.so.1" -
LD_LIBRARY_PATH=$driver "$prefix/bin/cadenza" doctor > "$2/doctor.txt"

for module in "$build"/libcadenza_*.so; do
  name=$(basename "$module" .so)
  name=${name#libcadenza_}
  grep -q "^backend  : $name: .*: no NVIDIA driver was found; where" "$2/doctor.txt" || {
    printf 'the installed program did not load its module %s:\n' "$name"
    cat "$2/doctor.txt"
    exit 1
  }
done
