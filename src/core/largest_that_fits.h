// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "cadenza/error.h"

namespace cadenza {

/// The largest count below `count` for which attempt(count) finds room, by bisection; 0 if there is
/// none.
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

/// What work() gives, which computes `count` of something at once. Where there is no room for it,
/// OutOfMemory tells the user what was to be done, `doing` "training on 8 sequences at once", and
/// how many to ask for instead: attempt(fewer) needs the memory of so many.
template <typename Work, typename Attempt>
auto with_room(const std::string& doing, std::int64_t count, const Work& work,
               const Attempt& attempt) {
  try {
    return work();
  } catch (const OutOfMemory& error) {
    const std::int64_t fits = largest_that_fits(count, attempt);
    throw OutOfMemory(
        message(doing, ": ", error.what(), "; ",
                fits > 0 ? "the largest batch with room is " : "not even one has room",
                fits > 0 ? std::to_string(fits) : ""));
  }
}

/// The same where work(rows) computes any number of them.
template <typename Work>
auto with_room(const std::string& doing, std::int64_t count, const Work& work) {
  return with_room(
      doing, count, [&] { return work(count); }, work);
}

}  // namespace cadenza
