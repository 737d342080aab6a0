// SPDX-License-Identifier: Apache-2.0
#include "kernels/recurrent_step.cuh"
//
#include "kernels/device/launch.h"

namespace cadenza::kernels {
namespace {

constexpr int kDepth = 32;        // columns of the factors in shared memory: two steps of the mma
constexpr int kFragment = 16;     // planes' rows of one mma
constexpr int kFragmentRows = 8;  // batch rows of one mma

/// What one block computes: kUnits units of kRows rows; its warps in a grid of kWarpsAlong (the
/// rows of the planes) x kWarpsAcross, a warp kAlong x kAcross fragments.
template <class Cell, int kWarpsAlong, int kWarpsAcross, int kAlongOf, int kAcrossOf>
struct MmaTile {
  static constexpr int kDepth = kernels::kDepth;
  static constexpr int kThreads = 32 * kWarpsAlong * kWarpsAcross;
  static constexpr int kAlong = kAlongOf;
  static constexpr int kAcross = kAcrossOf;
  static constexpr int kWarpRowsAlong = kWarpsAlong;
  static constexpr int kPlaneRows = kWarpsAlong * kAlong * kFragment;
  static constexpr int kUnits = kPlaneRows / Cell::kPlanes;
  static constexpr int kRows = kWarpsAcross * kAcross * kFragmentRows;
};
template <class Cell>
using SmallTile = MmaTile<Cell, 1, 4, 1, 1>;  // 16 planes' rows x 32 batch rows
template <class Cell>
using LargeTile = MmaTile<Cell, 2, 4, 2, 2>;  // 64 x 64

/// Columns of one row of a factor; the pitch keeps rows aligned for ldmatrix and banks apart.
struct alignas(16) Columns {
  __nv_bfloat16 k[kDepth + 8];
};

template <class Tile>
using Fragments = float[Tile::kAlong][Tile::kAcross][4];

/// First row of the planes and of the batch of this thread's warp, inside the block.
struct WarpPlace {
  int plane_row, row;
};

template <class Tile>
__device__ __forceinline__ WarpPlace warp_place() {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  return {warp % Tile::kWarpRowsAlong * Tile::kAlong * kFragment,
          warp / Tile::kWarpRowsAlong * Tile::kAcross * kFragmentRows};
}

template <class Tile>
__device__ __forceinline__ void multiply_columns(const Columns* rows, const Columns* weights,
                                                 Fragments<Tile>& sums) {
  const WarpPlace place = warp_place<Tile>();
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int k = 0; k < kDepth; k += 16) {
    std::uint32_t a[Tile::kAlong][4];
    std::uint32_t b[Tile::kAcross][2];
#pragma unroll
    for (int i = 0; i < Tile::kAlong; ++i) {
      ldmatrix_x4(a[i], &weights[place.plane_row + i * kFragment + lane % 16].k[k + lane / 16 * 8]);
    }
#pragma unroll
    for (int j = 0; j < Tile::kAcross; ++j) {
      ldmatrix_x2(b[j], &rows[place.row + j * kFragmentRows + lane % 8].k[k + lane / 8 % 2 * 8]);
    }
#pragma unroll
    for (int i = 0; i < Tile::kAlong; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::kAcross; ++j) {
        mma_bf16_m16n8k16(sums[i][j], a[i], b[j], sums[i][j]);
      }
    }
  }
}

/// Zeros in the rows of planes that the product leaves alone.
template <class Cell, class Tile, StepSum kSum>
__device__ __forceinline__ void clear_other_planes(Columns* weights) {
  if constexpr (kSeparates<Cell>) {
    static_assert(Cell::kPlanes == Cell::kGates + 1);
    constexpr int kOther = kSum == StepSum::recurrent ? Cell::kGates : Cell::kJoined;
    for (int i = static_cast<int>(threadIdx.x); i < Tile::kUnits * kDepth; i += Tile::kThreads) {
      weights[kOther * Tile::kUnits + i / kDepth].k[i % kDepth] = __float2bfloat16_rn(0.0F);
    }
  }
}

template <class Cell, class Tile, StepSum kSum>
__device__ __forceinline__ void add_product(const RecurrentStep& args, const StepProduct& product,
                                            Columns* rows, Columns* weights,
                                            Fragments<Tile>& sums) {
  const StepBlock block = step_block<Tile>(args);
  StepColumns<Cell, Tile> next;
  next.load(args, product, block, 0);
  for (int first = 0; first < product.depth; first += kDepth) {
    __syncthreads();  // the columns before have been read
    if (first == 0) clear_other_planes<Cell, Tile, kSum>(weights);
    next.store([&](int row, int k, float value) { rows[row].k[k] = __float2bfloat16_rn(value); },
               [&](int gate, int unit, int k, float value) {
                 weights[plane_of<Cell, kSum>(gate) * Tile::kUnits + unit].k[k] =
                     __float2bfloat16_rn(value);
               });
    __syncthreads();
    next.load(args, product, block, first + kDepth);  // on its way meanwhile
    multiply_columns<Tile>(rows, weights, sums);
  }
}

/// products[plane row][batch row] = the fragments of all warps.
template <class Tile>
__device__ __forceinline__ void spread(const Fragments<Tile>& sums,
                                       float (*products)[Tile::kRows + 1]) {
  const WarpPlace place = warp_place<Tile>();
  const int group = static_cast<int>(threadIdx.x) % 32 / 4;
  const int pair = static_cast<int>(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int i = 0; i < Tile::kAlong; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::kAcross; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        products[place.plane_row + i * kFragment + group + e / 2 * 8]
                [place.row + j * kFragmentRows + pair + e % 2] = sums[i][j][e];
      }
    }
  }
}

// mapping: block of kUnits units x kRows rows on the tensor cores: rows of planes along m, batch
//   rows along n; then a thread all planes of a unit of a row
// memory: factors in bf16 and the sums, 27 KB shared at most; the next columns in registers
// numerics: products of bf16, fp32 sums of 16 at a time, k ascending; then the biases
// limits: blocks, B, I and G * H below 2^31
template <class Cell, class Tile>
__global__ void __launch_bounds__(Tile::kThreads) recurrent_step_bf16_kernel(RecurrentStep args) {
  CADENZA_SHARED(rows, Columns[Tile::kRows]);
  CADENZA_SHARED(weights, Columns[Tile::kPlaneRows]);
  CADENZA_SHARED(products, float[Tile::kPlaneRows][Tile::kRows + 1]);
  Fragments<Tile> sums = {};
  if (args.ids == nullptr) {
    add_product<Cell, Tile, StepSum::input>(args, {args.x, args.w_ih, args.input}, rows, weights,
                                            sums);
  }
  add_product<Cell, Tile, StepSum::recurrent>(args, {args.h, args.w_hh, args.hidden}, rows, weights,
                                              sums);
  spread<Tile>(sums, products);
  __syncthreads();
  const StepBlock block = step_block<Tile>(args);
  for (int i = static_cast<int>(threadIdx.x); i < Tile::kUnits * Tile::kRows; i += Tile::kThreads) {
    const int u = i % Tile::kUnits;
    const int r = i / Tile::kUnits;
    const std::int64_t unit = block.unit + u;
    const std::int64_t row = block.row + r;
    if (unit >= args.hidden || row >= args.batch) continue;
    float p[Cell::kPlanes];
    start_sums<Cell>(args, row, unit, p);
#pragma unroll
    for (int plane = 0; plane < Cell::kPlanes; ++plane) {
      p[plane] = exact_add(p[plane], products[plane * Tile::kUnits + u][r]);
    }
    finish_step<Cell>(args, row, unit, p);
  }
}

template <class Cell, class Tile>
void launch_step(const RecurrentStep& args, cudaStream_t stream) {
  launch({.kernel = "recurrent_step_bf16",
          .shape = {args.batch, args.hidden, args.input},
          .grid = dim3(step_blocks<Tile>(args)),
          .block = dim3(Tile::kThreads),
          .stream = stream},
         recurrent_step_bf16_kernel<Cell, Tile>, args);
}

}  // namespace

void recurrent_step_bf16(const RecurrentStep& args, cudaStream_t stream) {
  for_cell(args.cell, [&](auto cell) {
    using Cell = decltype(cell);
    if (args.batch <= 2 * SmallTile<Cell>::kRows) {
      launch_step<Cell, SmallTile<Cell>>(args, stream);
    } else {
      launch_step<Cell, LargeTile<Cell>>(args, stream);
    }
  });
}

}  // namespace cadenza::kernels
