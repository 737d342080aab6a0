// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/barriers.h.
#pragma once

#include "emulation/device.h"
#include "emulation/landing.h"

namespace cadenza::kernels {

inline void named_barrier_sync(unsigned id, unsigned threads,
                               emulation::Location at = emulation::Location::here()) {
  emulation::named_barrier(id, threads, emulation::Wait::kYes, at);
}

inline void named_barrier_arrive(unsigned id, unsigned threads,
                                 emulation::Location at = emulation::Location::here()) {
  emulation::named_barrier(id, threads, emulation::Wait::kNo, at);
}

inline void mbarrier_init(MBarrier* barrier, unsigned count,
                          emulation::Location at = emulation::Location::here()) {
  emulation::mbarrier_init(barrier, count, at);
}

inline void mbarrier_arrive(MBarrier* barrier,
                            emulation::Location at = emulation::Location::here()) {
  emulation::mbarrier_arrive(barrier, 0, at);
}

inline void mbarrier_arrive_expect(MBarrier* barrier, unsigned bytes,
                                   emulation::Location at = emulation::Location::here()) {
  emulation::mbarrier_arrive(barrier, bytes, at);
}

inline void mbarrier_arrive_peer(MBarrier* barrier, unsigned rank,
                                 emulation::Location at = emulation::Location::here()) {
  emulation::mbarrier_arrive(emulation::map_shared(barrier, rank, at), 0, at);
}

template <Scope kScope = Scope::kBlock>
void mbarrier_wait(MBarrier* barrier, unsigned parity,
                   emulation::Location at = emulation::Location::here()) {
  do {
    emulation::Copy copy = {};
    while (emulation::bulk_next(barrier, copy)) {
      emulation::open_memory(copy.to, copy.bytes);
      emulation::land(copy);
      emulation::mbarrier_complete(barrier, copy.bytes, at);
    }
  } while (!emulation::mbarrier_wait(barrier, parity, at));
}

}  // namespace cadenza::kernels
