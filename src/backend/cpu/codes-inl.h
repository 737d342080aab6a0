// SPDX-License-Identifier: Apache-2.0
// From floats to the codes of products.h, compiled once per target (Highway's -inl.h convention).

#if defined(CADENZA_BACKEND_CPU_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_CODES_INL_H_
#undef CADENZA_BACKEND_CPU_CODES_INL_H_
#else
#define CADENZA_BACKEND_CPU_CODES_INL_H_
#endif

#include <type_traits>

#include "backend/cpu/integers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// round(x * scale), half to even, for products below 2^22.
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto round_codes(D d, V x, float scale) {
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: a sum has no room for fractions
  const hn::RebindToSigned<D> integers;
  const V shifted = hn::Add(hn::Mul(x, hn::Set(d, scale)), hn::Set(d, kMagic));
  return hn::Sub(hn::BitCast(integers, shifted), hn::Set(integers, 0x4B400000));
}

/// Codes of a row from i on, of the factors x at `scale`.
template <class F, class D, class V = hn::Vec<D>>
HWY_INLINE void encode(D d, V x, float scale, typename F::Code* row, std::int64_t i) {
  const hn::RebindToSigned<D> integers;
  auto rounded = round_codes(d, x, scale);
  if constexpr (F::kZero != 0) rounded = hn::Add(rounded, hn::Set(integers, F::kZero));
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (std::is_same_v<F, Int16Digits>) {
    const hn::Rebind<std::uint8_t, D> digits;
    auto* const low =
        reinterpret_cast<std::uint8_t*>(row) + i / kAmxDepth * 2 * kAmxDepth + i % kAmxDepth;
    hn::StoreU(hn::DemoteTo(digits, hn::And(rounded, hn::Set(integers, 255))), digits, low);
    hn::StoreU(hn::DemoteTo(digits, hn::ShiftRight<8>(rounded)), digits, low + kAmxDepth);
    return;
  }
#endif
  const hn::Rebind<typename F::Code, D> narrow;
  hn::StoreU(hn::DemoteTo(narrow, rounded), narrow, row + i);
}

/// Calls run(Int16()), run(Int8()) or, where there are tiles for it, run(Int16Digits()).
template <class Run>
HWY_INLINE void with_integers(Precision format, const Run& run) {
  if (format == Precision::int8) return run(Int8());
#if HWY_TARGET == HWY_AVX3_DL
  if (amx_ready()) return run(Int16Digits());
#endif
  run(Int16());
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // CADENZA_BACKEND_CPU_CODES_INL_H_
