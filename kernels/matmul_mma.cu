// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/matmul_kernels.h"
#include "kernels/matmul_tile.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kMmaRows = 16;
constexpr int kMmaColumns = 8;

/// Operands of one instruction: kMmaRows x kStep and kStep x kMmaColumns elements of type T.
template <Precision kPrecision>
struct Format {
  using T = std::uint16_t;
  static constexpr int kStep = 16;
};
template <>
struct Format<Precision::tf32> {
  using T = float;
  static constexpr int kStep = 8;
};

/// A tile of kWarpsM x kWarpsN warps with kEachM x kEachN instructions' sums each; kEachN is even.
/// kResident_ blocks have registers on a multiprocessor; left to itself, ptxas for sm_100 spills to
/// have seven.
template <Precision kPrecision_, int kWarpsM, int kWarpsN, int kEachM, int kEachN, int kStages,
          int kResident_>
struct Tiling {
  static constexpr Precision kPrecision = kPrecision_;
  using T = typename Format<kPrecision>::T;
  static constexpr int kStep = Format<kPrecision>::kStep;
  static constexpr int kDepth = static_cast<int>(128 / sizeof(T));
  static constexpr int kStride = TileShape<T, 1, kDepth>::kStride;
  static constexpr int kWarpsAcross = kWarpsN;
  static constexpr int kSumsM = kEachM;
  static constexpr int kSumsN = kEachN;
  static constexpr int kWarpRows = kEachM * kMmaRows;
  static constexpr int kWarpColumns = kEachN * kMmaColumns;
  static constexpr int kRows = kWarpsM * kWarpRows;
  static constexpr int kColumns = kWarpsN * kWarpColumns;
  static constexpr int kThreads = 32 * kWarpsM * kWarpsN;
  static constexpr int kResident = kResident_;
  using Pipeline = TilePipeline<T, kRows, kColumns, kDepth, kStages, kThreads>;
};

template <Precision kPrecision>
using Few = Tiling<kPrecision, 1, 4, 1, 2, 4, 4>;  // 16 x 64: up to 16 rows
template <Precision kPrecision>
using Many = Tiling<kPrecision, 2, 2, 2, 4, 3, 3>;  // 64 x 64

/// The operands of a lane, as kernels/device/warp_mma.h lays them out.
template <typename T>
struct Operands {
  std::uint32_t a[T::kSumsM][4];
  std::uint32_t b[T::kSumsN][2];
};

/// From 16-bit tiles; `a` and `b` are the warp's first row and column at this k.
template <typename T>
__device__ __forceinline__ void load_operands(const std::uint16_t* a, const std::uint16_t* b,
                                              int lane, Operands<T>& operands) {
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) {
    const int row = i * kMmaRows + lane % 16;
    ldmatrix_x4(operands.a[i], a + row * T::kStride + lane / 16 * 8);
  }
#pragma unroll
  for (int j = 0; j < T::kSumsN; j += 2) {
    const int column = j * kMmaColumns + lane / 16 * 8 + lane % 8;
    std::uint32_t pair[4];
    ldmatrix_x4(pair, b + column * T::kStride + lane / 8 % 2 * 8);
    operands.b[j][0] = pair[0];
    operands.b[j][1] = pair[1];
    operands.b[j + 1][0] = pair[2];
    operands.b[j + 1][1] = pair[3];
  }
}

/// From float tiles, rounded to tf32.
template <typename T>
__device__ __forceinline__ void load_operands(const float* a, const float* b, int lane,
                                              Operands<T>& operands) {
  const int group = lane / 4;
  const int member = lane % 4;
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) {
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const int row = i * kMmaRows + group + r % 2 * 8;
      operands.a[i][r] = to_tf32(a[row * T::kStride + member + r / 2 * 4]);
    }
  }
#pragma unroll
  for (int j = 0; j < T::kSumsN; ++j) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      operands.b[j][r] = to_tf32(b[(j * kMmaColumns + group) * T::kStride + member + r * 4]);
    }
  }
}

template <Precision kPrecision>
__device__ __forceinline__ void multiply_add(float (&sum)[4], const std::uint32_t (&a)[4],
                                             const std::uint32_t (&b)[2]) {
  if constexpr (kPrecision == Precision::bf16) {
    mma_bf16_m16n8k16(sum, a, b, sum);
  } else if constexpr (kPrecision == Precision::fp16) {
    mma_f16_m16n8k16(sum, a, b, sum);
  } else {
    mma_tf32_m16n8k8(sum, a, b, sum);
  }
}

/// Calls visit(sum, m, n) for the lane's sums that lie inside of c.
template <typename T, typename Visit>
__device__ __forceinline__ void for_each_sum(float (&sum)[T::kSumsM][T::kSumsN][4],
                                             const Result& result, TileOrigin warp, int lane,
                                             const Visit& visit) {
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) {
#pragma unroll
    for (int j = 0; j < T::kSumsN; ++j) {
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        const std::int64_t m = warp.m + i * kMmaRows + lane / 4 + r / 2 * 8;
        const std::int64_t n = warp.n + j * kMmaColumns + lane % 4 * 2 + r % 2;
        if (m < result.m && n < result.n) visit(sum[i][j][r], m, n);
      }
    }
  }
}

// c = a b (+ bias) (+ c) on the tensor cores.
// Mapping: a block computes a tile of c, a warp kSumsM x kSumsN pieces of 16 x 8.
// Memory: kStages tiles of both factors in shared memory, the next ones on their way.
// Numerics: factors in T's format, fp32 sums; one instruction after the other along k, never split,
//   zeros behind the last k.
// Limits: none; factors that are not aligned come without asynchronous copies.
template <typename T>
__global__ void __launch_bounds__(T::kThreads, T::kResident)
    matmul_mma_kernel(Factor<typename T::T> a, Factor<typename T::T> b, Result result) {
  const TileOrigin block = tile_origin(result.n, T::kRows, T::kColumns);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int row = warp / T::kWarpsAcross * T::kWarpRows;  // of the warp in the block's tile
  const int column = warp % T::kWarpsAcross * T::kWarpColumns;
  const TileOrigin origin = {block.m + row, block.n + column};
  float sum[T::kSumsM][T::kSumsN][4] = {};
  for_each_sum<T>(sum, result, origin, lane, [&](float& value, std::int64_t m, std::int64_t n) {
    value = first_value(result, m, n);
  });
  typename T::Pipeline pipeline(a, b, block.m, block.n);
  pipeline.run([&](const typename T::T* tile_a, const typename T::T* tile_b, int depth) {
#pragma unroll 1  // unrolled, the tf32 kernel spills on sm_80
    for (int k = 0; k < depth; k += T::kStep) {
      Operands<T> operands;
      load_operands<T>(tile_a + row * T::kStride + k, tile_b + column * T::kStride + k, lane,
                       operands);
#pragma unroll
      for (int i = 0; i < T::kSumsM; ++i) {
#pragma unroll
        for (int j = 0; j < T::kSumsN; ++j) {
          multiply_add<T::kPrecision>(sum[i][j], operands.a[i], operands.b[j]);
        }
      }
    }
  });
  for_each_sum<T>(sum, result, origin, lane, [&](float value, std::int64_t m, std::int64_t n) {
    result.c[m * result.stride + n] = value;
  });
}

template <typename T>
void launch_tiles(const Product& p, cudaStream_t stream) {
  const std::int64_t tiles = ceil_div(p.m, T::kRows) * ceil_div(p.n, T::kColumns);
  launch({.kernel = "matmul",
          .shape = {p.m, p.n, p.k},
          .grid = dim3(static_cast<unsigned>(tiles)),
          .block = dim3(T::kThreads),
          .shared_bytes = T::Pipeline::shared_bytes(),
          .stream = stream},
         matmul_mma_kernel<T>, factor_a<typename T::T>(p), factor_b<typename T::T>(p),
         result_of(p));
}

template <Precision kPrecision>
void launch_format(const Product& p, cudaStream_t stream) {
  if (p.m <= Few<kPrecision>::kRows) {
    launch_tiles<Few<kPrecision>>(p, stream);
  } else {
    launch_tiles<Many<kPrecision>>(p, stream);
  }
}

}  // namespace

void multiply_mma(const Product& product, cudaStream_t stream) {
  if (product.precision == Precision::bf16) {
    launch_format<Precision::bf16>(product, stream);
  } else if (product.precision == Precision::fp16) {
    launch_format<Precision::fp16>(product, stream);
  } else {
    launch_format<Precision::tf32>(product, stream);
  }
}

}  // namespace cadenza::kernels
