// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/memory_order.h.
#pragma once

#include "emulation/device.h"

namespace cadenza::kernels {

inline unsigned load_acquire(const unsigned* flag) {
  emulation::yield();
  return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

inline void store_release(unsigned* flag, unsigned value) {
  __atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

inline unsigned fetch_add_acquire_release(unsigned* counter, unsigned value) {
  return __atomic_fetch_add(counter, value, __ATOMIC_ACQ_REL);
}

}  // namespace cadenza::kernels
