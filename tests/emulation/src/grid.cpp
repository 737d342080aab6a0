// SPDX-License-Identifier: Apache-2.0
#include "grid.h"

#include <algorithm>
#include <mutex>
#include <random>

#include "emulation/config.h"
#include "random.h"
#include "report.h"
#include "scheduler.h"
#include "shared_memory.h"

namespace cadenza::emulation {
namespace {

std::mutex launch_mutex;
std::mt19937_64 random_engine;
// Clusters of finished launches, whose memory the next ones use again.
std::vector<std::unique_ptr<Cluster>> idle_clusters;

unsigned count(dim3 extents) { return extents.x * extents.y * extents.z; }

void begin_thread(Thread& thread, Block& block, unsigned number) {
  const dim3 extents = grid->shape.block;
  thread.block = &block;
  thread.warp = &block.warps[number / kLanes];
  thread.lane = number % kLanes;
  thread.index = {number % extents.x, number / extents.x % extents.y,
                  number / (extents.x * extents.y)};
  thread.state = ThreadState::kFresh;
  thread.arrays_taken = 0;
  thread.in_cluster_barrier = false;
  thread.copies = {};
  thread.warp->live |= 1U << thread.lane;
  thread.warp->lanes[thread.lane] = &thread;
#ifdef CADENZA_EMULATION_TSAN
  thread.context.stack_bytes = config().stack_bytes;
  thread.context.stack = take_stack(thread.context.stack_bytes);
  thread.context.tsan_fiber = __tsan_create_fiber(0);
  __tsan_set_fiber_name(thread.context.tsan_fiber, name_of(thread).c_str());
#endif
}

void reset(Barrier& barrier, unsigned expected) {
  barrier.expected = expected;
  barrier.arrived = barrier.votes = barrier.voters = 0;
  barrier.phase = 0;
  barrier.waiting.clear();
}

void begin_block(Block& block, Cluster& cluster, uint3 index, unsigned rank) {
  const unsigned threads = count(grid->shape.block);
  block.index = index;
  block.rank = rank;
  block.cluster = &cluster;
  block.live = threads;
  reset(block.barrier, threads);
  for (Barrier& barrier : block.named) reset(barrier, 0);
  block.warps.resize((threads + kLanes - 1) / kLanes);
  for (Warp& warp : block.warps) {
    warp.live = 0;
    warp.open.clear();
    warp.idle.clear();
    for (const auto& meeting : warp.meetings) warp.idle.push_back(meeting.get());
  }
  block.threads.resize(threads);
  for (unsigned i = 0; i < threads; ++i) begin_thread(block.threads[i], block, i);
}

std::unique_ptr<Cluster> begin_cluster(uint3 base) {
  std::unique_ptr<Cluster> cluster;
  if (idle_clusters.empty()) {
    cluster = std::make_unique<Cluster>();
  } else {
    cluster = std::move(idle_clusters.back());
    idle_clusters.pop_back();
  }
  const GridShape& shape = grid->shape;
  const unsigned blocks = count(shape.cluster);
  const unsigned threads = blocks * count(shape.block);
  cluster->blocks.resize(blocks);
  cluster->mbarriers.clear();
  reset(cluster->barrier, threads);
  unsigned rank = 0;
  for (unsigned z = 0; z < shape.cluster.z; ++z) {
    for (unsigned y = 0; y < shape.cluster.y; ++y) {
      for (unsigned x = 0; x < shape.cluster.x; ++x, ++rank) {
        std::unique_ptr<Block>& block = cluster->blocks[rank];
        if (block == nullptr) block = std::make_unique<Block>();
        begin_block(*block, *cluster, {base.x + x, base.y + y, base.z + z}, rank);
      }
    }
  }
  grid->live += threads;
  statistics().threads += threads;
  return cluster;
}

void end_context(Context& context) {
  if (context.stack != nullptr) return_stack(context.stack, context.stack_bytes);
  context.stack = nullptr;
#ifdef CADENZA_EMULATION_TSAN
  if (grid->failed) {  // abandoned: ordered before the end of the launch, and left
    void* host = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(context.tsan_fiber, 1);
    __tsan_release(&grid->end_order);
    __tsan_switch_to_fiber(host, 1);
  } else {
    __tsan_destroy_fiber(context.tsan_fiber);
  }
#endif
}

void end_cluster(std::unique_ptr<Cluster> cluster) {
  for (const auto& block : cluster->blocks) {
    for (Thread& thread : block->threads) end_context(thread.context);
    free_shared_memory(*block);
  }
  // Where races are sought, its memory was that of threads which are not ordered before the next.
  if (!kFindsRaces) idle_clusters.push_back(std::move(cluster));
}

void make_ready() {
  std::vector<Thread*> threads;
  threads.reserve(grid->live);
  for (const auto& cluster : grid->clusters) {
    for (const auto& block : cluster->blocks) {
      for (Thread& thread : block->threads) threads.push_back(&thread);
    }
  }
  if (config().order == Order::kReverse) std::reverse(threads.begin(), threads.end());
  grid->ready.reserve(threads.size());
  for (Thread* thread : threads) grid->ready.push_back(thread);
}

/// First blocks of all clusters, in the order in which they run.
std::vector<uint3> cluster_bases(const GridShape& shape) {
  std::vector<uint3> bases;
  for (unsigned z = 0; z < shape.grid.z; z += shape.cluster.z) {
    for (unsigned y = 0; y < shape.grid.y; y += shape.cluster.y) {
      for (unsigned x = 0; x < shape.grid.x; x += shape.cluster.x) bases.push_back({x, y, z});
    }
  }
  if (config().order == Order::kReverse) std::reverse(bases.begin(), bases.end());
  if (config().order == Order::kRandom) std::shuffle(bases.begin(), bases.end(), random_engine);
  return bases;
}

void run_together(const uint3* first, const uint3* last) {
  for (; first != last; ++first) grid->clusters.push_back(begin_cluster(*first));
  make_ready();
  run_ready_threads();
  if (grid->live > 0 && !grid->failed) {
    grid->failed = true;
    set_report(deadlock_report());
  }
  for (std::unique_ptr<Cluster>& cluster : grid->clusters) end_cluster(std::move(cluster));
  grid->clusters.clear();
  if (grid->failed) grid->live = 0;
}

}  // namespace

std::uint64_t random_number() { return random_engine(); }
void seed_random(std::uint64_t seed) { random_engine.seed(seed); }

cudaError_t run_grid(const GridShape& shape, const ThreadBody& body) {
  const std::lock_guard<std::mutex> lock(launch_mutex);
  const Unobserved unobserved;
  static Grid only_grid;  // its queue's memory is used again
  only_grid.shape = shape;
  only_grid.body = &body;
  only_grid.live = only_grid.exited = only_grid.idle_yields = 0;
  only_grid.failed = false;
  grid = &only_grid;
  seed_random(config().seed);
  blockDim = shape.block;
  gridDim = shape.grid;
  ++statistics().launches;
  release(&grid->end_order);
  const std::vector<uint3> bases = cluster_bases(shape);
  reset(grid->barrier, count(shape.grid) * count(shape.block));
  std::size_t together = std::max(1U, config().resident_blocks);
  if (shape.cooperative) {
    together = bases.size();
  } else if (count(shape.cluster) > 1) {
    together = 1;
  }
  for (std::size_t i = 0; i < bases.size() && !grid->failed; i += together) {
    run_together(bases.data() + i, bases.data() + std::min(bases.size(), i + together));
  }
  acquire(&grid->end_order);
  free_retired_shared_memory();
  const bool failed = grid->failed;
  grid = nullptr;
  return failed ? cudaErrorLaunchFailure : cudaSuccess;
}

}  // namespace cadenza::emulation
