// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "cadenza/random.h"

namespace cadenza {

/// Fisher-Yates from the counter generator: item i meets the word at `first`, its number in the
/// item and the low 26 bits of the step, which are 0 there.
template <typename T>
void shuffle(std::vector<T>& items, std::uint64_t seed, const RandomAddress& first) {
  for (std::size_t i = items.size(); i > 1; --i) {
    RandomAddress address = first;
    address.step |= static_cast<std::uint32_t>(i >> 26);
    address.item = static_cast<std::uint32_t>(i & 0x3FFFFFF);
    const auto j = static_cast<std::size_t>(uniform_double(random_bits(seed, address)) *
                                            static_cast<double>(i));
    std::swap(items[i - 1], items[j]);
  }
}

}  // namespace cadenza
