// SPDX-License-Identifier: Apache-2.0
// mbarriers: a phase ends when its arrivals have come and its expected bytes have landed.
#include "emulation/device.h"
#include "scheduler.h"
#include "shared_memory.h"

namespace cadenza::emulation {
namespace {

void end_phase_if_complete(MBarrierState& state) {
  if (state.pending != 0 || state.bytes != 0) return;
  state.pending = state.count;
  state.phase ^= 1;
  wake_all(state.waiting);
}

}  // namespace

MBarrierState& find_mbarrier(void* barrier, Location at) {
  auto& mbarriers = running->block->cluster->mbarriers;
  const auto found = mbarriers.find(barrier);
  if (found == mbarriers.end()) {
    fail_grid("mbarrier used before it was made, at " + to_string(at) + ", " + name_of(*running));
  }
  return found->second;
}

void mbarrier_init(void* barrier, unsigned count, Location at) {
  const Unobserved unobserved;
  if (find_array(*running->block, barrier, 8) == nullptr ||
      reinterpret_cast<std::uintptr_t>(barrier) % 8 != 0 || count == 0) {
    fail_grid(
        "mbarrier: a count of 0, or not an aligned address in this block's shared memory, at " +
        to_string(at) + ", " + name_of(*running));
  }
  MBarrierState& state = running->block->cluster->mbarriers[barrier];
  if (!state.waiting.empty()) {
    fail_grid("mbarrier made anew while threads wait at it, at " + to_string(at));
  }
  state.block = running->block;
  state.count = state.pending = count;
  state.bytes = 0;
  state.phase = 0;
}

void mbarrier_arrive(void* barrier, std::int64_t expected_bytes, Location at) {
  const Unobserved unobserved;
  MBarrierState& state = find_mbarrier(barrier, at);
  if (state.pending == 0) {
    fail_grid("mbarrier: more arrivals than its count, at " + to_string(at) + ", " +
              name_of(*running));
  }
  release(&state.order[state.phase]);
  state.bytes += expected_bytes;
  --state.pending;
  end_phase_if_complete(state);
}

void mbarrier_complete(void* barrier, unsigned bytes, Location at) {
  const Unobserved unobserved;
  MBarrierState& state = find_mbarrier(barrier, at);
  release(&state.order[state.phase]);
  state.bytes -= bytes;
  end_phase_if_complete(state);
}

bool mbarrier_wait(void* barrier, unsigned parity, Location at) {
  const Unobserved unobserved;
  MBarrierState& state = find_mbarrier(barrier, at);
  if (state.block != running->block) {
    fail_grid("mbarrier of another block waited for, at " + to_string(at) + ", " +
              name_of(*running));
  }
  if (state.phase == parity) {
    state.waiting.push_back(running);
    wait_until_woken("an mbarrier", at);
  }
  if (state.phase == parity) return false;
  acquire(&state.order[parity]);
  return true;
}

}  // namespace cadenza::emulation
