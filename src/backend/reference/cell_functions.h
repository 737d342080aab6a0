// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "cadenza/cell.h"

namespace cadenza::reference {

constexpr int kMaxGates = 4;
constexpr int kMaxStates = 2;

/// Of one hidden unit: for each gate, in the order of CellInfo::gate_names, w_ih x + b_ih and
/// w_hh h + b_hh.
struct GateSums {
  std::array<double, kMaxGates> input{};
  std::array<double, kMaxGates> recurrent{};
};

/// Of one hidden unit: h, then for LSTM c.
using UnitState = std::array<double, kMaxStates>;

struct CellGradient {
  GateSums sums;
  UnitState previous{};  ///< what does not pass through the sums
};

/// A cell as data: its step, and the gradient of a step from that of the state it led to.
struct CellFunctions {
  UnitState (*step)(const GateSums& sums, const UnitState& previous);
  CellGradient (*gradient)(const GateSums& sums, const UnitState& previous,
                           const UnitState& d_next);
};

const CellFunctions& functions_of(CellKind kind);

}  // namespace cadenza::reference
