// SPDX-License-Identifier: Apache-2.0
// The recurrent cells on vectors, compiled once per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_CELLS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_CELLS_INL_H_
#undef CADENZA_BACKEND_CPU_CELLS_INL_H_
#else
#define CADENZA_BACKEND_CPU_CELLS_INL_H_
#endif

#include "backend/cpu/cells.h"
#include "backend/cpu/vector_math-inl.h"

// A cell is two functions on vectors. step, of N vectors side by side: p holds the sums, then the
// activations; state holds the states before, then after. gradient: d_state holds the gradient of
// the states after, then the part of that of the states before which does not come through the
// sums.

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

struct RnnTanhCell {
  static constexpr CellKind kKind = CellKind::rnn_tanh;
  static constexpr int kGates = 1, kStates = 1;

  template <class D, class V, int N>
  static HWY_INLINE void step(D d, V (*p)[N], V (*state)[N]) {
    Tanh(d, p[0]);
    each<N>([&](int i) HWY_ATTR { state[0][i] = p[0][i]; });
  }
  template <class D, class V>
  static HWY_INLINE void gradient(D d, const V* p, const V*, V* d_state, V* d_input, V*) {
    d_input[0] = hn::Mul(d_state[0], tanh_slope(d, p[0]));
    d_state[0] = hn::Zero(d);
  }
};

struct RnnReluCell {
  static constexpr CellKind kKind = CellKind::rnn_relu;
  static constexpr int kGates = 1, kStates = 1;

  template <class D, class V, int N>
  static HWY_INLINE void step(D d, V (*p)[N], V (*state)[N]) {
    each<N>([&](int i) HWY_ATTR { state[0][i] = p[0][i] = at_least(d, p[0][i], 0.0F); });
  }
  template <class D, class V>
  static HWY_INLINE void gradient(D d, const V* p, const V*, V* d_state, V* d_input, V*) {
    d_input[0] = hn::IfThenElseZero(hn::Gt(p[0], hn::Zero(d)), d_state[0]);
    d_state[0] = hn::Zero(d);
  }
};

struct GruCell {
  static constexpr CellKind kKind = CellKind::gru;
  static constexpr int kGates = 3, kStates = 1;

  // p = r, z, hn, n; h' = n + z (h - n)
  template <class D, class V, int N>
  static HWY_INLINE void step(D d, V (*p)[N], V (*state)[N]) {
    Sigmoid(d, p[0]);
    Sigmoid(d, p[1]);
    each<N>([&](int i) HWY_ATTR { p[3][i] = Fma(d, p[0][i], p[2][i], p[3][i]); });
    Tanh(d, p[3]);
    each<N>([&](int i) HWY_ATTR {
      state[0][i] = Fma(d, p[1][i], hn::Sub(state[0][i], p[3][i]), p[3][i]);
    });
  }
  template <class D, class V>
  static HWY_INLINE void gradient(D d, const V* p, const V* previous, V* d_state, V* d_input,
                                  V* d_recurrent) {
    const V dh = d_state[0];
    const V d_n = hn::Mul(hn::Sub(dh, hn::Mul(dh, p[1])), tanh_slope(d, p[3]));
    d_input[0] = hn::Mul(hn::Mul(d_n, p[2]), sigmoid_slope(d, p[0]));
    d_input[1] = hn::Mul(hn::Mul(dh, hn::Sub(previous[0], p[3])), sigmoid_slope(d, p[1]));
    d_input[2] = d_n;
    d_recurrent[0] = d_input[0];
    d_recurrent[1] = d_input[1];
    d_recurrent[2] = hn::Mul(d_n, p[0]);
    d_state[0] = hn::Mul(dh, p[1]);
  }
};

struct LstmCell {
  static constexpr CellKind kKind = CellKind::lstm;
  static constexpr int kGates = 4, kStates = 2;

  // p = i, f, g, o, c; c' = f c + i g, h' = o tanh(c')
  template <class D, class V, int N>
  static HWY_INLINE void step(D d, V (*p)[N], V (*state)[N]) {
    Sigmoid(d, p[0]);
    Sigmoid(d, p[1]);
    Tanh(d, p[2]);
    Sigmoid(d, p[3]);
    each<N>([&](int i) HWY_ATTR {
      p[4][i] = Fma(d, p[1][i], state[1][i], hn::Mul(p[0][i], p[2][i]));
      state[0][i] = state[1][i] = p[4][i];
    });
    Tanh(d, state[0]);
    each<N>([&](int i) HWY_ATTR { state[0][i] = hn::Mul(p[3][i], state[0][i]); });
  }
  template <class D, class V>
  static HWY_INLINE void gradient(D d, const V* p, const V* previous, V* d_state, V* d_input, V*) {
    const V tanh_c = Tanh(d, p[4]);
    const V dh = d_state[0];
    const V dc = Fma(d, hn::Mul(dh, p[3]), tanh_slope(d, tanh_c), d_state[1]);
    d_input[0] = hn::Mul(hn::Mul(dc, p[2]), sigmoid_slope(d, p[0]));
    d_input[1] = hn::Mul(hn::Mul(dc, previous[1]), sigmoid_slope(d, p[1]));
    d_input[2] = hn::Mul(hn::Mul(dc, p[0]), tanh_slope(d, p[2]));
    d_input[3] = hn::Mul(hn::Mul(dh, tanh_c), sigmoid_slope(d, p[3]));
    d_state[0] = hn::Zero(d);
    d_state[1] = hn::Mul(dc, p[1]);
  }
};

/// The one place that goes from the kind to the type.
template <class Run>
void with_cell(CellKind kind, const Run& run) {
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

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_CELLS_INL_H_
