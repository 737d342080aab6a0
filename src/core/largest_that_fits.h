// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/error.h"

namespace cadenza {

/// The largest count below `count` for which attempt(count) finds room, by bisection; 0 if there is
/// none. For the sentence that tells a user what to ask for instead.
template <typename Attempt>
std::int64_t largest_that_fits(std::int64_t count, const Attempt& attempt) {
  std::int64_t fits = 0;
  while (count - fits > 1) {
    const std::int64_t middle = fits + (count - fits) / 2;
    try {
      attempt(middle);
      fits = middle;
    } catch (const OutOfMemory&) {
      count = middle;
    }
  }
  return fits;
}

}  // namespace cadenza
