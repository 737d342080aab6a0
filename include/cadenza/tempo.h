// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cadenza/score.h"

namespace cadenza {

/// How fast the beat of a piece seems to go by when its notes start, in beats a minute from 40 to
/// 240, whatever its tempo events say; percussion left out. It is the time between starts that
/// occurs most often, weighed by how near it is to 120 on a logarithmic scale, after Ellis, "Beat
/// tracking by dynamic programming", Journal of New Music Research 36, 2007; so half or twice what
/// a person would tap is possible. NaN where no two notes start that far apart.
double estimate_tempo(const Score& score);

}  // namespace cadenza
