#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: needed_test.sh FILE...
# Programs and libraries that start without CUDA: neither they nor what they load need any of it.
set -euo pipefail
for file in "$@"; do
  if loaded=$(ldd "$file" | grep -iE 'libcu(da|blas|dnn)|libnv|libcadenza_cu'); then
    echo "$file needs:"
    echo "$loaded"
    exit 1
  fi
done
