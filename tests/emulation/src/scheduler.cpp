// SPDX-License-Identifier: Apache-2.0
#include "scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "emulation/config.h"
#include "random.h"
#include "report.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace cadenza::emulation {

Grid* grid = nullptr;
Thread* running = nullptr;

namespace {

Context host_context;

Thread* next_thread() {
  ReadyQueue& ready = grid->ready;
  if (ready.empty()) return nullptr;
  switch (config().order) {
    case Order::kGreedy:
      return ready.pop_back();
    case Order::kRandom:
      std::swap(ready[random_number() % ready.size()], ready[ready.size() - 1]);
      return ready.pop_back();
    case Order::kForward:
    case Order::kReverse:
      break;
  }
  return ready.pop_front();
}

void give_stack(Thread& thread) {
  if (thread.context.stack == nullptr) {
    thread.context.stack_bytes = config().stack_bytes;
    thread.context.stack = take_stack(thread.context.stack_bytes);
  }
  prepare_context(thread.context, thread_main);
}

void set_running(Thread* thread) {
  running = thread;
  thread->state = ThreadState::kRunning;
  threadIdx = thread->index;
  blockIdx = thread->block->index;
}

void resume(Context& from, Thread* thread, Leaving leaving) {
  ++statistics().switches;
  if (thread->state == ThreadState::kFresh) give_stack(*thread);
  set_running(thread);
  switch_context(from, thread->context, leaving);
}

void return_to_host(Context& from, Leaving leaving) {
  running = nullptr;
  switch_context(from, host_context, leaving);
}

/// Lets another thread run; returns when `self` is chosen again.
void switch_away(Thread* self) {
  Thread* next = next_thread();
  if (next == self) {
    self->state = ThreadState::kRunning;
  } else if (next == nullptr) {
    return_to_host(self->context, Leaving::kForNow);
  } else {
    resume(self->context, next, Leaving::kForNow);
  }
}

}  // namespace

void run_ready_threads() {
  describe_own_stack(host_context);
  if (Thread* thread = next_thread()) resume(host_context, thread, Leaving::kForNow);
}

void thread_main() {
  entered_context();
  Thread* self = running;
  Thread* next = nullptr;
  for (;;) {
    (*grid->body)();
    {
      const Unobserved unobserved;
      end_thread(self);
      next = next_thread();
    }
    // A thread that has not begun takes over the stack, without a switch. Not where races are
    // sought: there each thread is known by its stack.
    if (kFindsRaces || next == nullptr || next->state != ThreadState::kFresh) break;
    std::swap(next->context, self->context);
    set_running(next);
    self = next;
  }
  if (!kFindsRaces) {
    return_stack(self->context.stack, self->context.stack_bytes);
    self->context.stack = nullptr;
  }
  release(&grid->end_order);
  if (next == nullptr) {
    return_to_host(self->context, Leaving::kForGood);
  } else {
    resume(self->context, next, Leaving::kForGood);
  }
  std::abort();  // not reached
}

void end_thread(Thread* thread) {
  check_copies_landed(*thread);
  if (thread->in_cluster_barrier) {
    fail_grid("thread ends between arrival and wait of a cluster barrier: " + name_of(*thread));
  }
  thread->state = ThreadState::kExited;
  --grid->live;
  ++grid->exited;
  grid->idle_yields = 0;
  leave_warp(thread);
  leave_barriers(thread);
  if (--thread->block->live == 0) {
    check_bulk_copies_landed(*thread->block);
    close_shared_memory(*thread->block);
  }
}

void wait_until_woken(const char* what, Location at) {
  Thread* self = running;
  self->state = ThreadState::kWaiting;
  self->waits_for = what;
  self->waits_at = at;
  switch_away(self);
}

void wake(Thread* thread) {
  thread->state = ThreadState::kReady;
  grid->ready.push_back(thread);
  grid->idle_yields = 0;
}

void wake_all(std::vector<Thread*>& threads) {
  if (config().order == Order::kReverse) {
    for (auto thread = threads.rbegin(); thread != threads.rend(); ++thread) wake(*thread);
  } else {
    for (Thread* thread : threads) wake(thread);
  }
  threads.clear();
}

void yield() {
  const Unobserved unobserved;
  if (running == nullptr) return;
  if (++grid->idle_yields > config().spin_limit) {
    fail_grid("livelock: threads spin without progress, among them " + name_of(*running) + "; " +
              deadlock_report());
  }
  running->state = ThreadState::kReady;
  if (config().order == Order::kGreedy) {
    grid->ready.push_front(running);
  } else {
    grid->ready.push_back(running);
  }
  switch_away(running);
}

void fail(const char* what, Location at) {
  const Unobserved unobserved;
  fail_grid(std::string(what) + " at " + to_string(at) + ", " + name_of(*running));
}

std::string name_of(const Thread& thread) {
  const uint3 block = thread.block->index;
  char text[128];
  std::snprintf(text, sizeof text, "block (%u,%u,%u) thread (%u,%u,%u)", block.x, block.y, block.z,
                thread.index.x, thread.index.y, thread.index.z);
  return text;
}

std::string to_string(Location at) {
  const char* slash = std::strrchr(at.file, '/');
  return std::string(slash == nullptr ? at.file : slash + 1) + ":" + std::to_string(at.line);
}

std::string deadlock_report() {
  struct Group {
    unsigned threads = 0;
    std::string first;
  };
  std::map<std::string, Group> groups;
  for (const auto& cluster : grid->clusters) {
    for (const auto& block : cluster->blocks) {
      for (const Thread& thread : block->threads) {
        if (thread.state != ThreadState::kWaiting) continue;
        Group& group = groups[std::string(thread.waits_for) + " at " + to_string(thread.waits_at)];
        if (group.threads++ == 0) group.first = name_of(thread);
      }
    }
  }
  std::string report = "deadlock: no thread can run, " + std::to_string(grid->exited) +
                       " threads of the grid have exited";
  for (const auto& [where, group] : groups) {
    report +=
        ", " + std::to_string(group.threads) + " wait in " + where + " (first " + group.first + ")";
  }
  return report;
}

void fail_grid(const std::string& report) {
  grid->failed = true;
  set_report(report);
  return_to_host(running->context, Leaving::kForNow);
  std::abort();  // an abandoned thread never runs again
}

}  // namespace cadenza::emulation
