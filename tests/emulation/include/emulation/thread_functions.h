// SPDX-License-Identifier: Apache-2.0
// Barriers, fences and warp functions under the names that device code calls.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "emulation/device.h"

inline void __syncthreads(cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  cadenza::emulation::block_sync(at);
}
inline int __syncthreads_count(
    int vote, cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return block_sync_vote(vote != 0, cadenza::emulation::BlockVote::kCount, at);
}
inline int __syncthreads_and(
    int vote, cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return block_sync_vote(vote != 0, cadenza::emulation::BlockVote::kAll, at);
}
inline int __syncthreads_or(
    int vote, cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return block_sync_vote(vote != 0, cadenza::emulation::BlockVote::kAny, at);
}
inline void __threadfence() { cadenza::emulation::fence(); }
inline void __threadfence_block() { cadenza::emulation::fence(); }
inline void __threadfence_system() { cadenza::emulation::fence(); }
inline void __nanosleep(unsigned) { cadenza::emulation::yield(); }
[[noreturn]] inline void __trap(
    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  cadenza::emulation::fail("__trap", at);
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  cadenza::emulation::warp_sync(mask, at);
}
inline unsigned __ballot_sync(
    unsigned mask, int vote,
    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_ballot(vote != 0, mask, at);
}
inline int __any_sync(unsigned mask, int vote,
                      cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_ballot(vote != 0, mask, at) != 0;
}
inline int __all_sync(unsigned mask, int vote,
                      cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_ballot(vote == 0, mask, at) == 0;
}

namespace cadenza::emulation {

/// The bits of a value of up to eight bytes, and back.
template <typename T>
std::uint64_t to_bits(const T& value) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t), "warp functions move at most 64 bits");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <typename T>
T from_bits(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

/// The value of lane `source`; sub-warps of `width` lanes begin at multiples of it.
template <typename T>
T shuffle(unsigned mask, T value, unsigned source, Location at) {
  return from_bits<T>(warp_shuffle(to_bits(value), source, mask, at));
}
inline unsigned first_lane(int width) { return lane() & ~static_cast<unsigned>(width - 1); }

}  // namespace cadenza::emulation

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  const unsigned within = static_cast<unsigned>(source) & static_cast<unsigned>(width - 1);
  return cadenza::emulation::shuffle(mask, value, cadenza::emulation::first_lane(width) + within,
                                     at);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  const unsigned lane = cadenza::emulation::lane();
  const unsigned source = lane ^ static_cast<unsigned>(lane_mask);
  const unsigned end = cadenza::emulation::first_lane(width) + static_cast<unsigned>(width);
  return cadenza::emulation::shuffle(mask, value, source < end ? source : lane, at);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  const unsigned lane = cadenza::emulation::lane();
  const bool inside = lane >= cadenza::emulation::first_lane(width) + delta;
  return cadenza::emulation::shuffle(mask, value, inside ? lane - delta : lane, at);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  const unsigned lane = cadenza::emulation::lane();
  const unsigned end = cadenza::emulation::first_lane(width) + static_cast<unsigned>(width);
  return cadenza::emulation::shuffle(mask, value, lane + delta < end ? lane + delta : lane, at);
}
template <typename T>
unsigned __match_any_sync(unsigned mask, T value,
                          cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_match(cadenza::emulation::to_bits(value), mask, at);
}

// 32-bit integers, signed or unsigned.
template <typename T>
T __reduce_add_sync(unsigned mask, T value,
                    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  return static_cast<T>(cadenza::emulation::warp_reduce(
      static_cast<std::uint32_t>(value), cadenza::emulation::Reduction::kAdd, mask, at));
}
template <typename T>
T __reduce_min_sync(unsigned mask, T value,
                    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  using cadenza::emulation::Reduction;
  return static_cast<T>(cadenza::emulation::warp_reduce(
      static_cast<std::uint32_t>(value),
      std::is_signed_v<T> ? Reduction::kMinSigned : Reduction::kMin, mask, at));
}
template <typename T>
T __reduce_max_sync(unsigned mask, T value,
                    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  using cadenza::emulation::Reduction;
  return static_cast<T>(cadenza::emulation::warp_reduce(
      static_cast<std::uint32_t>(value),
      std::is_signed_v<T> ? Reduction::kMaxSigned : Reduction::kMax, mask, at));
}
inline unsigned __reduce_and_sync(
    unsigned mask, unsigned value,
    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_reduce(value, cadenza::emulation::Reduction::kAnd, mask, at);
}
inline unsigned __reduce_or_sync(
    unsigned mask, unsigned value,
    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_reduce(value, cadenza::emulation::Reduction::kOr, mask, at);
}
inline unsigned __reduce_xor_sync(
    unsigned mask, unsigned value,
    cadenza::emulation::Location at = cadenza::emulation::Location::here()) {
  return cadenza::emulation::warp_reduce(value, cadenza::emulation::Reduction::kXor, mask, at);
}
// No counterpart: which lanes are converged is not defined on the device either.
#define __activemask() activemask_is_not_emulated()
