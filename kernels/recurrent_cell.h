// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cadenza/cell.h"

// The elementwise part of the recurrent layers. What the products sum up, and what backward needs
// later, lie side by side in one row of "planes" of H numbers for each step of each sequence
// (kernels/cells/for_cell.h); the cell state c has an array of its own, always in f32.

namespace cadenza::kernels {

struct PlaneLayout {
  int planes = 0;
  int joined = 0;
};
PlaneLayout plane_layout(CellKind kind);

/// How activations are kept for backward. Beside 1 the 10 bits of f16 lose half as much of a gate
/// as the 7 bits of bf16 do.
enum class PlaneType : std::uint8_t { f32, f16 };

/// One step of `rows` sequences.
struct CellStep {
  CellKind cell = CellKind::lstm;
  std::int64_t rows = 0, hidden = 0;
  std::int64_t step = 0;                  ///< t
  const std::int32_t* lengths = nullptr;  ///< [rows]: those with length <= t rest; absent: none
  const float* sums = nullptr;            ///< [rows, planes, H]
  const float* before[2] = {};            ///< h, c before the step, [rows, H]; absent: zeros
  PlaneType type = PlaneType::f32;
  void* planes = nullptr;  ///< [rows, planes, H] out, f32 may be the sums; absent: not kept
  float* y = nullptr;      ///< [rows, H] out: h; zero for rows that rest
  float* c = nullptr;      ///< [rows, H] out, cells with two states; not written for rows that rest
  std::uint16_t* y_bf16 = nullptr;  ///< [rows, H] out: y once more; absent: not wanted
};
void step_cells(const CellStep& args, cudaStream_t stream);

/// Its gradient.
struct CellGradient {
  CellKind cell = CellKind::lstm;
  std::int64_t rows = 0, hidden = 0;
  std::int64_t step = 0;
  const std::int32_t* lengths = nullptr;
  PlaneType type = PlaneType::f32;
  const void* planes = nullptr;  ///< as step_cells() left them
  const float* before[2] = {};
  const float* c = nullptr;   ///< after the step; cells with two states
  const float* dy = nullptr;  ///< [rows, H]
  /// [rows, H] each: gradient of the state after the step, without dy, in; out that of the state
  /// before it as far as it does not come through the sums. Kept where rows rest.
  float* d_state[2] = {};
  /// [rows, G, H]: gradients of the input sums and, where cells separate them, of the recurrent
  /// ones; zero where rows rest.
  float* d_input = nullptr;
  float* d_recurrent = nullptr;
  std::uint16_t* d_input_bf16 = nullptr;  ///< the same once more; absent: not wanted
  std::uint16_t* d_recurrent_bf16 = nullptr;
};
void differentiate_cells(const CellGradient& args, cudaStream_t stream);

/// The states of each row after its last step.
struct FinalState {
  std::int64_t states = 1, steps = 0, batch = 0, hidden = 0;
  const std::int32_t* lengths = nullptr;  ///< [B]; absent: all T
  const float* y = nullptr;               ///< [T, B, H]
  const float* c = nullptr;               ///< [T, B, H]; with two states
  const float* initial_state = nullptr;   ///< [S, B, H]; absent: zeros
  float* final_state = nullptr;           ///< [S, B, H] out, may be the initial one
};
void pick_final_state(const FinalState& args, cudaStream_t stream);

}  // namespace cadenza::kernels
