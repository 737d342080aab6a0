// SPDX-License-Identifier: Apache-2.0
// Barriers of blocks, parts of blocks, clusters and grids. They count threads that have not exited,
// as the device does. All arrivals come from one source line, or the launch fails.
#include <cstring>

#include "emulation/config.h"
#include "scheduler.h"

namespace cadenza::emulation {
namespace {

bool same(Location a, Location b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

bool complete(Barrier& barrier) {
  if (barrier.expected == 0 || barrier.arrived < barrier.expected) return false;
  barrier.arrived = 0;
  ++barrier.phase;
  barrier.last_votes = barrier.votes;
  barrier.last_voters = barrier.voters;
  barrier.votes = barrier.voters = 0;
  ++statistics().barriers;
  wake_all(barrier.waiting);
  return true;
}

void check_site(Barrier& barrier, const char* what, Location at) {
  if (barrier.arrived == 0) {
    barrier.site = at;
  } else if (!same(barrier.site, at)) {
    fail_grid(std::string("divergent ") + what + ": " + name_of(*running) + " arrives at " +
              to_string(at) + " while others arrived at " + to_string(barrier.site));
  }
}

void arrive_and_wait(Barrier& barrier, const char* what, Location at) {
  check_site(barrier, what, at);
  char* order = &barrier.order[barrier.phase & 1];
  release(order);
  ++barrier.arrived;
  if (!complete(barrier)) {
    barrier.waiting.push_back(running);
    wait_until_woken(what, at);
  }
  acquire(order);
}

void expect_one_less(Barrier& barrier) {
  if (barrier.expected == 0) return;
  --barrier.expected;
  complete(barrier);
}

}  // namespace

void leave_barriers(Thread* thread) {
  expect_one_less(thread->block->barrier);
  expect_one_less(thread->block->cluster->barrier);
}

void block_sync(Location at) {
  const Unobserved unobserved;
  arrive_and_wait(running->block->barrier, "__syncthreads", at);
}

int block_sync_vote(bool vote, BlockVote kind, Location at) {
  const Unobserved unobserved;
  Barrier& barrier = running->block->barrier;
  barrier.votes += vote ? 1 : 0;
  ++barrier.voters;
  arrive_and_wait(barrier, "__syncthreads with a vote", at);
  switch (kind) {
    case BlockVote::kCount:
      return static_cast<int>(barrier.last_votes);
    case BlockVote::kAll:
      return barrier.last_votes == barrier.last_voters ? 1 : 0;
    case BlockVote::kAny:
      break;
  }
  return barrier.last_votes > 0 ? 1 : 0;
}

void named_barrier(unsigned id, unsigned threads, Wait wait, Location at) {
  const Unobserved unobserved;
  if (id == 0 || id >= kNamedBarriers || threads == 0 || threads % kLanes != 0) {
    fail_grid("named barrier: " + std::to_string(threads) + " threads at barrier " +
              std::to_string(id) + ", expected a multiple of 32 at one of 1 to 15, at " +
              to_string(at));
  }
  Barrier& barrier = running->block->named[id];
  if (barrier.arrived > 0 && barrier.expected != threads) {
    fail_grid("named barrier " + std::to_string(id) + ": counts of threads differ at " +
              to_string(at) + ", " + name_of(*running));
  }
  barrier.expected = threads;
  char* order = &barrier.order[barrier.phase & 1];
  release(order);
  ++barrier.arrived;
  if (!complete(barrier) && wait == Wait::kYes) {
    barrier.waiting.push_back(running);
    wait_until_woken("a named barrier", at);
  }
  if (wait == Wait::kYes) acquire(order);
}

void cluster_arrive(Location at) {
  const Unobserved unobserved;
  Barrier& barrier = running->block->cluster->barrier;
  if (running->in_cluster_barrier) {
    fail_grid("cluster barrier: second arrival without a wait at " + to_string(at) + ", " +
              name_of(*running));
  }
  check_site(barrier, "cluster barrier", at);
  running->in_cluster_barrier = true;
  running->cluster_phase = barrier.phase;
  release(&barrier.order[barrier.phase & 1]);
  ++barrier.arrived;
  complete(barrier);
}

void cluster_wait(Location at) {
  const Unobserved unobserved;
  Thread* self = running;
  Barrier& barrier = self->block->cluster->barrier;
  if (!self->in_cluster_barrier) {
    fail_grid("cluster barrier: wait without an arrival at " + to_string(at) + ", " +
              name_of(*self));
  }
  while (barrier.phase == self->cluster_phase) {
    barrier.waiting.push_back(self);
    wait_until_woken("the cluster barrier", at);
  }
  self->in_cluster_barrier = false;
  acquire(&barrier.order[self->cluster_phase & 1]);
}

void grid_sync(Location at) {
  const Unobserved unobserved;
  if (!grid->shape.cooperative) {
    fail_grid("grid barrier in a launch that is not cooperative, at " + to_string(at));
  }
  if (grid->exited > 0) {
    fail_grid("grid barrier after " + std::to_string(grid->exited) +
              " threads of the grid have exited, at " + to_string(at));
  }
  arrive_and_wait(grid->barrier, "the grid barrier", at);
}

unsigned cluster_rank() { return running->block->rank; }
unsigned cluster_size() { return static_cast<unsigned>(running->block->cluster->blocks.size()); }
bool is_cooperative() { return grid->shape.cooperative; }

void fence() {
  const Unobserved unobserved;
  if (grid == nullptr) return;
  acquire(&grid->fence_order);
  release(&grid->fence_order);
}

}  // namespace cadenza::emulation
