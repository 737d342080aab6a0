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
  std::int64_t some = 0;
  for (std::int64_t row = 0; row < rows; row += some) {
    const std::int64_t left = rows - row;
    some = left >= 2 * kAmxRows ? 2 * kAmxRows : std::min(left, kAmxRows);
    body(row, some);
  }
}

/// Where the sums of integers with a panel go. Its members are copies: a float that is stored might
/// otherwise have changed what a reference leads to, and all of it would be read again.
class SumsTarget {
 public:
  HWY_INLINE SumsTarget(const Operand& a, const Panels& panels, int p, const Output& c)
      : c_(c.from_column(std::int64_t{panels.plane[p]} * kWidth)), row_steps_(a.steps) {
    const Real d;
    step0_ = hn::LoadU(d, panels.steps + p * kWidth);
    step1_ = hn::LoadU(d, panels.steps + p * kWidth + kLanes);
  }

  /// Row `row` of c = the sums (+ bias) (+ c).
  HWY_INLINE void add(std::int64_t row, Vector sum0, Vector sum1) const {
    const Real d;
    float* const out = c_.data + row * c_.stride;
    const Vector row_step = hn::Set(d, row_steps_[row]);
    Vector start0, start1;
    load_starts(c_, row, 0, start0, start1);
    hn::StoreU(Fma(d, sum0, hn::Mul(row_step, step0_), start0), d, out);
    hn::StoreU(Fma(d, sum1, hn::Mul(row_step, step1_), start1), d, out + kLanes);
  }

 private:
  const Output c_;
  const float* const row_steps_;
  Vector step0_, step1_;
};

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_OPERANDS_INL_H_
