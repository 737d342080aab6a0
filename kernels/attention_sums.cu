// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention_tile.cuh"
// The device layer comes first.
#include "kernels/attention_parts.h"
#include "kernels/cells/elementary.h"

namespace cadenza::kernels {
namespace {

using namespace attention_tile;

// Mapping: a block takes up to 8 rows and 32 columns of one batch row, a thread an element.
// Memory: no shared memory: the warps of a block read the same rows of `other` from the L1 cache.
// Numerics: f32, each element's sum in the order of the terms.
// Limits: none.
template <AttentionKind kKind, AttentionOver kOver>
__global__ void __launch_bounds__(kTile* kTileRows) weighted_sums_kernel(AttentionSums args) {
  const bool over_memory = kOver == AttentionOver::memory;
  const std::int64_t rows = over_memory ? args.steps : args.memory;
  const Tile tile(rows, args.columns);
  const std::int64_t i = tile.row + threadIdx.y;
  const std::int64_t column = tile.column + threadIdx.x;
  if (i < rows && column < args.columns) {
    const std::int64_t length = length_of(args.lengths, tile.b, args.memory);
    const std::int64_t terms = over_memory ? length : i < length ? args.steps : 0;
    const std::int64_t query_stride = args.batch * args.memory;
    const std::int64_t x_at = tile.b * args.memory + i * (over_memory ? query_stride : 1);
    const std::int64_t x_stride = over_memory ? 1 : query_stride;
    const std::int64_t stride = args.batch * args.columns;
    const std::int64_t at = tile.b * args.columns + column;
    const float own = kKind == AttentionKind::additive ? args.own[at + i * stride] : 0.0F;
    float sum = 0.0F;
    float tanh_sum = 0.0F;
#pragma unroll 8
    for (std::int64_t j = 0; j < terms; ++j) {
      const float factor = args.x[x_at + j * x_stride];
      const float value = args.other[at + j * stride];
      if constexpr (kKind == AttentionKind::dot) {
        sum = fmaf(factor, value, sum);
      } else {
        const float y = elementary::tanh(own + value);
        sum = fmaf(factor, elementary::tanh_slope(y), sum);
        tanh_sum = fmaf(factor, y, tanh_sum);
      }
    }
    const float scale = kKind == AttentionKind::dot ? args.scale : args.v[column];
    args.out[at + i * stride] = scale * sum;
    if (kKind == AttentionKind::additive && args.tanh_sums != nullptr) {
      args.tanh_sums[at + i * stride] = tanh_sum;
    }
  }
}

template <AttentionOver kOver>
void launch_sums(AttentionKind kind, const AttentionSums& sums, cudaStream_t stream) {
  const std::int64_t rows = kOver == AttentionOver::memory ? sums.steps : sums.memory;
  launch(tiled("attention", sums.batch, rows, sums.columns, stream),
         kind == AttentionKind::dot ? weighted_sums_kernel<AttentionKind::dot, kOver>
                                    : weighted_sums_kernel<AttentionKind::additive, kOver>,
         sums);
}

}  // namespace

void attention_sums(AttentionKind kind, AttentionOver over, const AttentionSums& sums,
                    cudaStream_t stream) {
  if (over == AttentionOver::memory) {
    launch_sums<AttentionOver::memory>(kind, sums, stream);
  } else {
    launch_sums<AttentionOver::queries>(kind, sums, stream);
  }
}

}  // namespace cadenza::kernels
