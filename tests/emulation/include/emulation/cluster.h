// SPDX-License-Identifier: Apache-2.0
// Emulated body of kernels/device/cluster.h.
#pragma once

#include <cstdint>
#include <type_traits>

#include "emulation/device.h"

namespace cadenza::kernels {

inline unsigned cluster_rank() { return emulation::cluster_rank(); }
inline unsigned cluster_size() { return emulation::cluster_size(); }
inline void cluster_arrive(emulation::Location at = emulation::Location::here()) {
  emulation::cluster_arrive(at);
}
inline void cluster_wait(emulation::Location at = emulation::Location::here()) {
  emulation::cluster_wait(at);
}
inline void cluster_sync(emulation::Location at = emulation::Location::here()) {
  emulation::cluster_arrive(at);
  emulation::cluster_wait(at);
}

template <typename T>
T* peer_shared(T* object, unsigned rank, emulation::Location at = emulation::Location::here()) {
  return static_cast<T*>(emulation::map_shared(object, rank, at));
}

/// Four or sixteen bytes.
template <typename T>
void store_async(T* shared, std::type_identity_t<T> value, MBarrier* barrier, unsigned rank,
                 emulation::Location at = emulation::Location::here()) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 16);
  *static_cast<T*>(emulation::map_shared(shared, rank, at)) = value;
  emulation::mbarrier_complete(emulation::map_shared(barrier, rank, at), sizeof(T), at);
}

}  // namespace cadenza::kernels
