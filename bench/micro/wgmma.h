// SPDX-License-Identifier: Apache-2.0
// The warpgroup product m64nNk16 (bf16) and m64nNk32 (s8): D[64][N] += A B with B in shared memory
// and A in registers or in shared memory, both with the contraction along a row.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace cadenza::micro {

template <int kColumns>
struct Wgmma;

// One accumulator register list a width; the numbers of the operands follow it.
#define CADENZA_ACCUMULATORS_4(letter, d, i) \
  letter(d[i]), letter(d[i + 1]), letter(d[i + 2]), letter(d[i + 3])
#define CADENZA_ACCUMULATORS_8(letter, d, i) \
  CADENZA_ACCUMULATORS_4(letter, d, i), CADENZA_ACCUMULATORS_4(letter, d, i + 4)
#define CADENZA_ACCUMULATORS_16(letter, d, i) \
  CADENZA_ACCUMULATORS_8(letter, d, i), CADENZA_ACCUMULATORS_8(letter, d, i + 8)
#define CADENZA_ACCUMULATORS_32(letter, d, i) \
  CADENZA_ACCUMULATORS_16(letter, d, i), CADENZA_ACCUMULATORS_16(letter, d, i + 16)

#define CADENZA_PLACES_4 "%0, %1, %2, %3"
#define CADENZA_PLACES_8 CADENZA_PLACES_4 ", %4, %5, %6, %7"
#define CADENZA_PLACES_16 CADENZA_PLACES_8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define CADENZA_PLACES_32 \
  CADENZA_PLACES_16       \
  ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"

#define CADENZA_WGMMA(columns, count, a0, a1, a2, a3, a4)                                         \
  template <>                                                                                     \
  struct Wgmma<columns> {                                                                         \
    static __device__ __forceinline__ void from_registers(float (&d)[count],                      \
                                                          const std::uint32_t (&a)[4],            \
                                                          std::uint64_t b) {                      \
      asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns                                   \
                   "k16.f32.bf16.bf16 {" CADENZA_PLACES_##count "}, {" a0 ", " a1 ", " a2 ", " a3 \
                                                                "}, " a4 ", 1, 1, 1, 0;"          \
                   : CADENZA_ACCUMULATORS_##count("+f", d, 0)                                     \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                         \
    }                                                                                             \
    static __device__ __forceinline__ void from_registers(int (&d)[count],                        \
                                                          const std::uint32_t (&a)[4],            \
                                                          std::uint64_t b) {                      \
      asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns                                   \
                   "k32.s32.s8.s8 {" CADENZA_PLACES_##count "}, {" a0 ", " a1 ", " a2 ", " a3     \
                                                            "}, " a4 ", 1;"                       \
                   : CADENZA_ACCUMULATORS_##count("+r", d, 0)                                     \
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                         \
    }                                                                                             \
    static __device__ __forceinline__ void from_shared(float (&d)[count], std::uint64_t a,        \
                                                       std::uint64_t b) {                         \
      asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns                                   \
                   "k16.f32.bf16.bf16 {" CADENZA_PLACES_##count "}, " a0 ", " a1                  \
                                                                ", 1, 1, 1, 0, 0;"                \
                   : CADENZA_ACCUMULATORS_##count("+f", d, 0)                                     \
                   : "l"(a), "l"(b));                                                             \
    }                                                                                             \
    static __device__ __forceinline__ void from_shared(int (&d)[count], std::uint64_t a,          \
                                                       std::uint64_t b) {                         \
      asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns                                   \
                   "k32.s32.s8.s8 {" CADENZA_PLACES_##count "}, " a0 ", " a1 ", 1;"               \
                   : CADENZA_ACCUMULATORS_##count("+r", d, 0)                                     \
                   : "l"(a), "l"(b));                                                             \
    }                                                                                             \
  };

CADENZA_WGMMA(8, 4, "%4", "%5", "%6", "%7", "%8")
CADENZA_WGMMA(16, 8, "%8", "%9", "%10", "%11", "%12")
CADENZA_WGMMA(32, 16, "%16", "%17", "%18", "%19", "%20")
CADENZA_WGMMA(64, 32, "%32", "%33", "%34", "%35", "%36")

/// Where a tile stands whose rows are 128 bytes, swizzled in groups of eight rows (1,024 bytes);
/// `address` is a multiple of 1,024, plus 32 bytes for each step along the contraction.
__device__ __forceinline__ std::uint64_t tile_descriptor(std::uint32_t address) {
  constexpr std::uint64_t kLeading = 1;         // unused by swizzled layouts
  constexpr std::uint64_t kStride = 1024 >> 4;  // from one group of eight rows to the next
  constexpr std::uint64_t kSwizzle128 = std::uint64_t{1} << 62;
  return (address & 0x3FFFFu) >> 4 | kLeading << 16 | kStride << 32 | kSwizzle128;
}

}  // namespace cadenza::micro
