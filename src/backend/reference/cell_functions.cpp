// SPDX-License-Identifier: Apache-2.0
#include "backend/reference/cell_functions.h"

#include <cmath>

#include "backend/reference/loops.h"

// The equations of PyTorch's nn.RNN, nn.GRU and nn.LSTM, and their derivatives.

namespace cadenza::reference {
namespace {

double sigmoid_slope(double y) { return y * (1.0 - y); }
double tanh_slope(double y) { return 1.0 - y * y; }

/// A gate whose two sums are simply added.
double added(const GateSums& sums, int gate) {
  const auto g = static_cast<std::size_t>(gate);
  return sums.input[g] + sums.recurrent[g];
}

// h' = tanh(x + h)
UnitState rnn_tanh_step(const GateSums& sums, const UnitState&) {
  return {std::tanh(added(sums, 0))};
}

CellGradient rnn_tanh_gradient(const GateSums& sums, const UnitState&, const UnitState& d_next) {
  const double d_sum = d_next[0] * tanh_slope(std::tanh(added(sums, 0)));
  return {.sums = {.input = {d_sum}, .recurrent = {d_sum}}, .previous = {}};
}

// h' = max(x + h, 0)
UnitState rnn_relu_step(const GateSums& sums, const UnitState&) {
  const double sum = added(sums, 0);
  return {sum < 0.0 ? 0.0 : sum};
}

CellGradient rnn_relu_gradient(const GateSums& sums, const UnitState&, const UnitState& d_next) {
  const double d_sum = added(sums, 0) > 0.0 ? d_next[0] : 0.0;
  return {.sums = {.input = {d_sum}, .recurrent = {d_sum}}, .previous = {}};
}

struct GruGates {
  double r, z, n;
};

// r = sigmoid(xr + hr), z = sigmoid(xz + hz), n = tanh(xn + r hn)
GruGates gru_gates(const GateSums& sums) {
  const double r = sigmoid(added(sums, 0));
  return {r, sigmoid(added(sums, 1)), std::tanh(sums.input[2] + r * sums.recurrent[2])};
}

// h' = (1 - z) n + z h
UnitState gru_step(const GateSums& sums, const UnitState& previous) {
  const auto [r, z, n] = gru_gates(sums);
  return {(1.0 - z) * n + z * previous[0]};
}

CellGradient gru_gradient(const GateSums& sums, const UnitState& previous,
                          const UnitState& d_next) {
  const auto [r, z, n] = gru_gates(sums);
  const double d_n = d_next[0] * (1.0 - z) * tanh_slope(n);
  const double d_z = d_next[0] * (previous[0] - n) * sigmoid_slope(z);
  const double d_r = d_n * sums.recurrent[2] * sigmoid_slope(r);
  return {.sums = {.input = {d_r, d_z, d_n}, .recurrent = {d_r, d_z, d_n * r}},
          .previous = {d_next[0] * z}};
}

struct LstmGates {
  double i, f, g, o;
};

LstmGates lstm_gates(const GateSums& sums) {
  return {sigmoid(added(sums, 0)), sigmoid(added(sums, 1)), std::tanh(added(sums, 2)),
          sigmoid(added(sums, 3))};
}

// c' = f c + i g, h' = o tanh(c')
UnitState lstm_step(const GateSums& sums, const UnitState& previous) {
  const auto [i, f, g, o] = lstm_gates(sums);
  const double c = f * previous[1] + i * g;
  return {o * std::tanh(c), c};
}

CellGradient lstm_gradient(const GateSums& sums, const UnitState& previous,
                           const UnitState& d_next) {
  const auto [i, f, g, o] = lstm_gates(sums);
  const double tanh_c = std::tanh(f * previous[1] + i * g);
  const double d_c = d_next[1] + d_next[0] * o * tanh_slope(tanh_c);
  const std::array<double, kMaxGates> d_sums = {
      d_c * g * sigmoid_slope(i), d_c * previous[1] * sigmoid_slope(f), d_c * i * tanh_slope(g),
      d_next[0] * tanh_c * sigmoid_slope(o)};
  return {.sums = {.input = d_sums, .recurrent = d_sums}, .previous = {0.0, d_c * f}};
}

/// In the order of CellKind.
constexpr CellFunctions kCells[] = {
    {rnn_tanh_step, rnn_tanh_gradient},
    {rnn_relu_step, rnn_relu_gradient},
    {gru_step, gru_gradient},
    {lstm_step, lstm_gradient},
};

}  // namespace

const CellFunctions& functions_of(CellKind kind) { return kCells[static_cast<std::size_t>(kind)]; }

}  // namespace cadenza::reference
