// SPDX-License-Identifier: Apache-2.0
// 3: cycles of a warpgroup product, A from registers or shared memory, beside the products of
// single warps. Operands are random; the clock is printed because it falls under load.
#include <algorithm>
#include <type_traits>

#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"
#include "bench/micro/wgmma.h"

namespace cadenza::micro {
namespace {

enum class Source { kRegisters, kShared };

constexpr int kGroups = 256;
constexpr int kInGroup = 16;
constexpr std::uint32_t kTileBytes = 8192;  // 64 rows of 128 bytes
constexpr std::size_t kShared = 48 * 1024;

/// Random operand bits: any s8, or bf16 in +-[0.5, 1).
template <typename Sum>
__device__ std::uint32_t operand_bits(std::uint32_t index) {
  if constexpr (std::is_same_v<Sum, int>) return mixed(index);
  return (mixed(index) & 0x807F807Fu) | 0x3F003F00u;
}

/// Fixes a register at this place of the program.
__device__ __forceinline__ void pin(float& x) { asm volatile("" : "+f"(x)::"memory"); }
__device__ __forceinline__ void pin(int& x) { asm volatile("" : "+r"(x)::"memory"); }
__device__ __forceinline__ void pin(std::uint32_t& x) { asm volatile("" : "+r"(x)::"memory"); }

/// mapping: warpgroup = one chain of accumulators; B is common. memory: two tiles of A, one of B.
/// numerics: sums are not looked at. limits: one group of kInGroup products is kept in flight.
template <typename Sum, int kColumns, Source kSource>
__global__ void __launch_bounds__(256, 1) wgmma_kernel(Mark* marks) {
  kernels::DynamicShared shared;
  auto* const words = shared.take<std::uint32_t>(kShared / 4);
  for (unsigned i = threadIdx.x; i < kShared / 4; i += blockDim.x) words[i] = operand_bits<Sum>(i);
  fence_async_proxy();
  __syncthreads();
  // The descriptor wants 1,024-byte alignment, which the start of dynamic memory need not have.
  const std::uint32_t base = (kernels::shared_address(words) + 1023u) & ~1023u;
  const std::uint64_t a_tile = tile_descriptor(base + threadIdx.x / 128 * kTileBytes);
  const std::uint64_t b_tile = tile_descriptor(base + 2 * kTileBytes);
  std::uint32_t a[4][4];
#pragma unroll
  for (unsigned i = 0; i < 16; ++i) a[i / 4][i % 4] = operand_bits<Sum>(threadIdx.x * 16 + i);
  Sum d[kColumns / 2] = {};

  Span span;
  span.start();
#pragma unroll
  for (int i = 0; i < 16; ++i) pin(a[i / 4][i % 4]);
#pragma unroll
  for (int i = 0; i < kColumns / 2; ++i) pin(d[i]);
#pragma unroll 1
  for (int group = 0; group < kGroups; ++group) {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (unsigned i = 0; i < kInGroup; ++i) {
      const std::uint64_t along = i % 4 * 2;  // 32 bytes, in units of 16
      if constexpr (kSource == Source::kRegisters) {
        Wgmma<kColumns>::from_registers(d, a[i % 4], b_tile + along);
      } else {
        Wgmma<kColumns>::from_shared(d, a_tile + along, b_tile + along);
      }
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
  }
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
  for (int i = 0; i < kColumns / 2; ++i) pin(d[i]);
  __syncthreads();
  if (threadIdx.x == 0) span.stop(marks[blockIdx.x]);
  Sum sum = 0;
#pragma unroll
  for (int i = 0; i < kColumns / 2; ++i) sum += d[i];
  if (sum == Sum(77)) marks[blockIdx.x].sink = 1;
}

template <typename Sum, int kColumns, Source kSource>
void run_case(int warpgroups) {
  constexpr bool kBf16 = std::is_same_v<Sum, float>;
  Row row("wgmma");
  row.add("product", message("m64n", kColumns, kBf16 ? "k16 bf16" : "k32 s8"));
  row.add("a", kSource == Source::kRegisters ? "registers" : "shared memory");
  row.add("warpgroups", warpgroups);
  attempt(row, [&] {
    const kernels::LaunchConfig config = {.kernel = "wgmma",
                                          .shape = {64, kColumns},
                                          .grid = dim3(static_cast<unsigned>(sm_count())),
                                          .block = dim3(128u * static_cast<unsigned>(warpgroups)),
                                          .shared_bytes = kShared};
    const Sample sample = measure(sm_count(), 5, [&](Mark* marks) {
      kernels::launch(config, wgmma_kernel<Sum, kColumns, kSource>, marks);
    });
    const double expected = kSource == Source::kRegisters
                                ? std::max(kColumns / 2.0, 8.0) + 1.0
                                : std::max(kColumns / 2.0, 16.0 + kColumns / 4.0) + 0.8;
    print_sample(row, sample, sample.cycles / (kGroups * kInGroup * warpgroups),
                 "cycles/product/SM", message(expected).c_str());
  });
}

template <typename Sum, int kColumns>
void run_width() {
  for (const int warpgroups : {1, 2}) {
    run_case<Sum, kColumns, Source::kRegisters>(warpgroups);
    run_case<Sum, kColumns, Source::kShared>(warpgroups);
  }
}

/// mapping: warp = kChains independent products in turn. memory: registers. numerics: not looked
/// at. limits: one chain on four warps gives the latency, eight on sixteen the rate.
template <int kChains>
__global__ void __launch_bounds__(512, 1) warp_product_kernel(int rounds, Mark* marks) {
  std::uint32_t a[4], b[2];
  for (unsigned i = 0; i < 4; ++i) a[i] = operand_bits<float>(threadIdx.x * 8 + i);
  for (unsigned i = 0; i < 2; ++i) b[i] = operand_bits<float>(threadIdx.x * 8 + 4 + i);
  float d[kChains][4] = {};
  __syncthreads();
  Span span;
  span.start();
#pragma unroll 4
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kChains; ++chain) {
      kernels::mma_bf16_m16n8k16(d[chain], a, b, d[chain]);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) span.stop(marks[blockIdx.x]);
  float sum = 0.0F;
  for (int i = 0; i < 4 * kChains; ++i) sum += d[i / 4][i % 4];
  if (sum == 77.0F) marks[blockIdx.x].sink = 1;
}

template <int kChains>
void run_warp_product(int warps) {
  constexpr int kRounds = 2048;
  Row row("wgmma");
  row.add("product", "mma.sync m16n8k16 bf16").add("chains", kChains).add("warps", warps);
  attempt(row, [&] {
    const kernels::LaunchConfig config = {.kernel = "warp_product",
                                          .shape = {16, 8},
                                          .grid = dim3(static_cast<unsigned>(sm_count())),
                                          .block = dim3(32u * static_cast<unsigned>(warps))};
    const Sample sample = measure(sm_count(), 5, [&](Mark* marks) {
      kernels::launch(config, warp_product_kernel<kChains>, kRounds, marks);
    });
    print_sample(row, sample, sample.cycles / (kRounds * kChains * (warps / 4)),
                 "cycles/product/quarter SM", kChains == 1 && warps == 4 ? "25" : "6.26");
  });
}

}  // namespace

void bench_wgmma() {
  run_width<float, 8>();
  run_width<float, 16>();
  run_width<float, 32>();
  run_width<float, 64>();
  run_width<int, 8>();
  run_width<int, 16>();
  run_width<int, 32>();
  run_width<int, 64>();
  run_warp_product<1>(4);
  run_warp_product<8>(16);
}

}  // namespace cadenza::micro
