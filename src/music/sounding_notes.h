// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// The notes of all tracks but percussion, sorted.
std::vector<Note> sounding_notes(const Score& score);

}  // namespace cadenza
