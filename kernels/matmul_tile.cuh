// SPDX-License-Identifier: Apache-2.0
// What the products share: factors in shared memory, tile by tile, several tiles ahead.
#pragma once

#include "kernels/device/kernel.h"
#include "kernels/grid.h"
#include "kernels/matmul.h"

namespace cadenza::kernels {

/// How a tile gets into shared memory.
enum class TileCopy {
  async,        ///< 16 bytes along the depth at once, beside the threads
  along_depth,  ///< neighbouring threads read neighbours along the depth
  along_rows,   ///< ... along the rows
};

/// A factor as rows of `depth` elements: op(a) with its M rows, or op(b)^T with its N rows.
/// Element (row, k) is at data[row * row_stride + k * depth_stride]; one stride is 1.
template <typename T>
struct Factor {
  const T* data;
  std::int64_t rows, depth;
  std::int64_t row_stride, depth_stride;
  TileCopy copy;
};

template <typename T>
inline constexpr int kChunk = static_cast<int>(16 / sizeof(T));  // elements of an async copy

/// Shape of a tile: kRows rows of kDepth elements, and 16 bytes more between the rows so that reads
/// of eight rows at one k meet different banks.
template <typename T, int kRows, int kDepth>
struct TileShape {
  static constexpr int kStride = kDepth + kChunk<T>;
  static constexpr int kSize = kRows * kStride;
};

/// Starts to bring rows [row, row + kRows), depth [k, k + kDepth) of `from` to `tile`, zeros where
/// there are none. Complete after copy_async_wait() and a barrier.
template <typename T, int kRows, int kDepth, int kThreads>
__device__ __forceinline__ void load_tile(const Factor<T>& from, std::int64_t row, std::int64_t k,
                                          T* tile) {
  constexpr int kStride = TileShape<T, kRows, kDepth>::kStride;
  const auto inside = [&](int r, int d) { return row + r < from.rows && k + d < from.depth; };
  const T* const origin = from.data + row * from.row_stride + k * from.depth_stride;
  const auto thread = static_cast<int>(threadIdx.x);
  if (from.copy == TileCopy::async) {
    constexpr int kChunks = kDepth / kChunk<T>;
    for (int i = thread; i < kRows * kChunks; i += kThreads) {
      const int r = i / kChunks;
      const int d = i % kChunks * kChunk<T>;
      const bool valid = inside(r, d);
      copy_async16(tile + r * kStride + d, valid ? origin + r * from.row_stride + d : from.data,
                   valid);
    }
    return;
  }
  for (int i = thread; i < kRows * kDepth; i += kThreads) {
    const int r = from.copy == TileCopy::along_depth ? i / kDepth : i % kRows;
    const int d = from.copy == TileCopy::along_depth ? i % kDepth : i / kRows;
    tile[r * kStride + d] =
        inside(r, d) ? origin[r * from.row_stride + d * from.depth_stride] : T{};
  }
}

/// The tiles of both factors that one block of the product goes through.
template <typename T, int kTileM, int kTileN, int kDepth, int kStages, int kThreads>
class TilePipeline {
 public:
  static constexpr int kSizeA = TileShape<T, kTileM, kDepth>::kSize;
  static constexpr int kSizeB = TileShape<T, kTileN, kDepth>::kSize;

  static std::size_t shared_bytes() {
    return SharedBytes().add<T>(kStages * kSizeA).template add<T>(kStages * kSizeB).bytes();
  }

  __device__ __forceinline__ TilePipeline(const Factor<T>& a, const Factor<T>& b, std::int64_t m,
                                          std::int64_t n)
      : a_(a), b_(b), m_(m), n_(n) {
    DynamicShared shared;
    tiles_a_ = shared.take<T>(kStages * kSizeA);
    tiles_b_ = shared.take<T>(kStages * kSizeB);
  }

  /// Calls use(tile of a, tile of b, depth of this tile) for k ascending; all threads take part.
  template <typename Use>
  __device__ __forceinline__ void run(const Use& use) {
#pragma unroll
    for (int stage = 0; stage < kStages - 1; ++stage) start(stage);
    const std::int64_t tiles = ceil_div(a_.depth, kDepth);
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      copy_async_wait<kStages - 2>();
      __syncthreads();  // this tile is there, and the one before it has been used
      start(tile + kStages - 1);
      const auto stage = static_cast<int>(tile % kStages);
      const std::int64_t rest = a_.depth - tile * kDepth;
      use(tiles_a_ + stage * kSizeA, tiles_b_ + stage * kSizeB,
          rest < kDepth ? static_cast<int>(rest) : kDepth);
    }
    copy_async_wait<0>();
  }

 private:
  __device__ __forceinline__ void start(std::int64_t tile) {
    const std::int64_t k = tile * kDepth;
    if (k < a_.depth) {
      const auto stage = static_cast<int>(tile % kStages);
      load_tile<T, kTileM, kDepth, kThreads>(a_, m_, k, tiles_a_ + stage * kSizeA);
      load_tile<T, kTileN, kDepth, kThreads>(b_, n_, k, tiles_b_ + stage * kSizeB);
    }
    copy_async_commit();
  }

  const Factor<T>& a_;
  const Factor<T>& b_;
  std::int64_t m_, n_;
  T* tiles_a_;
  T* tiles_b_;
};

/// Where a product goes.
struct Result {
  float* c;
  std::int64_t m, n, stride;
  const float* bias;
  Accumulate accumulate;
};

inline Result result_of(const Product& p) {
  return {.c = p.c,
          .m = p.m,
          .n = p.n,
          .stride = p.stride_c,
          .bias = p.bias,
          .accumulate = p.accumulate};
}

/// Whether all chunks of rows along the depth are whole and start at multiples of 16 bytes.
template <typename T>
bool has_aligned_chunks(const T* data, std::int64_t depth, std::int64_t stride) {
  return reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && depth % kChunk<T> == 0 &&
         stride % kChunk<T> == 0;
}

template <typename T>
Factor<T> factor_of(const void* data, std::int64_t rows, std::int64_t depth, std::int64_t stride,
                    bool depth_first) {
  const auto* const elements = static_cast<const T*>(data);
  if (!depth_first) return {elements, rows, depth, 1, stride, TileCopy::along_rows};
  const bool aligned = has_aligned_chunks(elements, depth, stride);
  return {elements, rows, depth, stride, 1, aligned ? TileCopy::async : TileCopy::along_depth};
}

template <typename T>
Factor<T> factor_a(const Product& p) {
  return factor_of<T>(p.a, p.m, p.k, p.stride_a, p.transpose_a == Transpose::no);
}

template <typename T>
Factor<T> factor_b(const Product& p) {
  return factor_of<T>(p.b, p.n, p.k, p.stride_b, p.transpose_b == Transpose::yes);
}

/// What the sum of element (m, n) starts with.
__device__ __forceinline__ float first_value(const Result& result, std::int64_t m, std::int64_t n) {
  float sum = result.accumulate == Accumulate::add ? result.c[m * result.stride + n] : 0.0F;
  if (result.bias != nullptr) sum += result.bias[n];
  return sum;
}

/// The tile of this block. Columns vary fastest, so that blocks at work together share rows of a.
struct TileOrigin {
  std::int64_t m, n;
};

__device__ __forceinline__ TileOrigin tile_origin(std::int64_t columns, int tile_m, int tile_n) {
  const std::int64_t across = ceil_div(columns, tile_n);
  const std::int64_t block = blockIdx.x;
  return {block / across * tile_m, block % across * tile_n};
}

}  // namespace cadenza::kernels
