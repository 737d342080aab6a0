// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/generation_kernel.h"

#include <algorithm>

#define CADENZA_WITH_AVX3_DL
#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/generation_kernel.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/cells-inl.h"
#include "backend/cpu/codes-inl.h"
#include "backend/cpu/products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Panels `first` to first + count - 1 of a packed matrix.
Panels panels_of(const PackedMatrix& matrix, std::int64_t first, int count) {
  const auto at = [&](const auto* columns, std::int64_t rows = 1) {
    return columns == nullptr ? nullptr : columns + first * rows * kWidth;
  };
  const std::int64_t rows = offset_rows(matrix.format);
  return {matrix.panels + first * panel_bytes(matrix.format, matrix.depth),
          at(matrix.steps),
          at(matrix.offsets, rows),
          rows,
          count,
          {0, 1, 2, 3}};
}

/// What the sums of a block are before any product of this step.
StartRows start_rows(const PackedLayer& layer, const LayerStep& step, std::int64_t block) {
  return {layer.start + block * layer.sums() * kWidth, layer.start_row(), step.ids, layer.ids};
}

/// Sums to states, the units of a block in kRows rows from `row` on, two vectors of each.
template <class Cell, int kRows>
HWY_INLINE void step_rows(const LayerStep& step, std::int64_t stride, std::int64_t block,
                          std::int64_t row) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr int kSums = 2 * Cell::kGates - kLayout.joined;
  constexpr int kVectors = 2 * kRows;
  const Real d;
  Vector p[kLayout.planes][kVectors], state[Cell::kStates][kVectors];
  const auto unit = [&](int v) { return (row + v / 2) * stride + block * kWidth + v % 2 * kLanes; };
  each<kVectors>([&](int v) HWY_ATTR {
    const float* const sums = step.sums + (row + v / 2) * kSums * kWidth + v % 2 * kLanes;
    for (int i = 0; i < kSums; ++i) p[i][v] = hn::LoadU(d, sums + i * kWidth);
    state[0][v] = hn::LoadU(d, step.h + unit(v));
    if constexpr (Cell::kStates > 1) state[1][v] = hn::LoadU(d, step.c + unit(v));
  });
  Cell::step(d, p, state);
  each<kVectors>([&](int v) HWY_ATTR {
    hn::StoreU(state[0][v], d, step.h_next + unit(v));
    if constexpr (Cell::kStates > 1) hn::StoreU(state[1][v], d, step.c + unit(v));
  });
}

template <class Cell>
HWY_INLINE void step_block(const LayerStep& step, std::int64_t stride, std::int64_t block) {
  std::int64_t row = 0;
  for (; row + 2 <= step.rows; row += 2) step_rows<Cell, 2>(step, stride, block, row);
  if (row < step.rows) step_rows<Cell, 1>(step, stride, block, row);
}

/// Codes of the new h of a block.
void encode_block(Precision format, const LayerStep& step, std::int64_t stride,
                  std::int64_t block) {
  with_integers(format, [&](auto integers) HWY_ATTR {
    using F = decltype(integers);
    const Real d;
    for (std::int64_t row = 0; row < step.rows; ++row) {
      const float* const h = step.h_next + row * stride + block * kWidth;
      auto* const codes = static_cast<typename F::Code*>(step.codes) + row * step.code_stride;
      for (std::int64_t lane = 0; lane < kWidth; lane += kLanes) {
        encode<F>(d, hn::LoadU(d, h + lane), F::kLevels, codes, block * kWidth + lane);
      }
    }
  });
}

template <class Cell>
void step_layer_of(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  constexpr CellLayout kLayout = kCellLayouts[static_cast<int>(Cell::kKind)];
  constexpr int kSums = 2 * Cell::kGates - kLayout.joined;
  const std::int64_t stride = layer.blocks * kWidth;
  const Output sums{step.sums, kSums * kWidth, nullptr, Accumulate::add};
  const PackedMatrix& w_ih = layer.w_ih;
  const PackedMatrix& w_hh = layer.w_hh;
  const Operand x{step.x.data, step.rows, layer.input, step.x.stride, step.x.steps};
  const Operand h{step.factors.data, step.rows, layer.hidden, step.factors.stride,
                  step.factors.steps};
  AmxTiles tiles;
  for (std::int64_t i = blocks.begin; i < blocks.end; ++i) {
    const std::int64_t block = step.backward ? blocks.begin + blocks.end - 1 - i : i;
    const StartRows starts = start_rows(layer, step, block);
    Output first = sums;
    if constexpr (kLayout.joined == Cell::kGates) {
      first.starts = starts;
    } else {  // no product adds to all of them
      for (std::int64_t row = 0; row < step.rows; ++row) {
        std::copy_n(starts.row(row), kSums * kWidth, step.sums + row * kSums * kWidth);
      }
    }
    if (step.ids == nullptr) {
      Panels input = panels_of(w_ih, block * Cell::kGates, Cell::kGates);
      for (int gate = kLayout.joined; gate < Cell::kGates; ++gate) input.plane[gate] = gate + 1;
      multiply_panels(w_ih.format, x, input, first, tiles);
      first = sums;
    }
    multiply_panels(w_hh.format, h, panels_of(w_hh, block * Cell::kGates, Cell::kGates), first,
                    tiles);
    step_block<Cell>(step, stride, block);
    if (step.codes != nullptr) encode_block(w_hh.format, step, stride, block);
  }
}

void add_any_products(const PackedMatrix& matrix, const Factors& x, std::int64_t rows,
                      std::int64_t panel, float* c, std::int64_t stride) {
  AmxTiles tiles;
  multiply_panels(matrix.format, {x.data, rows, matrix.depth, x.stride, x.steps},
                  panels_of(matrix, panel, 1), {c, stride, nullptr, Accumulate::add}, tiles);
}

void step_any_layer(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  with_cell(layer.cell,
            [&](auto cell) HWY_ATTR { step_layer_of<decltype(cell)>(layer, step, blocks); });
}

void step_any_dense(const PackedDense& dense, const Factors& x, std::int64_t rows, float* y,
                    Range blocks) {
  const Real d;
  const std::int64_t stride = dense.blocks * kWidth;
  constexpr int kBlocks = 4;  // at a time
  const Operand a{x.data, rows, dense.input, x.stride, x.steps};
  AmxTiles tiles;
  for (std::int64_t first = blocks.begin; first < blocks.end; first += kBlocks) {
    const auto count = static_cast<int>(std::min<std::int64_t>(kBlocks, blocks.end - first));
    float* const out = y + first * kWidth;
    multiply_panels(dense.weight.format, a, panels_of(dense.weight, first, count),
                    {out, stride, dense.start + first * kWidth, Accumulate::overwrite}, tiles);
    if (dense.activation == Activation::identity) continue;
    for (std::int64_t row = 0; row < rows; ++row) {
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

HWY_EXPORT(add_any_products);
HWY_EXPORT(step_any_layer);
HWY_EXPORT(step_any_dense);

std::int64_t PackedLayer::sums() const {
  return 2 * info_of(cell).gates - kCellLayouts[static_cast<std::size_t>(cell)].joined;
}

void add_products(const PackedMatrix& matrix, const Factors& x, std::int64_t rows,
                  std::int64_t panel, float* c, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(add_any_products)(matrix, x, rows, panel, c, stride);
}

void step_layer(const PackedLayer& layer, const LayerStep& step, Range blocks) {
  HWY_DYNAMIC_DISPATCH(step_any_layer)(layer, step, blocks);
}

void step_dense(const PackedDense& dense, const Factors& x, std::int64_t rows, float* y,
                Range blocks) {
  HWY_DYNAMIC_DISPATCH(step_any_dense)(dense, x, rows, y, blocks);
}

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
