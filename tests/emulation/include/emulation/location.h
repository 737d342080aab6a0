// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cadenza::emulation {

/// Where device code calls a synchronising function. Taken by default argument, so that kernels
/// need not say it.
struct Location {
  const char* file = "?";
  int line = 0;

  static constexpr Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

}  // namespace cadenza::emulation
