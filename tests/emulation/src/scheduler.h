// SPDX-License-Identifier: Apache-2.0
// Which thread runs, and how it waits.
#pragma once

#include <string>
#include <vector>

#include "grid.h"
#include "sanitizers.h"
#include "state.h"

namespace cadenza::emulation {

/// The grid that runs, and the thread of it that runs; null outside.
extern Grid* grid;
extern Thread* running;

/// Runs the threads that are ready until none is, or the grid has failed.
void run_ready_threads();

/// Blocks the running thread until somebody wakes it.
void wait_until_woken(const char* what, Location at);
void wake(Thread* thread);
/// Wakes all and empties the list.
void wake_all(std::vector<Thread*>& threads);

/// Ends the grid: it is abandoned as it stands.
[[noreturn]] void fail_grid(const std::string& report);
/// Who waits where.
std::string deadlock_report();

/// A thread's entry function.
void thread_main();
/// Called when the running thread has returned from the kernel.
void end_thread(Thread* thread);

/// "block (0,0,0) thread (3,0,0)".
std::string name_of(const Thread& thread);
/// "file.cu:17".
std::string to_string(Location at);

// Parts of a thread's end, by what they belong to.
void leave_warp(Thread* thread);
void leave_barriers(Thread* thread);
void check_copies_landed(const Thread& thread);
void check_bulk_copies_landed(const Block& block);

// Shared memory of a block.
void close_shared_memory(Block& block);
void free_shared_memory(Block& block);

}  // namespace cadenza::emulation
