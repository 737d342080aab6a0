// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
//
#include "kernels/cells/for_cell.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/recurrent_cell.h"

namespace cadenza::kernels {
namespace {

constexpr int kUnits = 32;  // of a block
constexpr int kRows = 8;

/// Row and unit of a thread.
struct Place {
  std::int64_t row, unit;
};

__device__ __forceinline__ Place place(unsigned unit_tiles) {
  return {static_cast<std::int64_t>(blockIdx.x / unit_tiles) * kRows + threadIdx.y,
          static_cast<std::int64_t>(blockIdx.x % unit_tiles) * kUnits + threadIdx.x};
}

__device__ __forceinline__ float read(const float* from) { return *from; }
__device__ __forceinline__ float read(const __half* from) { return __half2float(*from); }
__device__ __forceinline__ void write(float value, float* to) { *to = value; }
__device__ __forceinline__ void write(float value, __half* to) { *to = __float2half_rn(value); }

__device__ __forceinline__ void write_bf16(float value, std::uint16_t* to) {
  *to = __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

__device__ __forceinline__ bool rests(const std::int32_t* lengths, std::int64_t row,
                                      std::int64_t step) {
  return lengths != nullptr && step >= lengths[row];
}

template <class Cell>
__device__ __forceinline__ void load_states(const float* const (&from)[2], std::int64_t element,
                                            float (&state)[Cell::kStates]) {
#pragma unroll
  for (int s = 0; s < Cell::kStates; ++s) {
    state[s] = from[s] == nullptr ? 0.0F : from[s][element];
  }
}

// mapping: block of 32 units x 8 rows, a thread a unit; blocks along x, units first
// memory: no shared memory; neighbouring lanes read neighbouring units
// numerics: each operation rounded once as in backend/cpu/cells.cpp; f16 planes to nearest even
// limits: rows * H / 256 below 2^31
template <class Cell, class Plane>
__global__ void __launch_bounds__(kUnits* kRows)
    step_cells_kernel(CellStep args, unsigned unit_tiles) {
  const auto [row, unit] = place(unit_tiles);
  if (row >= args.rows || unit >= args.hidden) return;
  const std::int64_t element = row * args.hidden + unit;
  if (rests(args.lengths, row, args.step)) {
    args.y[element] = 0.0F;
    if (args.y_bf16 != nullptr) write_bf16(0.0F, args.y_bf16 + element);
    return;
  }
  const std::int64_t first = row * Cell::kPlanes * args.hidden + unit;
  float p[Cell::kPlanes];
  float state[Cell::kStates];
#pragma unroll
  for (int i = 0; i < Cell::kPlanes; ++i) p[i] = args.sums[first + i * args.hidden];
  load_states<Cell>(args.before, element, state);
  Cell::step(p, state);
  if (args.planes != nullptr) {
    auto* const planes = static_cast<Plane*>(args.planes) + first;
#pragma unroll
    for (int i = 0; i < Cell::kPlanes; ++i) write(p[i], planes + i * args.hidden);
  }
  args.y[element] = state[0];
  if (args.y_bf16 != nullptr) write_bf16(state[0], args.y_bf16 + element);
  if constexpr (Cell::kStates == 2) args.c[element] = state[1];
}

/// d [rows, G, H] = values, once more in bf16 where wanted.
template <int kGates>
__device__ __forceinline__ void write_gates(const float (&values)[kGates], std::int64_t first,
                                            std::int64_t hidden, float* d, std::uint16_t* d_bf16) {
#pragma unroll
  for (int g = 0; g < kGates; ++g) d[first + g * hidden] = values[g];
  if (d_bf16 == nullptr) return;
#pragma unroll
  for (int g = 0; g < kGates; ++g) write_bf16(values[g], d_bf16 + first + g * hidden);
}

// mapping, memory, numerics, limits: as above
template <class Cell, class Plane>
__global__ void __launch_bounds__(kUnits* kRows)
    differentiate_cells_kernel(CellGradient args, unsigned unit_tiles) {
  const auto [row, unit] = place(unit_tiles);
  if (row >= args.rows || unit >= args.hidden) return;
  const std::int64_t element = row * args.hidden + unit;
  float d_input[Cell::kGates] = {};
  float d_recurrent[Cell::kGates] = {};
  if (!rests(args.lengths, row, args.step)) {
    const auto* const planes =
        static_cast<const Plane*>(args.planes) + row * Cell::kPlanes * args.hidden + unit;
    float p[Cell::kPlanes];
    float before[Cell::kStates];
    float after[Cell::kStates] = {};
    float d_state[Cell::kStates];
#pragma unroll
    for (int i = 0; i < Cell::kPlanes; ++i) p[i] = read(planes + i * args.hidden);
    load_states<Cell>(args.before, element, before);
    if constexpr (Cell::kStates == 2) after[1] = args.c[element];
#pragma unroll
    for (int s = 0; s < Cell::kStates; ++s) d_state[s] = args.d_state[s][element];
    d_state[0] = exact_add(d_state[0], args.dy[element]);
    Cell::gradient(p, before, after, d_state, d_input, d_recurrent);
#pragma unroll
    for (int s = 0; s < Cell::kStates; ++s) args.d_state[s][element] = d_state[s];
  }
  const std::int64_t first = row * Cell::kGates * args.hidden + unit;
  write_gates(d_input, first, args.hidden, args.d_input, args.d_input_bf16);
  if constexpr (kSeparates<Cell>) {
    write_gates(d_recurrent, first, args.hidden, args.d_recurrent, args.d_recurrent_bf16);
  }
}

// mapping: block of 32 units x 8 rows, a thread a unit with its states; blocks along x
// memory: no shared memory
// numerics: copies
// limits: B * H / 256 below 2^31
__global__ void __launch_bounds__(kUnits* kRows)
    pick_final_state_kernel(FinalState args, unsigned unit_tiles) {
  const auto [row, unit] = place(unit_tiles);
  if (row >= args.batch || unit >= args.hidden) return;
  const std::int64_t element = row * args.hidden + unit;
  const std::int64_t plane = args.batch * args.hidden;
  const std::int64_t length = args.lengths == nullptr ? args.steps : args.lengths[row];
  for (std::int64_t s = 0; s < args.states; ++s) {
    float value = 0.0F;
    if (length > 0) {
      value = (s == 0 ? args.y : args.c)[(length - 1) * plane + element];
    } else if (args.initial_state != nullptr) {
      value = args.initial_state[s * plane + element];
    }
    args.final_state[s * plane + element] = value;
  }
}

LaunchConfig config_of(const char* kernel, std::int64_t rows, std::int64_t hidden,
                       cudaStream_t stream) {
  return {.kernel = kernel,
          .shape = {rows, hidden},
          .grid = dim3(blocks_for(rows, kRows) * blocks_for(hidden, kUnits)),
          .block = dim3(kUnits, kRows),
          .stream = stream};
}

}  // namespace

PlaneLayout plane_layout(CellKind kind) {
  PlaneLayout layout;
  for_cell(kind, [&](auto cell) { layout = {decltype(cell)::kPlanes, decltype(cell)::kJoined}; });
  return layout;
}

void step_cells(const CellStep& args, cudaStream_t stream) {
  for_cell(args.cell, [&](auto cell) {
    using Cell = decltype(cell);
    launch(config_of("step_cells", args.rows, args.hidden, stream),
           args.type == PlaneType::f32 ? step_cells_kernel<Cell, float>
                                       : step_cells_kernel<Cell, __half>,
           args, blocks_for(args.hidden, kUnits));
  });
}

void differentiate_cells(const CellGradient& args, cudaStream_t stream) {
  for_cell(args.cell, [&](auto cell) {
    using Cell = decltype(cell);
    launch(config_of("differentiate_cells", args.rows, args.hidden, stream),
           args.type == PlaneType::f32 ? differentiate_cells_kernel<Cell, float>
                                       : differentiate_cells_kernel<Cell, __half>,
           args, blocks_for(args.hidden, kUnits));
  });
}

void pick_final_state(const FinalState& args, cudaStream_t stream) {
  launch(config_of("pick_final_state", args.batch, args.hidden, stream), pick_final_state_kernel,
         args, blocks_for(args.hidden, kUnits));
}

}  // namespace cadenza::kernels
