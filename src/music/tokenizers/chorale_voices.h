// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

inline constexpr std::size_t kChoraleVoices = 4;
inline constexpr std::array<std::string_view, kChoraleVoices> kChoraleNames = {"soprano", "alto",
                                                                               "tenor", "bass"};
/// One monophonic line a voice, from soprano to bass.
using ChoraleLines = std::array<std::vector<Note>, kChoraleVoices>;

enum class VoiceNeed { mostly_four, any };
/// The four voices of a score on a grid: tracks with the names above
/// (in capitals or not); or else exactly four pitched
/// tracks, by mean pitch; or else all notes split by pitch, if no more than four keys sound at once
/// and (`mostly_four`) three or four of them in at least half of the steps with notes. Nothing,
/// with the reason, for other music.
std::optional<ChoraleLines> chorale_voices(const Score& grid, VoiceNeed need, std::string* reason);

}  // namespace cadenza
