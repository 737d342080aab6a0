// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cadenza/score.h"

namespace cadenza::tools {

/// In which of the bars between the ticks `lines`, ascending from 0 to behind the end, notes of
/// `score` sound; drums do not count.
std::vector<bool> sounding_bars(const Score& score, const std::vector<std::int64_t>& lines);

/// Bars [begin, end).
struct BarSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};
/// Parts of `bars` bars (0: one part), counted from the first bar, each without the bars before its
/// first that `sounds`; those without such a bar are left out. Tokenizers begin at the bar of the
/// first note, so what is encoded from a part begins with it.
std::vector<BarSpan> bar_spans(const std::vector<bool>& sounds, int bars);

}  // namespace cadenza::tools
