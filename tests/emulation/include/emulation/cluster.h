// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/cluster.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "emulation/device.h"

namespace cadenza::kernels {

/// Four or sixteen bytes.
template <typename T>
void store_async(T* shared, std::type_identity_t<T> value, MBarrier* barrier, unsigned rank,
                 emulation::Location at = emulation::Location::here()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 16);
  *static_cast<T*>(emulation::map_shared(shared, rank, at)) = value;
  emulation::mbarrier_complete(emulation::map_shared(barrier, rank, at), sizeof(T), at);
}

}  // namespace cadenza::kernels
