// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/notes.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cadenza/error.h"

namespace cadenza {
namespace {

constexpr std::int64_t kMaxQuarters = std::int64_t{1} << 16;

}  // namespace

std::vector<Note> merged_notes(const Score& score, Voices voices) {
  std::vector<Note> notes;
  for (const Track& track : score.tracks) {
    if (track.is_drum() != (voices == Voices::drums)) continue;
    notes.insert(notes.end(), track.notes.begin(), track.notes.end());
  }
  std::sort(notes.begin(), notes.end());
  return notes;
}

void cut_overlaps(std::vector<Note>& notes) {
  std::sort(notes.begin(), notes.end());
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::array<std::size_t, 256> last;
  last.fill(kNone);
  std::size_t kept = 0;
  for (const Note& note : notes) {
    const std::size_t before = last[note.pitch];
    if (before != kNone && notes[before].start == note.start) {
      notes[before] = note;  // sorted: this one is longer, or as long and louder
      continue;
    }
    if (before != kNone) notes[before].end = std::min(notes[before].end, note.start);
    last[note.pitch] = kept;
    notes[kept++] = note;
  }
  notes.resize(kept);
}

bool has_plausible_notes(const Score& score, bool count_drums, std::string* reason) {
  check(score.ticks_per_quarter > 0, "tokenizer: score has ", score.ticks_per_quarter,
        " ticks per quarter, expected at least 1");
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      check(note.start >= 0 && note.end > note.start && note.pitch < 128,
            "tokenizer: expected notes of keys 0 to 127 with 0 <= start < end, got key ",
            int{note.pitch}, " from tick ", note.start, " to ", note.end);
    }
  }
  const bool any = std::any_of(score.tracks.begin(), score.tracks.end(), [&](const Track& track) {
    return !track.notes.empty() && (count_drums || !track.is_drum());
  });
  if (!any) {
    give_reason(reason, score.note_count() == 0 ? "no notes" : "no notes outside percussion");
    return false;
  }
  const std::int64_t quarters = score.end() / score.ticks_per_quarter;
  if (quarters > kMaxQuarters) {
    give_reason(reason, message("lasts ", quarters, " quarter notes, expected at most ",
                                kMaxQuarters, " (a damaged file?)"));
    return false;
  }
  return true;
}

std::optional<Score> pitched_on_grid(const Score& score, int steps_per_quarter,
                                     std::string* reason) {
  if (!has_plausible_notes(score, false, reason)) return std::nullopt;
  return quantize(score, steps_per_quarter);
}

std::int64_t steps_into_bar(const Score& grid, std::int64_t step) {
  TimeSignature metre;
  for (const TimeSignature& change : grid.time_signatures) {
    if (change.tick <= step) metre = change;
  }
  const std::int64_t whole = std::int64_t{4} * grid.ticks_per_quarter;
  const std::int64_t bar_times_denominator = whole * metre.numerator;
  if (metre.numerator <= 0 || metre.denominator <= 0 ||
      bar_times_denominator % metre.denominator != 0) {
    return 0;
  }
  const std::int64_t into = (step - metre.tick) % (bar_times_denominator / metre.denominator);
  return into < whole ? into : 0;
}

Score empty_score(int ticks_per_quarter, double qpm) {
  // A tempo event holds 24 bits of microseconds per quarter.
  check(std::isfinite(qpm) && qpm >= 4 && qpm <= 10000, "tempo: expected 4 to 10000 quarters ",
        "a minute, got ", qpm);
  Score score;
  score.ticks_per_quarter = ticks_per_quarter;
  score.tempos.push_back({0, static_cast<std::uint32_t>(std::lround(60e6 / qpm))});
  return score;
}

int decoded_ticks_per_step(int steps_per_quarter) { return std::max(1, 480 / steps_per_quarter); }

void check_tokens(std::string_view tokenizer, const Sequence& sequence, int vocabulary) {
  check(sequence.frames.empty(), "tokenizer ", tokenizer, ": expected tokens, got ",
        sequence.frames.size(), " frames");
  for (std::size_t i = 0; i < sequence.tokens.size(); ++i) {
    const std::int32_t id = sequence.tokens[i];
    check(id >= 0 && id < vocabulary, "tokenizer ", tokenizer, ": token ", i, " is ", id,
          ", expected 0 to ", vocabulary - 1);
  }
}

void give_reason(std::string* reason, std::string text) {
  if (reason != nullptr) *reason = std::move(text);
}

}  // namespace cadenza
