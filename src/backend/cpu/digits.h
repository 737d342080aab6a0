// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

// Products of integers by their digits to the base of 256, the lowest first. Digits i of a factor
// and j of a weight make a product at place i + j; three places are summed apart. Two digits have
// no more. Of three, products at places 0 and 1 are left out, which together are worth as much as
// what rounding to digits has taken already.

namespace cadenza::cpu {

constexpr int kPlaces = 3;
/// Digits lie together by so many codes.
constexpr std::int64_t kDigitBlock = 64;

struct DigitProduct {
  int factor, weight;  ///< which digits
};

/// In an order in which products of one place are apart, so that none waits for the one before, and
/// those of one digit of a weight together.
template <int kDigits>
inline constexpr std::array<DigitProduct, 0> kDigitProducts = {};
template <>
inline constexpr std::array<DigitProduct, 4> kDigitProducts<2> = {{{1, 0}, {0, 0}, {0, 1}, {1, 1}}};
template <>
inline constexpr std::array<DigitProduct, 6> kDigitProducts<3> = {
    {{2, 0}, {2, 1}, {1, 1}, {2, 2}, {0, 2}, {1, 2}}};

/// 0 for the lowest that is kept.
template <int kDigits>
constexpr int place_of(DigitProduct product) {
  return product.factor + product.weight - (2 * kDigits - 1 - kPlaces);
}

}  // namespace cadenza::cpu
