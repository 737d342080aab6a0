// SPDX-License-Identifier: Apache-2.0
// What the kernels of one recurrent step share: where a block stands, how it brings its parts of
// the factors to shared memory, and what it does with the sums.
#pragma once

#include "kernels/device/kernel.h"
//
#include "kernels/cells/for_cell.h"
#include "kernels/grid.h"
#include "kernels/recurrent_step.h"

namespace cadenza::kernels {

/// The two products of a step.
enum class StepSum : std::uint8_t { input, recurrent };

/// Plane that the product of gate `gate` goes to.
template <class Cell, StepSum kSum>
__device__ constexpr int plane_of(int gate) {
  return kSum == StepSum::recurrent ? gate : input_plane<Cell>(gate);
}

/// First row and unit of a block; blocks along x, units first.
struct StepBlock {
  int row, unit;
};

template <class Tile>
__device__ __forceinline__ StepBlock step_block(const RecurrentStep& args) {
  const auto unit_tiles = static_cast<unsigned>(ceil_div(args.hidden, Tile::kUnits));
  return {static_cast<int>(blockIdx.x / unit_tiles) * Tile::kRows,
          static_cast<int>(blockIdx.x % unit_tiles) * Tile::kUnits};
}

template <class Tile>
unsigned step_blocks(const RecurrentStep& args) {
  return static_cast<unsigned>(ceil_div(args.hidden, Tile::kUnits) *
                               ceil_div(args.batch, Tile::kRows));
}

/// One product: sums [B, G, H] += rows [B, depth] * weights [G, H, depth]^T.
struct StepProduct {
  const float* rows;
  const float* weights;
  int depth;

  __device__ StepProduct(const float* rows_of, const float* weights_of, std::int64_t depth_of)
      : rows(rows_of), weights(weights_of), depth(static_cast<int>(depth_of)) {}
};

/// The next kDepth columns of a block's factors, in registers on the way to shared memory. Beyond
/// the edges of the factors they are zero.
template <class Cell, class Tile>
class StepColumns {
 public:
  static constexpr int kWeightRows = Cell::kGates * Tile::kUnits;

  __device__ __forceinline__ void load(const RecurrentStep& args, const StepProduct& product,
                                       const StepBlock& block, int first) {
    const int batch = static_cast<int>(args.batch);
    const int hidden = static_cast<int>(args.hidden);
    const int k = first + column();
    const bool inside = k < product.depth;
#pragma unroll
    for (int i = 0; i < kRowsEach; ++i) {
      const int row = block.row + row_of(i);
      rows_[i] = inside && row < batch ? product.rows[offset(row, product.depth) + k] : 0.0F;
    }
#pragma unroll
    for (int i = 0; i < kWeightsEach; ++i) {
      const int r = row_of(i);
      const int unit = block.unit + r % Tile::kUnits;
      const int row = r / Tile::kUnits * hidden + unit;
      weights_[i] = inside && r < kWeightRows && unit < hidden
                        ? product.weights[offset(row, product.depth) + k]
                        : 0.0F;
    }
  }

  /// put_row(row, column, value) and put_weight(gate, unit, column, value) of this thread's share.
  template <class PutRow, class PutWeight>
  __device__ __forceinline__ void store(const PutRow& put_row, const PutWeight& put_weight) const {
#pragma unroll
    for (int i = 0; i < kRowsEach; ++i) put_row(row_of(i), column(), rows_[i]);
#pragma unroll
    for (int i = 0; i < kWeightsEach; ++i) {
      const int r = row_of(i);
      if (r < kWeightRows) put_weight(r / Tile::kUnits, r % Tile::kUnits, column(), weights_[i]);
    }
  }

 private:
  static constexpr int kStride = Tile::kThreads / Tile::kDepth;  // rows that are loaded at once
  static constexpr int kRowsEach = (Tile::kRows + kStride - 1) / kStride;
  static constexpr int kWeightsEach = (kWeightRows + kStride - 1) / kStride;
  static_assert(Tile::kThreads % Tile::kDepth == 0 && Tile::kRows % kStride == 0);

  __device__ __forceinline__ static std::int64_t offset(int row, int depth) {
    return static_cast<std::int64_t>(row) * depth;
  }
  __device__ __forceinline__ static int column() {
    return static_cast<int>(threadIdx.x) % Tile::kDepth;
  }
  __device__ __forceinline__ static int row_of(int i) {
    return static_cast<int>(threadIdx.x) / Tile::kDepth + i * kStride;
  }

  float rows_[kRowsEach];
  float weights_[kWeightsEach];
};

/// What the sums of a unit start with: biases, and the column of w_ih that the row's id picks.
template <class Cell>
__device__ __forceinline__ void start_sums(const RecurrentStep& args, std::int64_t row,
                                           std::int64_t unit, float (&p)[Cell::kPlanes]) {
#pragma unroll
  for (int g = 0; g < Cell::kGates; ++g) p[g] = args.b_hh[g * args.hidden + unit];
  const std::int32_t id = args.ids == nullptr ? -1 : args.ids[row];
#pragma unroll
  for (int g = 0; g < Cell::kGates; ++g) {
    const std::int64_t r = g * args.hidden + unit;
    float& sum = p[input_plane<Cell>(g)];
    sum = g < Cell::kJoined ? exact_add(sum, args.b_ih[r]) : args.b_ih[r];
    if (id >= 0) sum = exact_add(sum, args.w_ih[r * args.input + id]);
  }
}

/// The cell, from the sums of a unit to its states.
template <class Cell>
__device__ __forceinline__ void finish_step(const RecurrentStep& args, std::int64_t row,
                                            std::int64_t unit, float (&p)[Cell::kPlanes]) {
  const std::int64_t element = row * args.hidden + unit;
  float* const c = args.state + args.batch * args.hidden + element;
  float state[Cell::kStates];
  state[0] = args.h[element];
  if constexpr (Cell::kStates == 2) state[1] = *c;
  Cell::step(p, state);
  args.state[element] = state[0];
  if constexpr (Cell::kStates == 2) *c = state[1];
}

}  // namespace cadenza::kernels
