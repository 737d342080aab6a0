// SPDX-License-Identifier: Apache-2.0
// 5: one round of an all-to-all among all multiprocessors through L2: everybody publishes words of
// 16 bytes and reads everybody's. Packets carry their round; the other ways announce it beside the
// data, by a flag of each block, one counter, or a barrier of the grid.
#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

enum class Way { kPackets, kFlags, kCounter, kGridBarrier };

constexpr unsigned kThreads = 512;
constexpr int kRounds = 272;
constexpr int kWarmUp = 16;

struct Board {
  uint4* words;     ///< [2][blocks * words_of_block]: two rounds
  unsigned* flags;  ///< [blocks], or the counter
};

/// 16 bytes that are written and read as one, past L1.
__device__ __forceinline__ void store_packet(uint4* to, unsigned value, unsigned round) {
  const std::uint64_t low = static_cast<std::uint64_t>(value) << 32 | value;
  const std::uint64_t high = static_cast<std::uint64_t>(round) << 32 | value;
  asm volatile(
      "{\n.reg .b128 t;\nmov.b128 t, {%1, %2};\nst.relaxed.gpu.global.b128 [%0], t;\n}" ::"l"(to),
      "l"(low), "l"(high)
      : "memory");
}

constexpr unsigned kPolls = 4;  // packets a thread looks for at once

/// Waits for packets of `round` at from[0], from[kThreads], ...; false if patience ran out.
__device__ __forceinline__ bool load_packets(const uint4* from, unsigned count, unsigned round,
                                             unsigned (&values)[kPolls]) {
  Patience patience;
  bool all = false;
  do {
    std::uint64_t low[kPolls] = {};
    std::uint64_t high[kPolls] = {};
#pragma unroll
    for (unsigned i = 0; i < kPolls; ++i) {
      if (i >= count) continue;
      asm volatile("{\n.reg .b128 t;\nld.relaxed.gpu.global.b128 t, [%2];\nmov.b128 {%0, %1}, t;\n}"
                   : "=l"(low[i]), "=l"(high[i])
                   : "l"(from + i * kThreads)
                   : "memory");
    }
    all = true;
#pragma unroll
    for (unsigned i = 0; i < kPolls; ++i) {
      values[i] = i < count ? static_cast<unsigned>(low[i]) : round;
      all = all && (i >= count || high[i] >> 32 == round);
    }
  } while (!all && patience.left());
  return all;
}

/// Publishes that this block's words stand and waits until everybody's do.
template <Way kWay>
__device__ __forceinline__ bool announce_and_wait(const Board& board, unsigned round) {
  if constexpr (kWay == Way::kGridBarrier) {
    cooperative_groups::this_grid().sync();
    return true;
  }
  __syncthreads();
  const unsigned thread = threadIdx.x;
  if (thread == 0) {
    if constexpr (kWay == Way::kFlags) kernels::store_release(board.flags + blockIdx.x, round);
    if constexpr (kWay == Way::kCounter) {
      asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(board.flags) : "memory");
    }
  }
  const unsigned watchers = kWay == Way::kFlags ? gridDim.x : 1;
  const unsigned wanted = kWay == Way::kFlags ? round : round * gridDim.x;
  bool seen = true;
  if (thread < watchers) {
    Patience patience;
    do {
      seen = kernels::load_acquire(board.flags + thread) >= wanted;
    } while (!seen && patience.left());
  }
  return __syncthreads_or(!seen) == 0;
}

/// mapping: block = one participant on each multiprocessor. memory: two rounds of words in L2; a
/// block publishes round r + 2 only after all others have published r + 1, so are done with r.
/// numerics: integers, checked. limits: blocks <= kThreads; launched cooperatively.
template <Way kWay>
__global__ void __launch_bounds__(kThreads)
    l2_exchange_kernel(Board board, unsigned words_of_block, Mark* marks) {
  const unsigned thread = threadIdx.x;
  const unsigned total = gridDim.x * words_of_block;
  unsigned value = 1;
  unsigned wrong = 0;
  bool dead = false;
  Span span;
  for (int index = 0; index < kRounds && !dead; ++index) {
    if (index == kWarmUp && thread == 0) span.start();
    const unsigned round = static_cast<unsigned>(index) + 1;
    uint4* const words = board.words + (round & 1u) * total;
    uint4* const mine = words + blockIdx.x * words_of_block + thread;
    unsigned got = round;
    if constexpr (kWay == Way::kPackets) {
      if (thread < words_of_block) store_packet(mine, value, round);
      for (unsigned i = thread; i < total && !dead; i += kThreads * kPolls) {
        unsigned values[kPolls];
        dead = !load_packets(words + i, (total - i + kThreads - 1) / kThreads, round, values);
        got = values[0];
        for (const unsigned v : values) wrong |= v ^ round;
      }
      dead = __syncthreads_or(dead) != 0;
    } else {
      if (thread < words_of_block) __stcg(mine, make_uint4(value, value, value, value));
      dead = !announce_and_wait<kWay>(board, round);
#pragma unroll 4
      for (unsigned i = thread; i < total; i += kThreads) {
        const uint4 word = __ldcg(words + i);
        got = word.x;
        wrong |= (word.x ^ round) | (word.w ^ round);
      }
    }
    value = got + 1;
  }
  __syncthreads();
  if (thread == 0) span.stop(marks[blockIdx.x]);
  if (dead || wrong != 0) atomicAdd(&marks[blockIdx.x].failures, 1);
}

template <Way kWay>
void run_case(const char* way, unsigned words_of_block, const char* expected) {
  Row row("l2_exchange");
  row.add("way", way).add("bytes_of_block", 16.0 * words_of_block);
  attempt(row, [&] {
    const auto blocks = static_cast<unsigned>(sm_count());
    check(blocks <= kThreads, "l2_exchange: ", blocks, " multiprocessors, expected at most ",
          kThreads);
    row.add("blocks", blocks);
    DeviceArray<uint4> words(std::size_t{2} * blocks * words_of_block);
    DeviceArray<unsigned> flags(blocks);
    const kernels::LaunchConfig config = {.kernel = "l2_exchange",
                                          .shape = {blocks, words_of_block},
                                          .grid = dim3(blocks),
                                          .block = dim3(kThreads),
                                          .shared_bytes = 120 * 1024,
                                          .cooperative = true};
    const Sample sample = measure(static_cast<int>(blocks), 5, [&](Mark* marks) {
      words.clear();  // rounds of an earlier launch must not count
      flags.clear();
      kernels::launch(config, l2_exchange_kernel<kWay>, Board{words.get(), flags.get()},
                      words_of_block, marks);
    });
    print_sample(row, sample, sample.nanoseconds / (kRounds - kWarmUp), "ns/round", expected);
  });
}

}  // namespace

void bench_l2_exchange() {
  for (const unsigned words : {1u, 4u, 16u, 32u}) {
    run_case<Way::kPackets>("packets", words, "600");
    run_case<Way::kFlags>("flag_of_block", words, "950");
    run_case<Way::kCounter>("one_counter", words, "950");
    run_case<Way::kGridBarrier>("grid_barrier", words, "1400");
  }
}

}  // namespace cadenza::micro
