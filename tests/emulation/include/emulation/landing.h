// SPDX-License-Identifier: Apache-2.0
// Moving the bytes of asynchronous copies, in kernels' code so that the sanitizers see it.
#pragma once

#include "emulation/device.h"

namespace cadenza::emulation {

/// Moves the bytes of a copy, 16 at a time.
inline void land(const Copy& copy) {
  auto* to = static_cast<uint4*>(copy.to);
  const auto* from = static_cast<const uint4*>(copy.from);
  for (unsigned i = 0; i < copy.bytes / sizeof(uint4); ++i) {
    to[i] = from == nullptr ? uint4{0, 0, 0, 0} : from[i];
  }
}

/// Leaves NaNs where a copy lands later, and closes the place until then.
inline void leave_undefined(const Copy& copy) {
  auto* to = static_cast<uint4*>(copy.to);
  for (unsigned i = 0; i < copy.bytes / sizeof(uint4); ++i) to[i] = uint4{~0U, ~0U, ~0U, ~0U};
  close_memory(copy.to, copy.bytes);
}

}  // namespace cadenza::emulation
