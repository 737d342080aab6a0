// SPDX-License-Identifier: Apache-2.0
#include "kernels/recurrent_step.cuh"
//
#include "kernels/device/launch.h"

namespace cadenza::kernels {
namespace {

/// What one block computes: kUnits units of kRows rows, a thread kRowsEach of them.
template <int kUnitsOf, int kRowThreads, int kRowsEachOf, int kDepthOf>
struct FmaTile {
  static constexpr int kDepth = kDepthOf;  // columns of the factors in shared memory
  static constexpr int kUnits = kUnitsOf;
  static constexpr int kRowStride = kRowThreads;
  static constexpr int kRowsEach = kRowsEachOf;
  static constexpr int kRows = kRowThreads * kRowsEach;
  static constexpr int kThreads = kUnits * kRowThreads;
};
using SmallTile = FmaTile<4, 32, 1, 32>;   // many blocks for a small batch
using LargeTile = FmaTile<16, 16, 4, 16>;  // each number read once for 4 or 16 products

/// Columns of one row of a factor; the pitch keeps vectors aligned and banks apart.
template <class Tile>
struct alignas(16) Columns {
  float k[Tile::kDepth + 4];
};

template <class Cell, class Tile>
using Sums = float[Tile::kRowsEach][Cell::kPlanes];

template <class Cell, class Tile, StepSum kSum>
__device__ __forceinline__ void multiply_columns(const Columns<Tile>* rows,
                                                 const Columns<Tile>* weights, int count,
                                                 Sums<Cell, Tile>& sums) {
  const int unit = static_cast<int>(threadIdx.x) % Tile::kUnits;
  const int row = static_cast<int>(threadIdx.x) / Tile::kUnits;
  int k = 0;
#pragma unroll 2
  for (; k + 4 <= count; k += 4) {
    float4 w[Cell::kGates];
#pragma unroll
    for (int g = 0; g < Cell::kGates; ++g) {
      w[g] = load_vector(reinterpret_cast<const float4*>(&weights[g * Tile::kUnits + unit].k[k]));
    }
#pragma unroll
    for (int i = 0; i < Tile::kRowsEach; ++i) {
      const float4 a =
          load_vector(reinterpret_cast<const float4*>(&rows[row + i * Tile::kRowStride].k[k]));
#pragma unroll
      for (int g = 0; g < Cell::kGates; ++g) {
        float& sum = sums[i][plane_of<Cell, kSum>(g)];
        sum = exact_fma(a.x, w[g].x, sum);
        sum = exact_fma(a.y, w[g].y, sum);
        sum = exact_fma(a.z, w[g].z, sum);
        sum = exact_fma(a.w, w[g].w, sum);
      }
    }
  }
#pragma unroll 1
  for (; k < count; ++k) {
#pragma unroll
    for (int i = 0; i < Tile::kRowsEach; ++i) {
#pragma unroll
      for (int g = 0; g < Cell::kGates; ++g) {
        float& sum = sums[i][plane_of<Cell, kSum>(g)];
        sum = exact_fma(rows[row + i * Tile::kRowStride].k[k],
                        weights[g * Tile::kUnits + unit].k[k], sum);
      }
    }
  }
}

template <class Cell, class Tile, StepSum kSum>
__device__ __forceinline__ void add_product(const RecurrentStep& args, const StepProduct& product,
                                            Columns<Tile>* rows, Columns<Tile>* weights,
                                            Sums<Cell, Tile>& sums) {
  const StepBlock block = step_block<Tile>(args);
  StepColumns<Cell, Tile> next;
  next.load(args, product, block, 0);
  for (int first = 0; first < product.depth; first += Tile::kDepth) {
    __syncthreads();  // the columns before have been read
    next.store([&](int row, int k, float value) { rows[row].k[k] = value; },
               [&](int gate, int unit, int k, float value) {
                 weights[gate * Tile::kUnits + unit].k[k] = value;
               });
    __syncthreads();
    next.load(args, product, block, first + Tile::kDepth);  // on its way meanwhile
    const int left = product.depth - first;
    multiply_columns<Cell, Tile, kSum>(rows, weights, left < Tile::kDepth ? left : Tile::kDepth,
                                       sums);
  }
}

// mapping: block of kUnits units x kRows rows, a thread all gates of one unit for kRowsEach rows
// memory: kRows + G * kUnits rows of kDepth + 4 floats shared (10 KB at most); the next columns in
// registers numerics: one chain of fused multiply-adds a sum, k ascending, from the biases on
// limits: blocks, B, I and G * H below 2^31
template <class Cell, class Tile>
__global__ void __launch_bounds__(Tile::kThreads, 512 / Tile::kThreads)
    recurrent_step_kernel(RecurrentStep args) {
  CADENZA_SHARED(rows, Columns<Tile>[Tile::kRows]);
  CADENZA_SHARED(weights, Columns<Tile>[Cell::kGates * Tile::kUnits]);
  const StepBlock block = step_block<Tile>(args);
  const std::int64_t unit = block.unit + threadIdx.x % Tile::kUnits;
  const std::int64_t row = block.row + threadIdx.x / Tile::kUnits;
  Sums<Cell, Tile> sums = {};
#pragma unroll
  for (int i = 0; i < Tile::kRowsEach; ++i) {
    const std::int64_t r = row + i * Tile::kRowStride;
    if (r < args.batch && unit < args.hidden) start_sums<Cell>(args, r, unit, sums[i]);
  }
  if (args.ids == nullptr) {
    add_product<Cell, Tile, StepSum::input>(args, {args.x, args.w_ih, args.input}, rows, weights,
                                            sums);
  }
  add_product<Cell, Tile, StepSum::recurrent>(args, {args.h, args.w_hh, args.hidden}, rows, weights,
                                              sums);
#pragma unroll
  for (int i = 0; i < Tile::kRowsEach; ++i) {
    const std::int64_t r = row + i * Tile::kRowStride;
    if (r < args.batch && unit < args.hidden) finish_step<Cell>(args, r, unit, sums[i]);
  }
}

template <class Cell, class Tile>
void launch_step(const RecurrentStep& args, cudaStream_t stream) {
  launch({.kernel = "recurrent_step",
          .shape = {args.batch, args.hidden, args.input},
          .grid = dim3(step_blocks<Tile>(args)),
          .block = dim3(Tile::kThreads),
          .stream = stream},
         recurrent_step_kernel<Cell, Tile>, args);
}

}  // namespace

void recurrent_step_fp32(const RecurrentStep& args, cudaStream_t stream) {
  for_cell(args.cell, [&](auto cell) {
    using Cell = decltype(cell);
    if (args.batch <= 2 * SmallTile::kRows) {
      launch_step<Cell, SmallTile>(args, stream);
    } else {
      launch_step<Cell, LargeTile>(args, stream);
    }
  });
}

void recurrent_step(const RecurrentStep& args, Precision precision, cudaStream_t stream) {
  if (precision == Precision::bf16) {
    recurrent_step_bf16(args, stream);
  } else {
    recurrent_step_fp32(args, stream);
  }
}

}  // namespace cadenza::kernels
