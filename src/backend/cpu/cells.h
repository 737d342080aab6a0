// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/cell.h"

// The elementwise part of the recurrent cells. What the products sum up and what backward needs
// later lie side by side in one row of "planes" of H numbers for each step of each sequence:
//   rnn_*  h
//   gru    r z hn n      hn: the recurrent sum of gate n, which the reset gate multiplies
//   lstm   i f g o c
// The products leave sums there; the step replaces them by activations and adds the new c.

namespace cadenza::cpu {

struct CellLayout {
  int planes = 0;
  /// Gates whose two sums are added: their recurrent and their input product meet in one plane.
  /// The recurrent sum of gate g is in plane g, a separate input sum in plane g + 1.
  int joined = 0;
  /// Whether every h after a step lies in [-1, 1], whatever the states were before it.
  bool bounded = false;
};

/// In the order of CellKind.
inline constexpr CellLayout kCellLayouts[] = {
    {1, 1, true}, {1, 1, false}, {4, 2, false}, {5, 4, true}};

/// One state of some rows, `stride` floats apart; absent: zeros.
struct StateRows {
  const float* data = nullptr;
  std::int64_t stride = 0;
};

/// One step of `rows` sequences.
struct CellStep {
  std::int64_t rows = 0, hidden = 0;
  std::int64_t step = 0;                  ///< t
  const std::int32_t* lengths = nullptr;  ///< rows with lengths[row] <= t rest; absent: none
  StateRows previous[2];                  ///< h and c before the step
  float* planes = nullptr;                ///< [rows, planes, H], sums in, activations out
  float* y = nullptr;                     ///< [rows, H], zero for resting rows
};
void step_cells(CellKind kind, const CellStep& args);

/// Its gradient.
struct CellGradient {
  std::int64_t rows = 0, hidden = 0;
  std::int64_t step = 0;
  const std::int32_t* lengths = nullptr;
  StateRows previous[2];
  const float* planes = nullptr;  ///< as step_cells() left them
  const float* dy = nullptr;      ///< [rows, H]
  /// [rows, H] each: gradient of the state after the step, without dy, in; out that of the state
  /// before it as far as it does not come through the sums. Kept where rows rest.
  float* d_state[2] = {};
  std::int64_t sum_stride = 0;   ///< from row to row of the two arrays below
  float* d_input = nullptr;      ///< [rows, G, H] gradient of the input sums; zero where rows rest
  float* d_recurrent = nullptr;  ///< of the recurrent sums; written only where cells separate them
};
void differentiate_cells(CellKind kind, const CellGradient& args);

}  // namespace cadenza::cpu
