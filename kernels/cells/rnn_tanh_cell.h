// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cells/elementary.h"

namespace cadenza::kernels {

/// h' = tanh(sum). Planes: h'. See for_cell.h.
struct RnnTanhCell {
  static constexpr int kGates = 1, kStates = 1, kPlanes = 1, kJoined = 1;

  CADENZA_HOST_DEVICE static void step(float (&p)[kPlanes], float (&state)[kStates]) {
    p[0] = elementary::tanh(p[0]);
    state[0] = p[0];
  }

  CADENZA_HOST_DEVICE static void gradient(const float (&p)[kPlanes], const float (&)[kStates],
                                           const float (&)[kStates], float (&d_state)[kStates],
                                           float (&d_input)[kGates], float (&)[kGates]) {
    d_input[0] = exact_mul(d_state[0], elementary::tanh_slope(p[0]));
    d_state[0] = 0.0F;
  }
};

}  // namespace cadenza::kernels
