// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "cadenza/score.h"

namespace cadenza {

/// Which of `note_length_names()` the note's length is nearest to; of two equally near the first.
/// ArgumentError if there are no ticks per quarter.
std::size_t note_length_class(const Note& note, int ticks_per_quarter);

}  // namespace cadenza
