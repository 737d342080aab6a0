// SPDX-License-Identifier: Apache-2.0
// What the runtime remembers about a grid that runs: threads, warps, blocks, clusters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "context.h"
#include "emulation/device.h"
#include "emulation/location.h"

namespace cadenza::emulation {

struct Block;
struct Cluster;
struct Thread;

enum class ThreadState : std::uint8_t { kFresh, kReady, kRunning, kWaiting, kExited };

/// Threads meet here; the last arrival lets all go on.
struct Barrier {
  unsigned expected = 0;  ///< threads that have not exited
  unsigned arrived = 0;
  std::uint64_t phase = 0;
  std::vector<Thread*> waiting;
  Location site;
  // For the race detector, by parity of the phase, so that a thread that goes on late does not
  // also see what others did in the next phase.
  std::array<char, 2> order{};
  unsigned votes = 0;  ///< of the present phase
  unsigned voters = 0;
  unsigned last_votes = 0;  ///< of the phase before
  unsigned last_voters = 0;
};

enum class WarpFunction : std::uint8_t {
  kShuffle,
  kVote,
  kMatch,
  kReduce,
  kSync,
  kLoadMatrix,
  kMultiply
};

constexpr unsigned kLanes = 32;

/// One call of a warp function, from its first arrival until its last participant has read it.
struct Meeting {
  WarpFunction function = WarpFunction::kSync;
  std::uint32_t mask = 0;
  std::uint32_t arrived = 0;
  unsigned readers = 0;  ///< participants that have not yet read the result
  Location site;
  std::uint32_t combined = 0;  ///< ballot or reduction
  std::array<std::uint64_t, kLanes> values;
  std::array<std::array<std::uint32_t, 6>, kLanes> words;  ///< matrix operands
  std::array<std::array<float, 4>, kLanes> products;       ///< matrix results
};

struct Warp {
  std::uint32_t live = 0;  ///< lanes that exist and have not exited
  std::array<Thread*, kLanes> lanes{};
  std::vector<Meeting*> open;  ///< not all have arrived
  std::vector<Meeting*> idle;
  std::vector<std::unique_ptr<Meeting>> meetings;
  std::array<std::array<char, kLanes>, 2> order{};  ///< of __syncwarp, by parity and lane
};

/// An array in the shared memory of a block, with forbidden bytes on both sides.
struct SharedArray {
  const void* key = nullptr;  ///< of its declaration; null for dynamic memory
  const char* name = "";
  unsigned char* data = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 1;
};

/// Copies of one thread: those before `committed_end` are in committed groups.
struct PendingCopy {
  Copy copy;
  unsigned group;
};
struct ThreadCopies {
  std::vector<PendingCopy> pending;
  std::size_t first = 0;
  unsigned committed = 0;  ///< groups
};

struct Thread {
  Context context;
  Block* block = nullptr;
  Warp* warp = nullptr;
  unsigned lane = 0;
  ThreadState state = ThreadState::kFresh;
  uint3 index{};
  const char* waits_for = "";
  Location waits_at;
  unsigned arrays_taken = 0;  ///< of dynamic shared memory
  unsigned warp_parity = 0;
  std::uint64_t cluster_phase = 0;  ///< of the arrival that waits for its wait
  bool in_cluster_barrier = false;
  ThreadCopies copies;
};

struct MBarrierState {
  Block* block = nullptr;
  unsigned count = 0;
  unsigned pending = 0;
  std::int64_t bytes = 0;  ///< expected and not landed
  unsigned phase = 0;
  std::vector<Thread*> waiting;
  std::vector<Copy> copies;  ///< on the way
  std::array<char, 2> order{};
  char copy_order = 0;
};

constexpr unsigned kNamedBarriers = 16;

struct Block {
  uint3 index{};
  unsigned rank = 0;  ///< in the cluster
  Cluster* cluster = nullptr;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  Barrier barrier;
  std::array<Barrier, kNamedBarriers> named;
  std::vector<SharedArray> static_arrays;
  std::vector<SharedArray> dynamic_arrays;
  std::size_t static_bytes = 0;
  std::size_t dynamic_bytes = 0;
  unsigned live = 0;
};

struct Cluster {
  std::vector<std::unique_ptr<Block>> blocks;
  Barrier barrier;
  std::map<void*, MBarrierState> mbarriers;
};

/// Threads that can run. Its storage does not change while threads run, so that threads that exit
/// do not touch the heap, which the race detector watches.
class ReadyQueue {
 public:
  void reserve(std::size_t threads) {
    std::size_t size = 1;
    while (size <= threads) size *= 2;
    if (size > ring_.size()) ring_.assign(size, nullptr);
    head_ = count_ = 0;
  }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  Thread*& operator[](std::size_t i) { return ring_[at(i)]; }
  void push_back(Thread* thread) { ring_[at(count_++)] = thread; }
  void push_front(Thread* thread) {
    head_ = at(ring_.size() - 1);
    ++count_;
    ring_[head_] = thread;
  }
  Thread* pop_front() {
    Thread* thread = ring_[head_];
    head_ = at(1);
    --count_;
    return thread;
  }
  Thread* pop_back() { return ring_[at(--count_)]; }

 private:
  std::size_t at(std::size_t i) const { return (head_ + i) & (ring_.size() - 1); }

  std::vector<Thread*> ring_;
  std::size_t head_ = 0;
  std::size_t count_ = 0;
};

}  // namespace cadenza::emulation
