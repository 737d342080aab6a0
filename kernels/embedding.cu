// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/embedding.h"
#include "kernels/grid.h"
#include "kernels/key_order.h"
#include "kernels/map.cuh"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kRowWarps = 8;
constexpr int kSumWarps = 16;  // pieces of the rows of one id
constexpr std::size_t kAlignment = 256;

// y[n] = table[ids[n]], or zeros.
// Mapping: warps of all blocks take rows in turn, lanes the columns.
// Memory: y written once, 16 bytes at a time if T is a Pack; no shared memory.
// Numerics: none.
// Limits: width in elements of T.
template <typename T>
__global__ void embedding_kernel(const std::int32_t* ids, const T* table, T* y, std::int64_t rows,
                                 std::int64_t width) {
  const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * kRowWarps;
  for (std::int64_t n = static_cast<std::int64_t>(blockIdx.x) * kRowWarps + threadIdx.y; n < rows;
       n += warps) {
    const std::int64_t id = ids[n];
    for (std::int64_t c = threadIdx.x; c < width; c += kWarpSize) {
      store_vector(y + n * width + c, id < 0 ? T{} : load_vector(table + id * width + c));
    }
  }
}

/// Neighbouring columns of one lane.
template <int kWidth>
struct alignas(kWidth * sizeof(float)) Columns {
  float value[kWidth] = {};

  __device__ __forceinline__ void add(const Columns& other) {
#pragma unroll
    for (int j = 0; j < kWidth; ++j) value[j] += other.value[j];
  }
};

/// The sum of the rows of dy at positions [begin, end), from `column` on.
template <int kWidth>
__device__ __forceinline__ Columns<kWidth> sum_rows(const EmbeddingGradient& args,
                                                    const std::int32_t* positions,
                                                    std::int64_t begin, std::int64_t end,
                                                    std::int64_t column) {
  Columns<kWidth> sum;
#pragma unroll 8
  for (std::int64_t i = begin; i < end; ++i) {
    const float* const row = args.dy + positions[i] * args.width;
    sum.add(load_vector(reinterpret_cast<const Columns<kWidth>*>(row + column)));
  }
  return sum;
}

// d_table[id] += sum of dy over the rows whose id it is.
// Mapping: a block computes 32 * kWidth columns of one id, each warp a contiguous piece of its
// rows. Memory: each used row of dy read once; 2 KiB * kWidth of shared memory. Numerics: fp32,
// rows in the order of N within a piece, pieces in order. Limits: below 2^31 blocks; kWidth divides
// the width and dy is aligned to it.
template <int kWidth>
__global__ void __launch_bounds__(kWarpSize* kSumWarps, 2)
    embedding_backward_kernel(EmbeddingGradient args, const std::int32_t* positions,
                              const std::int32_t* starts) {
  CADENZA_SHARED(pieces, Columns<kWidth>[kSumWarps][kWarpSize]);
  const std::int64_t slabs = ceil_div(args.width, kWarpSize * kWidth);
  const std::int64_t id = blockIdx.x / slabs;
  const auto lane = static_cast<int>(threadIdx.x);
  const auto warp = static_cast<int>(threadIdx.y);
  const std::int64_t column = (blockIdx.x % slabs * kWarpSize + lane) * kWidth;
  const std::int64_t begin = starts[id + 1];  // key 0 belongs to the id -1
  const std::int64_t count = starts[id + 2] - begin;
  Columns<kWidth> sum;
  if (column < args.width) {
    sum = sum_rows<kWidth>(args, positions, begin + count * warp / kSumWarps,
                           begin + count * (warp + 1) / kSumWarps, column);
  }
  pieces[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < args.width && count > 0) {
    for (int piece = 1; piece < kSumWarps; ++piece) sum.add(pieces[piece][lane]);
    const bool by_rows = args.layout == TableLayout::rows;
    float* const target =
        args.d_table + (by_rows ? id * args.width + column : column * args.vocabulary + id);
    const std::int64_t stride = by_rows ? 1 : args.vocabulary;
#pragma unroll
    for (int j = 0; j < kWidth; ++j) target[j * stride] += sum.value[j];
  }
}

/// The arrays before the workspace of the sort.
struct Workspace {
  std::size_t positions_bytes, starts_bytes;

  explicit Workspace(std::int64_t rows, std::int32_t vocabulary)
      : positions_bytes(aligned(static_cast<std::size_t>(rows))),
        starts_bytes(aligned(static_cast<std::size_t>(vocabulary) + 2)) {}

  static std::size_t aligned(std::size_t count) {
    return (count * sizeof(std::int32_t) + kAlignment - 1) / kAlignment * kAlignment;
  }
};

template <typename T>
void launch_embedding(const Embedding& args, std::int64_t width, cudaStream_t stream) {
  launch({.kernel = "embedding",
          .shape = {args.rows, args.width},
          .grid = dim3(blocks_for(args.rows, kRowWarps, kManyBlocks)),
          .block = dim3(kWarpSize, kRowWarps),
          .stream = stream},
         embedding_kernel<T>, args.ids, reinterpret_cast<const T*>(args.table),
         reinterpret_cast<T*>(args.y), args.rows, width);
}

template <int kWidth>
void launch_backward(const EmbeddingGradient& args, const std::int32_t* positions,
                     const std::int32_t* starts, cudaStream_t stream) {
  constexpr std::int64_t kColumns = kWarpSize * kWidth;
  launch({.kernel = "embedding_backward",
          .shape = {args.rows, args.vocabulary, args.width},
          .grid = dim3(blocks_for(ceil_div(args.width, kColumns) * args.vocabulary, 1)),
          .block = dim3(kWarpSize, kSumWarps),
          .stream = stream},
         embedding_backward_kernel<kWidth>, args, positions, starts);
}

}  // namespace

void embedding(const Embedding& args, cudaStream_t stream) {
  if (args.width % kMapWidth == 0 && packs_at(args.table) && packs_at(args.y)) {
    launch_embedding<Pack<float>>(args, args.width / kMapWidth, stream);
  } else {
    launch_embedding<float>(args, args.width, stream);
  }
}

std::size_t embedding_backward_workspace(std::int64_t rows, std::int32_t vocabulary) {
  const Workspace workspace(rows, vocabulary);
  return workspace.positions_bytes + workspace.starts_bytes +
         sort_by_key_workspace(rows, vocabulary);
}

void embedding_backward(const EmbeddingGradient& args, void* workspace, cudaStream_t stream) {
  if (args.rows == 0 || args.width == 0) return;
  const Workspace sizes(args.rows, args.vocabulary);
  auto* const bytes = static_cast<std::byte*>(workspace);
  auto* const positions = reinterpret_cast<std::int32_t*>(bytes);
  auto* const starts = reinterpret_cast<std::int32_t*>(bytes + sizes.positions_bytes);
  sort_by_key({.values = args.ids,
               .count = args.rows,
               .limit = args.vocabulary,
               .positions = positions,
               .starts = starts},
              bytes + sizes.positions_bytes + sizes.starts_bytes, stream);
  if (args.width % kMapWidth == 0 && packs_at(args.dy)) {
    launch_backward<kMapWidth>(args, positions, starts, stream);
  } else {
    launch_backward<1>(args, positions, starts, stream);
  }
}

}  // namespace cadenza::kernels
