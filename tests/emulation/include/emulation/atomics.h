// SPDX-License-Identifier: Apache-2.0
// Atomic functions on integers, without memory order, as on the device. Floating-point sums in
// whatever order threads come are not offered: results of the project are deterministic.
#pragma once

#include <type_traits>

namespace cadenza::emulation {

/// Replaces *address by function(*address) and returns what was there.
template <typename T, typename Function>
T atomic_update(T* address, Function function) {
  static_assert(std::is_integral_v<T>, "atomics of the project are on integers");
  T before = __atomic_load_n(address, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(address, &before, function(before), false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
  return before;
}

template <typename T>
using Same = std::type_identity_t<T>;

}  // namespace cadenza::emulation

template <typename T>
T atomicAdd(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(
      address, [=](T before) { return static_cast<T>(before + value); });
}
template <typename T>
T atomicSub(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(
      address, [=](T before) { return static_cast<T>(before - value); });
}
template <typename T>
T atomicMax(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(
      address, [=](T before) { return before < value ? value : before; });
}
template <typename T>
T atomicMin(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(
      address, [=](T before) { return value < before ? value : before; });
}
template <typename T>
T atomicOr(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(address, [=](T before) { return before | value; });
}
template <typename T>
T atomicAnd(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(address, [=](T before) { return before & value; });
}
template <typename T>
T atomicXor(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(address, [=](T before) { return before ^ value; });
}
template <typename T>
T atomicExch(T* address, cadenza::emulation::Same<T> value) {
  return cadenza::emulation::atomic_update(address, [=](T) { return value; });
}
template <typename T>
T atomicCAS(T* address, cadenza::emulation::Same<T> expected, cadenza::emulation::Same<T> value) {
  __atomic_compare_exchange_n(address, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
