// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cadenza/score.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Velocity of notes whose tokens carry none.
inline constexpr std::uint8_t kPlainVelocity = 80;

enum class Voices { pitched, drums };
/// The notes of all pitched or of all drum tracks, sorted as in a Track.
std::vector<Note> merged_notes(const Score& score, Voices voices);

/// Makes the notes of one key follow each other, as on a keyboard: of those that start together
/// the longest (then loudest) stays, and a note ends at the latest where the next one starts.
void cut_overlaps(std::vector<Note>& notes);

/// `score` rounded to `steps_per_quarter` steps (then also its ticks per quarter); nothing, with
/// the reason, if it has no pitched notes or is implausibly long.
std::optional<Score> pitched_on_grid(const Score& score, int steps_per_quarter,
                                     std::string* reason);
/// False, with the reason, if `score` has no notes of the kind or lasts longer than some nine
/// hours: damaged files do, and would make sequences that fill the memory. ArgumentError for notes
/// that break the contract of Score.
bool has_plausible_notes(const Score& score, bool count_drums, std::string* reason);

/// Steps from the bar line before `step` to `step`, on a score whose ticks are steps. 0 where that
/// is a whole 4/4 bar or more, or bars are no whole number of steps: decoded music is in 4/4, and
/// keeping less than a bar there is what makes encoding it again give the same tokens.
std::int64_t steps_into_bar(const Score& grid, std::int64_t step);

/// A score with the one tempo `qpm`; ArgumentError unless a MIDI file can hold it.
Score empty_score(int ticks_per_quarter, double qpm);
/// Ticks of one step in a decoded score on a grid, chosen so that the score has the usual 480 or
/// so ticks per quarter.
int decoded_ticks_per_step(int steps_per_quarter);

/// ArgumentError unless `sequence` holds tokens only, each in [0, vocabulary).
void check_tokens(std::string_view tokenizer, const Sequence& sequence, int vocabulary);

/// Fills `*reason` where the caller wants one.
void give_reason(std::string* reason, std::string text);

}  // namespace cadenza
