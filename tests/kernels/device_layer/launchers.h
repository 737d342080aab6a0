// SPDX-License-Identifier: Apache-2.0
// Kernels that use one feature of kernels/device each, so that a device and the emulation of it can
// be shown to agree. All run on the default stream; arrays are in device memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "cadenza/backend.h"

namespace cadenza::kernels {

// matrix.cu: one warp

inline constexpr int kProductRows = 16;
inline constexpr int kProductColumns = 8;
inline constexpr int kProductDepth = 32;

/// d[16][8] = a[16][32] b[32][8] + c[16][8], the factors rounded to bf16, fp16 or tf32.
void multiply_fragments(Precision precision, const float* a, const float* b, const float* c,
                        float* d);

enum class MatrixLoad { x4, x4_transposed, x2, x2_transposed };

/// words[32][4]: what each lane receives of matrices[4][8][8]; zero where it receives nothing.
void load_matrices(MatrixLoad load, const std::uint16_t* matrices, std::uint32_t* words);

void round_to_tf32(const float* values, int count, float* rounded);

// formats.cu: between f32 and the 16-bit formats of kernels/formats.cuh

/// Nearest, ties to even; beyond 65,504 infinity.
void narrow_to_fp16(const float* values, std::int64_t count, std::uint16_t* halves);
/// Of bf16 or fp16, exact.
void widen(Precision format, const std::uint16_t* values, std::int64_t count, float* wide);

// copies.cu: tiles of kTileVectors vectors, each reversed

inline constexpr int kTileVectors = 64;

/// Through per-thread copies in groups. Vectors from `valid` on are zero and not read.
void reverse_by_group_copies(const float4* from, int tiles, int valid, float4* to);

/// Through bulk copies, by a thread that fills a ring of tiles for the others.
void reverse_by_bulk_copies(const float4* from, int tiles, float4* to);

// barriers.cu

inline constexpr int kRingThreads = 96;

/// to[i] = from[(i + rounds) % kRingThreads], one step a phase of an mbarrier.
void rotate_by_mbarrier(const int* from, int rounds, int* to);

inline constexpr int kTeamThreads = 64;

/// `rounds` times: every element becomes that at the mirrored place plus one, by one half of a
/// block; then the double of its right neighbour, by the other.
void alternate_by_named_barriers(const int* from, int rounds, int* to);

// cluster.cu: blocks of kPeerThreads threads, one element a thread

inline constexpr int kPeerThreads = 64;

struct ClusterShape {
  unsigned clusters;
  unsigned blocks;  ///< of a cluster
};

/// Whether the device runs clusters of that many blocks.
bool cluster_fits(unsigned blocks);

/// to = what the block before in the cluster had, plus 1000 times what the one after has; the first
/// written to its neighbour, the second read from there.
void exchange_in_cluster(ClusterShape shape, const int* from, int* to);

/// Each block sends its elements to the next in the cluster, `rounds` times, without a barrier of
/// the cluster. to[..][0 to 3], [4] and [5] are the parts of 24 bytes that were sent as four
/// floats, one float and an integer: 1, 2, ... 6 times an element, which is not negative.
void send_in_cluster(ClusterShape shape, int rounds, const int* from, float* to);

// grid.cu

inline constexpr int kGridThreads = 32;

struct GridShape {
  unsigned blocks;
  unsigned cluster = 1;
};

/// `rounds` times, values of each block go to the next, between two buffers of blocks x
/// kGridThreads: the last round writes buffers[rounds % 2].
void rotate_over_grid(GridShape shape, int rounds, int* even, int* odd);

/// values[b][i] += values[b - 1][kGridThreads - 1 - i], block after block, each waiting for the
/// flag (zero at first) of the one before. Values are blocks x kGridThreads.
void accumulate_along_blocks(unsigned blocks, unsigned* flags, int* values);

/// sums[i]: over all blocks of values[..][i], by the block that counts itself last. `counter` is
/// zero before; `partial` is working memory as large as `values`.
void sum_by_last_block(unsigned blocks, const int* values, int* partial, unsigned* counter,
                       int* sums);

// warp.cu

enum class WarpFunction {
  shuffle,  ///< from lane (3 lane + 1) of the lanes that take part
  shuffle_up,
  shuffle_down,
  shuffle_xor,
  shuffle_wide,  ///< 64 bits, from the first lane
  ballot,        ///< of values that are odd, as any and all
  any,
  all,
  match,
  reduce_add,
  reduce_min,
  reduce_max,
  reduce_min_unsigned,
  reduce_max_unsigned,
  reduce_and,
  reduce_or,
  reduce_xor,
  exchange,  ///< through shared memory, from the mirrored lane
};
inline constexpr int kUp = 3, kDown = 5, kFlip = 6;  ///< how far shuffles reach

/// The function over 32 lanes, or over halves of a warp that go different ways.
enum class WarpMask { whole, halves };

void evaluate_in_warp(WarpFunction function, WarpMask mask, const int* values,
                      std::uint32_t* results);

inline constexpr unsigned kTileLanes = 8;

/// What each of 64 threads learns in its tile of kTileLanes.
struct TileResult {
  unsigned rank, tile, tiles, ballot;
  int any, all, first, up, down, flipped, sum, smallest, greatest, mirrored;

  bool operator==(const TileResult&) const = default;
};
void evaluate_in_tiles(const int* values, TileResult* results);

/// What all threads of a block learn of how many `values` are odd.
struct VoteResult {
  int count, all, any;
};
void vote_in_block(int threads, const int* values, VoteResult* results);

// shared.cu

/// to[i] = from[count - 1 - i] for i < 256, through three arrays of dynamic shared memory, the
/// second of `count` elements, and two static ones. `misaligned` counts arrays that do not start
/// where promised.
void mirror_in_shared(int count, const int* from, int* to, int* misaligned);

/// Vectors in reverse order.
void reverse_vectors(const float4* from, int count, float4* to);
void reverse_vectors(const int2* from, int count, int2* to);

}  // namespace cadenza::kernels
