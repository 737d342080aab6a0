// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cells/elementary.h"

namespace cadenza::kernels {

/// n = tanh(sum + r hn), h' = n + z (h - n). Planes: r, z, hn, n, where hn is the recurrent sum of
/// gate n, which the reset gate multiplies. See for_cell.h.
struct GruCell {
  static constexpr int kGates = 3, kStates = 1, kPlanes = 4, kJoined = 2;

  CADENZA_HOST_DEVICE static void step(float (&p)[kPlanes], float (&state)[kStates]) {
    p[0] = elementary::sigmoid(p[0]);
    p[1] = elementary::sigmoid(p[1]);
    p[3] = elementary::tanh(exact_fma(p[0], p[2], p[3]));
    state[0] = exact_fma(p[1], exact_add(state[0], -p[3]), p[3]);
  }

  CADENZA_HOST_DEVICE static void gradient(const float (&p)[kPlanes],
                                           const float (&before)[kStates], const float (&)[kStates],
                                           float (&d_state)[kStates], float (&d_input)[kGates],
                                           float (&d_recurrent)[kGates]) {
    const float dh = d_state[0];
    const float d_n = exact_mul(exact_add(dh, -exact_mul(dh, p[1])), elementary::tanh_slope(p[3]));
    d_input[0] = exact_mul(exact_mul(d_n, p[2]), elementary::sigmoid_slope(p[0]));
    d_input[1] =
        exact_mul(exact_mul(dh, exact_add(before[0], -p[3])), elementary::sigmoid_slope(p[1]));
    d_input[2] = d_n;
    d_recurrent[0] = d_input[0];
    d_recurrent[1] = d_input[1];
    d_recurrent[2] = exact_mul(d_n, p[0]);
    d_state[0] = exact_mul(dh, p[1]);
  }
};

}  // namespace cadenza::kernels
