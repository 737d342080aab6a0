// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// The upper line of `notes` (sorted, times in steps): the highest note at each onset, ending where
/// the next starts. A note that lies wholly under a higher, still sounding one is left out, so an
/// accompaniment under a long note does not break it, while legato overlaps keep both notes.
std::vector<Note> skyline(const std::vector<Note>& notes);

/// The upper line of each pitched track of `grid` that holds a line rather than chords, i.e. at
/// most half of its onsets are of several notes; of every pitched track where there is none such.
std::vector<std::vector<Note>> melodic_lines(const Score& grid);

/// Parts a line wherever `gap` or more steps are silent.
std::vector<std::vector<Note>> split_at_rests(const std::vector<Note>& line, std::int64_t gap);

}  // namespace cadenza
