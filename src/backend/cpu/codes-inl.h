// SPDX-License-Identifier: Apache-2.0
// From floats to the codes of products.h, compiled once per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_CODES_INL_H_
#undef CADENZA_BACKEND_CPU_CODES_INL_H_
#else
#define CADENZA_BACKEND_CPU_CODES_INL_H_
#endif

#include "backend/cpu/digits-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Of weights, so that its inverse is finite.
constexpr float kLeastStep = 0x1p-100F;

/// round(x * scale), half to even.
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto round_codes(D d, V x, float scale) {
  return hn::NearestInt(hn::Mul(x, hn::Set(d, scale)));
}

/// Codes of a row from i on, of the factors x at `scale`.
template <class F, class D, class V = hn::Vec<D>>
HWY_INLINE void encode(D d, V x, float scale, typename F::Code* row, std::int64_t i) {
  const hn::RebindToSigned<D> integers;
  auto rounded = round_codes(d, x, scale);
  if constexpr (F::kZero != 0) rounded = hn::Add(rounded, hn::Set(integers, F::kZero));
  F::store(integers, rounded, row, i);
}

/// Calls run() with a value of the type that stands for a format of integers here.
template <class Run>
HWY_INLINE void with_integers(Precision format, const Run& run) {
  if (format == Precision::int8) return run(Int8());
  if (format == Precision::int24) return run(Int24());
#if HWY_TARGET == HWY_AVX3_DL
  if (amx_ready()) return run(Int16Digits());
#endif
  run(Int16());
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_CODES_INL_H_
