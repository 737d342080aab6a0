// SPDX-License-Identifier: Apache-2.0
#include "music/note_length.h"

#include <array>
#include <cmath>

#include "cadenza/error.h"

namespace cadenza {
namespace {

// Whole to sixteenth, the same dotted but for the whole, triplets from the half: in 96ths.
constexpr std::array<double, 12> kLengths = {96, 48, 24, 12, 6, 72, 36, 18, 9, 32, 16, 8};

}  // namespace

std::size_t note_length_class(const Note& note, int ticks_per_quarter) {
  check(ticks_per_quarter > 0, "note lengths: ticks_per_quarter is ", ticks_per_quarter,
        ", expected 1 or more");
  const double length = static_cast<double>(note.end - note.start) * 24.0 / ticks_per_quarter;
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < kLengths.size(); ++i) {
    if (std::abs(length - kLengths[i]) < std::abs(length - kLengths[nearest])) nearest = i;
  }
  return nearest;
}

}  // namespace cadenza
