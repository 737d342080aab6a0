// SPDX-License-Identifier: Apache-2.0
// Copies of single threads in groups, and bulk copies that complete on an mbarrier.
#include "emulation/config.h"
#include "random.h"
#include "scheduler.h"
#include "shared_memory.h"

namespace cadenza::emulation {
namespace {

Land when() {
  switch (config().copies) {
    case Copies::kEager:
      return Land::kNow;
    case Copies::kLazy:
      return Land::kLater;
    case Copies::kRandom:
      break;
  }
  return random_number() % 2 == 0 ? Land::kNow : Land::kLater;
}

bool aligned(const void* address) { return reinterpret_cast<std::uintptr_t>(address) % 16 == 0; }

void check_copy(const char* what, const Copy& copy, Location at) {
  const char* wrong = nullptr;
  if (find_array(*running->block, copy.to, copy.bytes) == nullptr) {
    wrong = "the destination is not inside one shared array of this block";
  } else if (!aligned(copy.to) || !aligned(copy.from) || copy.bytes % 16 != 0) {
    wrong = "an address or the size is not a multiple of 16";
  }
  if (wrong != nullptr) {
    fail_grid(std::string(what) + ": " + wrong + ", at " + to_string(at) + ", " +
              name_of(*running));
  }
}

}  // namespace

Land copy_issue(const Copy& copy, Location at) {
  const Unobserved unobserved;
  check_copy("cp.async", copy, at);
  const Land land = when();
  ThreadCopies& copies = running->copies;
  if (land == Land::kLater) copies.pending.push_back({copy, copies.committed});
  return land;
}

void copy_commit() { ++running->copies.committed; }

bool copy_next(unsigned groups, Copy& copy) {
  const Unobserved unobserved;
  ThreadCopies& copies = running->copies;
  if (copies.first == copies.pending.size()) {
    copies.pending.clear();
    copies.first = 0;
    return false;
  }
  const PendingCopy& next = copies.pending[copies.first];
  if (next.group + groups >= copies.committed) return false;
  copy = next.copy;
  ++copies.first;
  return true;
}

void check_copies_landed(const Thread& thread) {
  if (thread.copies.first != thread.copies.pending.size()) {
    fail_grid("thread ends with asynchronous copies it never waited for: " + name_of(thread));
  }
}

void close_memory(void* memory, std::size_t bytes) { poison(memory, bytes); }
void open_memory(void* memory, std::size_t bytes) { unpoison(memory, bytes); }

Land bulk_issue(const Copy& copy, void* barrier, Location at) {
  const Unobserved unobserved;
  find_mbarrier(barrier, at);
  check_copy("bulk copy", copy, at);
  return when();
}

void bulk_queue(const Copy& copy, void* barrier, Location at) {
  const Unobserved unobserved;
  MBarrierState& state = find_mbarrier(barrier, at);
  release(&state.copy_order);
  state.copies.push_back(copy);
  wake_all(state.waiting);  // a waiting thread makes the copy land
}

bool bulk_next(void* barrier, Copy& copy) {
  const Unobserved unobserved;
  auto& mbarriers = running->block->cluster->mbarriers;
  const auto found = mbarriers.find(barrier);
  if (found == mbarriers.end() || found->second.copies.empty()) return false;
  acquire(&found->second.copy_order);
  copy = found->second.copies.back();
  found->second.copies.pop_back();
  return true;
}

void check_bulk_copies_landed(const Block& block) {
  for (const auto& [address, state] : block.cluster->mbarriers) {
    if (state.block == &block && !state.copies.empty()) {
      fail_grid("block ends with bulk copies on the way: " + name_of(*running));
    }
  }
}

}  // namespace cadenza::emulation
