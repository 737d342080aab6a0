// SPDX-License-Identifier: Apache-2.0
// What products in the formats of products.h take, and where the sums of integers go, compiled once
// per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_OPERANDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#undef CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#else
#define CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#endif

#include <algorithm>

#include "backend/cpu/integers-inl.h"
#include "backend/cpu/products.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Rows of factors, K of each.
struct Operand {
  const void* data;
  std::int64_t rows, depth, stride;
  const float* steps;
};

/// Panels of `count` gates or blocks that lie one after the other, and in which plane of W columns
/// the sums of each belong.
struct Panels {
  const std::byte* data;
  const float* steps;
  const std::int32_t* offsets;
  std::int64_t offset_rows;
  int count;
  int plane[4];

  const std::int32_t* offsets_of(int p) const { return offsets + p * offset_rows * kWidth; }
};

/// Calls body(row, rows) for rows that the tiles of AMX take together: 32, or up to 16.
template <class Body>
HWY_INLINE void for_each_tile_rows(std::int64_t rows, const Body& body) {
  std::int64_t each = 0;
  for (std::int64_t row = 0; row < rows; row += each) {
    const std::int64_t left = rows - row;
    each = left >= 2 * kAmxRows ? 2 * kAmxRows : std::min(left, kAmxRows);
    body(row, each);
  }
}

/// Row `row` of c = its sums with panel p (+ bias) (+ c).
HWY_INLINE void add_sums(const Operand& a, const Panels& panels, int p, std::int64_t row,
                         Vector sum0, Vector sum1, const Output& c) {
  const Real d;
  const std::int64_t column = panels.plane[p] * kWidth;
  float* const out = c.data + row * c.stride + column;
  const float* const steps = panels.steps + p * kWidth;
  const Vector row_step = hn::Set(d, a.steps[row]);
  Vector start0, start1;
  load_starts(c, row, column, start0, start1);
  const auto store = [&](int lane, Vector sum, Vector start) HWY_ATTR {
    const Vector step = hn::Mul(row_step, hn::LoadU(d, steps + lane));
    hn::StoreU(Fma(d, sum, step, start), d, out + lane);
  };
  store(0, sum0, start0);
  store(kLanes, sum1, start1);
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_OPERANDS_INL_H_
