// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_kernel.h"

#include <algorithm>

#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/generation_kernel.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/cells-inl.h"
#include "backend/cpu/panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Panels of `count` gates or blocks that lie one after the other, and in which plane of W columns
/// the sums of each belong.
struct Panels {
  const float* data;
  int count;
  int plane[4];
};

/// kRows rows times all panels, kPanels at a time: a few rows alone have too few sums to keep the
/// multipliers busy while each waits for the one before.
template <int kRows, int kPanels>
HWY_INLINE void multiply_group(const Matrix& a, const Panels& panels, int first, const Output& c) {
  PanelGroup<kPanels> group{panels.data + first * a.columns * kWidth, {}};
  for (int p = 0; p < kPanels; ++p) {
    group.columns[p] = std::int64_t{panels.plane[first + p]} * kWidth;
  }
  multiply_tile<kRows, kPanels>(a, a.data, group, c);
}

template <int kRows, int kMost>
HWY_INLINE void multiply_few(const Matrix& a, const Panels& panels, const Output& c) {
  int first = 0;
  for (; first + kMost <= panels.count; first += kMost) {
    multiply_group<kRows, kMost>(a, panels, first, c);
  }
  if constexpr (kMost > 3) {
    if (panels.count - first == 3) return multiply_group<kRows, 3>(a, panels, first, c);
  }
  if constexpr (kMost > 2) {
    if (panels.count - first == 2) return multiply_group<kRows, 2>(a, panels, first, c);
  }
  if (panels.count - first == 1) multiply_group<kRows, 1>(a, panels, first, c);
}

/// c += a * panels. A panel of kDepth products stays in the first-level cache while the rows pass.
void multiply_panels(const Matrix& a, const Panels& panels, const Output& c) {
  switch (a.rows) {
    case 1:
      return multiply_few<1, 4>(a, panels, c);
    case 2:
      return multiply_few<2, 3>(a, panels, c);
    case 3:
      return multiply_few<3, 2>(a, panels, c);
    default:
      break;
  }
  constexpr std::int64_t kDepth = 256;
  for (int p = 0; p < panels.count; ++p) {
    const float* const panel = panels.data + p * a.columns * kWidth;
    const Output out{c.data + panels.plane[p] * kWidth, c.stride, nullptr, c.accumulate};
    for (std::int64_t k = 0; k < a.columns; k += kDepth) {
      multiply_whole_panel({a.at(0, k), a.rows, std::min(kDepth, a.columns - k), a.row_stride, 1},
                           panel + k * kWidth, out);
    }
  }
}

/// The sums of a block before any product of this step.
void start_sums(const PackedLayer& layer, const LayerStep& step, std::int64_t block) {
  const std::int64_t size = layer.sums() * kWidth;
  for (std::int64_t row = 0; row < step.rows; ++row) {
    const float* start = layer.start + block * size;
    if (step.ids != nullptr) {
      const std::int64_t id = step.ids[row] < 0 ? layer.ids : step.ids[row];
      start += id * layer.start_row();
    }
    std::copy_n(start, size, step.sums + row * size);
  }
}

/// Sums to states, the units of a block.
template <class Cell>
HWY_INLINE void step_block(const LayerStep& step, std::int64_t stride, std::int64_t block) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr int kSums = 2 * Cell::kGates - kLayout.joined;
  const Real d;
  for (std::int64_t row = 0; row < step.rows; ++row) {
    for (std::int64_t lane = 0; lane < kWidth; lane += kLanes) {
      const float* const sums = step.sums + row * kSums * kWidth + lane;
      const std::int64_t unit = row * stride + block * kWidth + lane;
      Vector p[kLayout.planes], state[Cell::kStates];
      for (int i = 0; i < kSums; ++i) p[i] = hn::LoadU(d, sums + i * kWidth);
      state[0] = hn::LoadU(d, step.h + unit);
      if constexpr (Cell::kStates > 1) state[1] = hn::LoadU(d, step.c + unit);
      Cell::step(d, p, state);
      hn::StoreU(state[0], d, step.h_next + unit);
      if constexpr (Cell::kStates > 1) hn::StoreU(state[1], d, step.c + unit);
    }
  }
}

template <class Cell>
void step_layer_of(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr int kSums = 2 * Cell::kGates - kLayout.joined;
  const std::int64_t stride = layer.blocks * kWidth;
  const Output sums{step.sums, kSums * kWidth, nullptr, Accumulate::add};
  Panels recurrent{nullptr, Cell::kGates, {}};
  Panels input{nullptr, Cell::kGates, {}};
  for (int gate = 0; gate < Cell::kGates; ++gate) {
    recurrent.plane[gate] = gate;
    input.plane[gate] = gate < kLayout.joined ? gate : gate + 1;
  }
  for (std::int64_t block = blocks.begin; block < blocks.end; ++block) {
    start_sums(layer, step, block);
    if (step.ids == nullptr) {
      input.data = layer.w_ih + block * Cell::kGates * layer.input * kWidth;
      multiply_panels({step.x, step.rows, layer.input, step.x_stride, 1}, input, sums);
    }
    recurrent.data = layer.w_hh + block * Cell::kGates * layer.hidden * kWidth;
    multiply_panels({step.h, step.rows, layer.hidden, stride, 1}, recurrent, sums);
    step_block<Cell>(step, stride, block);
  }
}

void step_any_layer(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  with_cell(layer.cell,
            [&](auto cell) HWY_ATTR { step_layer_of<decltype(cell)>(layer, step, blocks); });
}

void step_any_dense(const PackedDense& dense, const Matrix& x, float* y, Range blocks) {
  const Real d;
  const std::int64_t stride = dense.blocks * kWidth;
  constexpr int kBlocks = 4;  // at a time
  for (std::int64_t first = blocks.begin; first < blocks.end; first += kBlocks) {
    const auto count = static_cast<int>(std::min<std::int64_t>(kBlocks, blocks.end - first));
    float* const out = y + first * kWidth;
    for (std::int64_t row = 0; row < x.rows; ++row) {
      std::copy_n(dense.start + first * kWidth, count * kWidth, out + row * stride);
    }
    multiply_panels(x, {dense.weight + first * dense.input * kWidth, count, {0, 1, 2, 3}},
                    {out, stride, nullptr, Accumulate::add});
    if (dense.activation == Activation::identity) continue;
    for (std::int64_t row = 0; row < x.rows; ++row) {
      for (std::int64_t i = row * stride; i < row * stride + count * kWidth; i += kLanes) {
        hn::StoreU(Activate(d, dense.activation, hn::LoadU(d, out + i)), d, out + i);
      }
    }
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(step_any_layer);
HWY_EXPORT(step_any_dense);

std::int64_t PackedLayer::sums() const {
  return 2 * info_of(cell).gates - kCellLayouts[static_cast<std::size_t>(cell)].joined;
}

void step_layer(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  HWY_DYNAMIC_DISPATCH(step_any_layer)(layer, step, blocks);
}

void step_dense(const PackedDense& dense, const Matrix& x, float* y, Range blocks) {
  HWY_DYNAMIC_DISPATCH(step_any_dense)(dense, x, y, blocks);
}

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
