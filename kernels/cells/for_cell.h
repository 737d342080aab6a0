// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/cell.h"
#include "kernels/cells/gru_cell.h"
#include "kernels/cells/lstm_cell.h"
#include "kernels/cells/rnn_relu_cell.h"
#include "kernels/cells/rnn_tanh_cell.h"

// A cell is data: its numbers and two pure functions on one hidden unit, with the operations of the
// cpu backend (backend/cpu/cells.cpp) one by one, each rounded once.
//   kGates, kStates  as in CellInfo
//   kPlanes  numbers of a unit that are sums before the step and activations after it
//   kJoined  gates whose two sums are added and share a plane; the recurrent sum of gate g is in
//            plane g, a separate input sum in plane g + kGates - kJoined
//   step(p, state)  p: sums, then activations; state: before, then after the step
//   gradient(p, before, after, d_state, d_input, d_recurrent)  p: activations; before, after: the
//            states around the step, of `after` only those that are not h; d_state: gradient of
//            the states after, then the part of that of the states before which does not come
//            through the sums; d_input, d_recurrent: gradients of the sums, the latter only where
//            cells separate them

namespace cadenza::kernels {

template <class Cell>
inline constexpr bool kSeparates = Cell::kJoined < Cell::kGates;

/// Plane of the input sum of gate `gate`.
template <class Cell>
CADENZA_HOST_DEVICE constexpr int input_plane(int gate) {
  return gate < Cell::kJoined ? gate : gate + Cell::kGates - Cell::kJoined;
}

/// The one place that goes from the kind to the type: run(LstmCell()).
template <class Run>
void for_cell(CellKind kind, const Run& run) {
  switch (kind) {
    case CellKind::rnn_tanh:
      return run(RnnTanhCell());
    case CellKind::rnn_relu:
      return run(RnnReluCell());
    case CellKind::gru:
      return run(GruCell());
    case CellKind::lstm:
      return run(LstmCell());
  }
}

}  // namespace cadenza::kernels
