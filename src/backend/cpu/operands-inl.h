// SPDX-License-Identifier: Apache-2.0
// What products in the formats of products.h take, and where the sums of integers go, compiled once
// per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_OPERANDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#undef CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#else
#define CADENZA_BACKEND_CPU_OPERANDS_INL_H_
#endif

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

/// Row `row` of c += its sums with panel p.
HWY_INLINE void add_sums(const Operand& a, const Panels& panels, int p, std::int64_t row,
                         Vector sum0, Vector sum1, const Output& c) {
  const Real d;
  float* const out = c.data + row * c.stride + panels.plane[p] * kWidth;
  const float* const steps = panels.steps + p * kWidth;
  const Vector row_step = hn::Set(d, a.steps[row]);
  const Vector step0 = hn::Mul(row_step, hn::LoadU(d, steps));
  const Vector step1 = hn::Mul(row_step, hn::LoadU(d, steps + kLanes));
  hn::StoreU(Fma(d, sum0, step0, hn::LoadU(d, out)), d, out);
  hn::StoreU(Fma(d, sum1, step1, hn::LoadU(d, out + kLanes)), d, out + kLanes);
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_OPERANDS_INL_H_
