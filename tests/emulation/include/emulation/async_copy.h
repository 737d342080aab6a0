// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/async_copy.h. The thread that waits moves the bytes of copies
// that land later.
#pragma once

#include "emulation/device.h"
#include "emulation/landing.h"

namespace cadenza::kernels {

inline void copy_async16(void* shared, const void* global, bool valid = true,
                         emulation::Location at = emulation::Location::here()) {
  const emulation::Copy copy = {shared, valid ? global : nullptr, 16};
  if (emulation::copy_issue(copy, at) == emulation::Land::kNow) {
    emulation::land(copy);
  } else {
    emulation::leave_undefined(copy);
  }
}

inline void copy_async_commit() { emulation::copy_commit(); }

template <int kGroups>
void copy_async_wait() {
  emulation::Copy copy = {};
  while (emulation::copy_next(kGroups, copy)) {
    emulation::open_memory(copy.to, copy.bytes);
    emulation::land(copy);
  }
}

inline void copy_bulk(void* shared, const void* global, unsigned bytes, MBarrier* barrier,
                      emulation::Location at = emulation::Location::here()) {
  const emulation::Copy copy = {shared, global, bytes};
  if (emulation::bulk_issue(copy, barrier, at) == emulation::Land::kNow) {
    emulation::land(copy);
    emulation::mbarrier_complete(barrier, bytes, at);
  } else {
    emulation::leave_undefined(copy);
    emulation::bulk_queue(copy, barrier, at);
  }
}

}  // namespace cadenza::kernels
