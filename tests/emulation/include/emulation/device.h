// SPDX-License-Identifier: Apache-2.0
// What emulated device code asks of the runtime. All of it is called by a thread of a kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "emulation/location.h"
#include "vector_types.h"

/// The built-in variables, rewritten whenever another thread runs.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
inline constexpr int warpSize = 32;

namespace cadenza::emulation {

/// Ends the launch with cudaErrorLaunchFailure; `what` becomes part of the report.
[[noreturn]] void fail(const char* what, Location at);
/// Lets other threads run; too many of them without progress are a livelock.
void yield();

// Blocks, clusters, grids.
void block_sync(Location at);
enum class BlockVote { kCount, kAll, kAny };
int block_sync_vote(bool vote, BlockVote kind, Location at);
enum class Wait { kNo, kYes };
void named_barrier(unsigned id, unsigned threads, Wait wait, Location at);
void cluster_arrive(Location at);
void cluster_wait(Location at);
void grid_sync(Location at);
unsigned cluster_rank();
unsigned cluster_size();
bool is_cooperative();

// Shared memory.
/// The block's array of the declaration identified by `key`.
void* static_shared(const void* key, const char* name, std::size_t bytes, std::size_t alignment,
                    Location at);
/// The next array of dynamic shared memory of this thread.
void* dynamic_shared(std::size_t bytes, std::size_t alignment, Location at);
/// The same object in the shared memory of another block of the cluster.
void* map_shared(const void* object, unsigned rank, Location at);

// Warps. A call returns when all live lanes of the mask have made it.
enum class Reduction { kAdd, kMin, kMax, kMinSigned, kMaxSigned, kAnd, kOr, kXor };
unsigned lane();
void warp_sync(std::uint32_t mask, Location at);
/// The value of lane `source`, or all ones if that lane did not take part.
std::uint64_t warp_shuffle(std::uint64_t value, unsigned source, std::uint32_t mask, Location at);
std::uint32_t warp_ballot(bool vote, std::uint32_t mask, Location at);
std::uint32_t warp_match(std::uint64_t value, std::uint32_t mask, Location at);
std::uint32_t warp_reduce(std::uint32_t value, Reduction kind, std::uint32_t mask, Location at);
/// `row` is this lane's 16 bytes, which it has read itself so that sanitizers saw the access.
enum class Transposed { kNo, kYes };
void warp_load_matrix(std::uint32_t* out, const std::uint32_t* row, unsigned matrices,
                      Transposed transposed, Location at);
enum class MatrixType { kBf16, kF16, kTf32 };
void warp_multiply(MatrixType type, float* d, const std::uint32_t* a, const std::uint32_t* b,
                   const float* c, Location at);

// Copies beside the threads. The caller moves the bytes itself, in instrumented code.
struct Copy {
  void* to;
  const void* from;  ///< null: zeros
  unsigned bytes;
};
enum class Land { kNow, kLater };
/// Checks and registers a copy of this thread; says whether it lands now.
Land copy_issue(const Copy& copy, Location at);
void copy_commit();
/// Gives in `copy` the next copy that must land so that `groups` remain in flight; false when done.
bool copy_next(unsigned groups, Copy& copy);
/// Memory whose copy is under way: an access is an AddressSanitizer report.
void close_memory(void* memory, std::size_t bytes);
void open_memory(void* memory, std::size_t bytes);

// mbarriers, known by their address.
void mbarrier_init(void* barrier, unsigned count, Location at);
void mbarrier_arrive(void* barrier, std::int64_t expected_bytes, Location at);
/// One wait; true when the phase of `parity` is complete.
bool mbarrier_wait(void* barrier, unsigned parity, Location at);
/// Counts bytes that have landed.
void mbarrier_complete(void* barrier, unsigned bytes, Location at);
Land bulk_issue(const Copy& copy, void* barrier, Location at);
void bulk_queue(const Copy& copy, void* barrier, Location at);
bool bulk_next(void* barrier, Copy& copy);

/// A fence, for the race detector: orders everything before after all earlier fences.
void fence();

}  // namespace cadenza::emulation
