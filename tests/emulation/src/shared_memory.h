// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "state.h"

namespace cadenza::emulation {

/// The array of the block that holds `bytes` bytes at `object`, or null.
SharedArray* find_array(Block& block, const void* object, std::size_t bytes);
/// The mbarrier at an address in the shared memory of the cluster; fails unless made before.
MBarrierState& find_mbarrier(void* barrier, Location at);
/// After the launch.
void free_retired_shared_memory();

}  // namespace cadenza::emulation
