// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/cells/elementary.h"

namespace cadenza::kernels {

/// h' = max(sum, 0). Planes: h'. See for_cell.h.
struct RnnReluCell {
  static constexpr int kGates = 1, kStates = 1, kPlanes = 1, kJoined = 1;

  CADENZA_HOST_DEVICE static void step(float (&p)[kPlanes], float (&state)[kStates]) {
    p[0] = elementary::at_least(p[0], 0.0F);
    state[0] = p[0];
  }

  CADENZA_HOST_DEVICE static void gradient(const float (&p)[kPlanes], const float (&)[kStates],
                                           const float (&)[kStates], float (&d_state)[kStates],
                                           float (&d_input)[kGates], float (&)[kGates]) {
    d_input[0] = p[0] > 0.0F ? d_state[0] : 0.0F;
    d_state[0] = 0.0F;
  }
};

}  // namespace cadenza::kernels
