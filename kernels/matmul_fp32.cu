// SPDX-License-Identifier: Apache-2.0
#include "cadenza/exact_math.h"
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/matmul_kernels.h"
#include "kernels/matmul_tile.cuh"

namespace cadenza::kernels {
namespace {

/// A tile of kThreadsM x kThreadsN threads with kEachM x kEachN sums each.
template <int kThreadsM, int kThreadsN, int kEachM, int kEachN, int kDepth, int kStages>
struct Tiling {
  static constexpr int kRows = kThreadsM * kEachM;
  static constexpr int kColumns = kThreadsN * kEachN;
  static constexpr int kThreads = kThreadsM * kThreadsN;
  static constexpr int kThreadsAcross = kThreadsN;
  static constexpr int kThreadsDown = kThreadsM;
  static constexpr int kSumsM = kEachM;
  static constexpr int kSumsN = kEachN;
  static constexpr int kUnroll = 16 / (kEachM * kEachN) > 1 ? 8 : 1;  // short chains wait for loads
  static constexpr int kStride = TileShape<float, 1, kDepth>::kStride;
  using Pipeline = TilePipeline<float, kRows, kColumns, kDepth, kStages, kThreads>;
};

using Few = Tiling<4, 32, 2, 1, 32, 4>;    // 8 x 32: up to 8 rows
using Some = Tiling<8, 16, 4, 4, 32, 3>;   // 32 x 64
using Many = Tiling<16, 16, 8, 4, 16, 3>;  // 128 x 64

/// Adds the products of kCount neighbours along k, k ascending.
template <typename T, int kCount>
__device__ __forceinline__ void add_products(const float* a, const float* b,
                                             float (&sum)[T::kSumsM][T::kSumsN]) {
  struct alignas(kCount * sizeof(float)) Group {
    float value[kCount];
  };
  const auto load = [](const float* from) {
    return load_vector(reinterpret_cast<const Group*>(from));
  };
  Group factor[T::kSumsM];
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) factor[i] = load(a + i * T::kThreadsDown * T::kStride);
#pragma unroll
  for (int j = 0; j < T::kSumsN; ++j) {
    const Group column = load(b + j * T::kThreadsAcross * T::kStride);
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
#pragma unroll
      for (int i = 0; i < T::kSumsM; ++i) {
        sum[i][j] = exact_fma(factor[i].value[k], column.value[k], sum[i][j]);
      }
    }
  }
}

// c = a b (+ bias) (+ c).
// Mapping: a block computes a tile of c, a thread kSumsM x kSumsN elements of it, spread so that
//   neighbouring threads have neighbouring columns.
// Memory: kStages tiles of both factors in shared memory, the next ones on their way.
// Numerics: each sum is one chain of fused multiply-adds, k ascending, never split.
// Limits: none; factors that are not aligned come without asynchronous copies.
template <typename T>
__global__ void __launch_bounds__(T::kThreads, 512 / T::kThreads)
    matmul_fp32_kernel(Factor<float> a, Factor<float> b, Result result) {
  const TileOrigin origin = tile_origin(result.n, T::kRows, T::kColumns);
  const auto down = static_cast<int>(threadIdx.x) / T::kThreadsAcross;
  const auto across = static_cast<int>(threadIdx.x) % T::kThreadsAcross;
  const std::int64_t m = origin.m + down;
  const std::int64_t n = origin.n + across;
  const auto inside = [&](int i, int j) {
    return m + i * T::kThreadsDown < result.m && n + j * T::kThreadsAcross < result.n;
  };
  float sum[T::kSumsM][T::kSumsN] = {};
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) {
#pragma unroll
    for (int j = 0; j < T::kSumsN; ++j) {
      if (inside(i, j)) {
        sum[i][j] = first_value(result, m + i * T::kThreadsDown, n + j * T::kThreadsAcross);
      }
    }
  }
  typename T::Pipeline pipeline(a, b, origin.m, origin.n);
  pipeline.run([&](const float* tile_a, const float* tile_b, int depth) {
    const float* const row = tile_a + down * T::kStride;
    const float* const column = tile_b + across * T::kStride;
    int k = 0;
#pragma unroll T::kUnroll
    for (; k + 4 <= depth; k += 4) add_products<T, 4>(row + k, column + k, sum);
#pragma unroll 1
    for (; k < depth; ++k) add_products<T, 1>(row + k, column + k, sum);
  });
#pragma unroll
  for (int i = 0; i < T::kSumsM; ++i) {
#pragma unroll
    for (int j = 0; j < T::kSumsN; ++j) {
      if (inside(i, j)) {
        result.c[(m + i * T::kThreadsDown) * result.stride + n + j * T::kThreadsAcross] = sum[i][j];
      }
    }
  }
}

template <typename T>
std::int64_t tiles_of(const Product& p) {
  return ceil_div(p.m, T::kRows) * ceil_div(p.n, T::kColumns);
}

template <typename T>
void launch_tiles(const Product& p, cudaStream_t stream) {
  launch({.kernel = "matmul",
          .shape = {p.m, p.n, p.k},
          .grid = dim3(static_cast<unsigned>(tiles_of<T>(p))),
          .block = dim3(T::kThreads),
          .shared_bytes = T::Pipeline::shared_bytes(),
          .stream = stream},
         matmul_fp32_kernel<T>, factor_a<float>(p), factor_b<float>(p), result_of(p));
}

}  // namespace

void multiply_fp32(const Product& product, cudaStream_t stream) {
  constexpr std::int64_t kEnough = 128;  // blocks that keep most GPUs busy
  if (product.m <= Few::kRows) {
    launch_tiles<Few>(product, stream);
  } else if (tiles_of<Many>(product) < kEnough) {
    launch_tiles<Some>(product, stream);
  } else {
    launch_tiles<Many>(product, stream);
  }
}

}  // namespace cadenza::kernels
