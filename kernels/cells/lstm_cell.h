// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cells/elementary.h"

namespace cadenza::kernels {

/// c' = f c + i g, h' = o tanh(c'). Planes: i, f, g, o. See for_cell.h.
struct LstmCell {
  static constexpr int kGates = 4, kStates = 2, kPlanes = 4, kJoined = 4;

  CADENZA_HOST_DEVICE static void step(float (&p)[kPlanes], float (&state)[kStates]) {
    p[0] = elementary::sigmoid(p[0]);
    p[1] = elementary::sigmoid(p[1]);
    p[2] = elementary::tanh(p[2]);
    p[3] = elementary::sigmoid(p[3]);
    state[1] = exact_fma(p[1], state[1], exact_mul(p[0], p[2]));
    state[0] = exact_mul(p[3], elementary::tanh(state[1]));
  }

  CADENZA_HOST_DEVICE static void gradient(const float (&p)[kPlanes],
                                           const float (&before)[kStates],
                                           const float (&after)[kStates], float (&d_state)[kStates],
                                           float (&d_input)[kGates], float (&)[kGates]) {
    const float tanh_c = elementary::tanh(after[1]);
    const float dh = d_state[0];
    const float dc = exact_fma(exact_mul(dh, p[3]), elementary::tanh_slope(tanh_c), d_state[1]);
    d_input[0] = exact_mul(exact_mul(dc, p[2]), elementary::sigmoid_slope(p[0]));
    d_input[1] = exact_mul(exact_mul(dc, before[1]), elementary::sigmoid_slope(p[1]));
    d_input[2] = exact_mul(exact_mul(dc, p[0]), elementary::tanh_slope(p[2]));
    d_input[3] = exact_mul(exact_mul(dh, tanh_c), elementary::sigmoid_slope(p[3]));
    d_state[0] = 0.0F;
    d_state[1] = exact_mul(dc, p[1]);
  }
};

}  // namespace cadenza::kernels
