// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// The notes of all tracks but percussion, sorted.
std::vector<Note> sounding_notes(const Score& score);
/// [12] from C, shares of the time that notes sound.
std::vector<double> sounding_shares(const std::vector<Note>& notes);
/// Divides by the sum, if there is any.
std::vector<double> shares(std::vector<double> counts);

}  // namespace cadenza
