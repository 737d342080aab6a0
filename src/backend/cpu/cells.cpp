// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cells.h"

#include <algorithm>

#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/cells.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

// A cell is two functions on vectors. step: p holds the sums, then the activations; state holds the
// states before, then after. gradient: d_state holds the gradient of the states after, then the
// part of that of the states before which does not come through the sums.

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

struct RnnTanhCell {
  static constexpr CellKind kKind = CellKind::rnn_tanh;
  static constexpr int kGates = 1, kStates = 1;

  template <class D, class V>
  static HWY_INLINE void step(D d, V* p, V* state) {
    p[0] = Tanh(d, p[0]);
    state[0] = p[0];
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

  template <class D, class V>
  static HWY_INLINE void step(D d, V* p, V* state) {
    p[0] = at_least(d, p[0], 0.0F);
    state[0] = p[0];
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
  template <class D, class V>
  static HWY_INLINE void step(D d, V* p, V* state) {
    p[0] = Sigmoid(d, p[0]);
    p[1] = Sigmoid(d, p[1]);
    p[3] = Tanh(d, Fma(d, p[0], p[2], p[3]));
    state[0] = Fma(d, p[1], hn::Sub(state[0], p[3]), p[3]);
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
  template <class D, class V>
  static HWY_INLINE void step(D d, V* p, V* state) {
    p[0] = Sigmoid(d, p[0]);
    p[1] = Sigmoid(d, p[1]);
    p[2] = Tanh(d, p[2]);
    p[3] = Sigmoid(d, p[3]);
    p[4] = Fma(d, p[1], state[1], hn::Mul(p[0], p[2]));
    state[1] = p[4];
    state[0] = hn::Mul(p[3], Tanh(d, p[4]));
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

template <class D>
HWY_INLINE hn::Vec<D> load_state(D d, const StateRows& state, std::int64_t row, std::int64_t unit) {
  return state.data == nullptr ? hn::Zero(d) : hn::LoadU(d, state.data + row * state.stride + unit);
}

template <class Cell>
void step_rows(const CellStep& args) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr int kSums = 2 * Cell::kGates - kLayout.joined;
  const std::int64_t hidden = args.hidden;
  for (std::int64_t row = 0; row < args.rows; ++row) {
    float* const y = args.y + row * hidden;
    if (args.lengths != nullptr && args.step >= args.lengths[row]) {
      std::fill_n(y, hidden, 0.0F);
      continue;
    }
    float* const planes = args.planes + row * kLayout.planes * hidden;
    for_each_vector(hidden, [&](auto d, std::int64_t unit) HWY_ATTR {
      using V = hn::Vec<decltype(d)>;
      V p[kLayout.planes], state[Cell::kStates];
      for (int i = 0; i < kSums; ++i) p[i] = hn::LoadU(d, planes + i * hidden + unit);
      for (int s = 0; s < Cell::kStates; ++s) {
        state[s] = load_state(d, args.previous[s], row, unit);
      }
      Cell::step(d, p, state);
      for (int i = 0; i < kLayout.planes; ++i) hn::StoreU(p[i], d, planes + i * hidden + unit);
      hn::StoreU(state[0], d, y + unit);
    });
  }
}

template <class Cell>
void differentiate_rows(const CellGradient& args) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr bool kSeparate = kLayout.joined < Cell::kGates;
  const std::int64_t hidden = args.hidden;
  for (std::int64_t row = 0; row < args.rows; ++row) {
    float* const d_input = args.d_input + row * Cell::kGates * hidden;
    float* const d_recurrent = kSeparate ? args.d_recurrent + row * Cell::kGates * hidden : nullptr;
    if (args.lengths != nullptr && args.step >= args.lengths[row]) {
      std::fill_n(d_input, Cell::kGates * hidden, 0.0F);
      if (kSeparate) std::fill_n(d_recurrent, Cell::kGates * hidden, 0.0F);
      continue;
    }
    const float* const planes = args.planes + row * kLayout.planes * hidden;
    for_each_vector(hidden, [&](auto d, std::int64_t unit) HWY_ATTR {
      using V = hn::Vec<decltype(d)>;
      V p[kLayout.planes], previous[Cell::kStates], d_state[Cell::kStates];
      V d_sums[Cell::kGates], d_separate[Cell::kGates];
      for (int i = 0; i < kLayout.planes; ++i) p[i] = hn::LoadU(d, planes + i * hidden + unit);
      for (int s = 0; s < Cell::kStates; ++s) {
        previous[s] = load_state(d, args.previous[s], row, unit);
        d_state[s] = hn::LoadU(d, args.d_state[s] + row * hidden + unit);
      }
      d_state[0] = hn::Add(d_state[0], hn::LoadU(d, args.dy + row * hidden + unit));
      Cell::gradient(d, p, previous, d_state, d_sums, d_separate);
      for (int s = 0; s < Cell::kStates; ++s) {
        hn::StoreU(d_state[s], d, args.d_state[s] + row * hidden + unit);
      }
      for (int g = 0; g < Cell::kGates; ++g) {
        hn::StoreU(d_sums[g], d, d_input + g * hidden + unit);
        if constexpr (kSeparate) hn::StoreU(d_separate[g], d, d_recurrent + g * hidden + unit);
      }
    });
  }
}

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

void step_any(CellKind kind, const CellStep& args) {
  with_cell(kind, [&](auto cell) HWY_ATTR { step_rows<decltype(cell)>(args); });
}

void differentiate_any(CellKind kind, const CellGradient& args) {
  with_cell(kind, [&](auto cell) HWY_ATTR { differentiate_rows<decltype(cell)>(args); });
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(step_any);
HWY_EXPORT(differentiate_any);

void step_cells(CellKind kind, const CellStep& args) { HWY_DYNAMIC_DISPATCH(step_any)(kind, args); }

void differentiate_cells(CellKind kind, const CellGradient& args) {
  HWY_DYNAMIC_DISPATCH(differentiate_any)(kind, args);
}

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
