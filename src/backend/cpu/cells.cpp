// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/cells.h"

#include <algorithm>

#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/cells.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

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
    for_each_vectors<4>(hidden, [&](auto d, auto vectors, std::int64_t unit) HWY_ATTR {
      constexpr int kVectors = decltype(vectors)::value;
      const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
      hn::Vec<decltype(d)> p[kLayout.planes][kVectors], state[Cell::kStates][kVectors];
      each<kVectors>([&](int v) HWY_ATTR {
        const float* const from = planes + unit + v * lanes;
        for (int i = 0; i < kSums; ++i) p[i][v] = hn::LoadU(d, from + i * hidden);
        for (int s = 0; s < Cell::kStates; ++s) {
          state[s][v] = load_state(d, args.previous[s], row, unit + v * lanes);
        }
      });
      Cell::step(d, p, state);
      each<kVectors>([&](int v) HWY_ATTR {
        float* const to = planes + unit + v * lanes;
        for (int i = 0; i < kLayout.planes; ++i) hn::StoreU(p[i][v], d, to + i * hidden);
        hn::StoreU(state[0][v], d, y + unit + v * lanes);
      });
    });
  }
}

template <class Cell>
void differentiate_rows(const CellGradient& args) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr bool kSeparate = kLayout.joined < Cell::kGates;
  const std::int64_t hidden = args.hidden;
  for (std::int64_t row = 0; row < args.rows; ++row) {
    float* const d_input = args.d_input + row * args.sum_stride;
    float* const d_recurrent = kSeparate ? args.d_recurrent + row * args.sum_stride : nullptr;
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
