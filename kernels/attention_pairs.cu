// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention_tile.cuh"
// The device layer comes first.
#include "kernels/attention_parts.h"
#include "kernels/cells/elementary.h"

namespace cadenza::kernels {
namespace {

using namespace attention_tile;

// Mapping: a block takes up to 8 queries and 32 memory steps of one batch row, a thread a pair.
// Memory: 32 columns of x and y at a time in 5.3 KiB of shared memory.
// Numerics: f32, each pair's sum in the order of A.
// Limits: none.
template <AttentionKind kKind>
__global__ void __launch_bounds__(kTile* kTileRows, 2) pairs_kernel(AttentionPairs args) {
  CADENZA_SHARED(x_tile, float[kTileRows][kTile]);
  CADENZA_SHARED(y_tile, float[kTile][kTile + 1]);
  CADENZA_SHARED(v_tile, float[kTile]);
  const Tile tile(args.steps, args.memory);
  const std::int64_t length = length_of(args.lengths, tile.b, args.memory);
  if (tile.column >= length) return;
  const auto lane = static_cast<int>(threadIdx.x);
  const auto row = static_cast<int>(threadIdx.y);
  const std::int64_t t = tile.row + row;
  const std::int64_t s = tile.column + lane;
  float sum = 0.0F;
  for (std::int64_t begin = 0; begin < args.width; begin += kTile) {
    const std::int64_t a = begin + lane;
    const bool inside = a < args.width;
    x_tile[row][lane] =
        inside && t < args.steps ? args.x[(t * args.batch + tile.b) * args.width + a] : 0.0F;
    for (int r = row; r < kTile; r += static_cast<int>(blockDim.y)) {
      const std::int64_t step = tile.column + r;
      y_tile[r][lane] =
          inside && step < length ? args.y[(step * args.batch + tile.b) * args.width + a] : 0.0F;
    }
    if (kKind == AttentionKind::additive && row == 0) v_tile[lane] = inside ? args.v[a] : 0.0F;
    __syncthreads();
#pragma unroll 8
    for (int i = 0; i < kTile; ++i) {
      if constexpr (kKind == AttentionKind::dot) {
        sum = fmaf(x_tile[row][i], y_tile[lane][i], sum);
      } else {
        sum = fmaf(v_tile[i], elementary::tanh(x_tile[row][i] + y_tile[lane][i]), sum);
      }
    }
    __syncthreads();
  }
  if (t < args.steps && s < length) {
    args.out[(t * args.batch + tile.b) * args.memory + s] =
        kKind == AttentionKind::dot ? args.scale * sum : sum;
  }
}

}  // namespace

void attention_pairs(AttentionKind kind, const AttentionPairs& pairs, cudaStream_t stream) {
  launch(tiled("attention", pairs.batch, pairs.steps, pairs.memory, stream),
         kind == AttentionKind::dot ? pairs_kernel<AttentionKind::dot>
                                    : pairs_kernel<AttentionKind::additive>,
         pairs);
}

}  // namespace cadenza::kernels
