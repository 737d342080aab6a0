// SPDX-License-Identifier: Apache-2.0
#include "cadenza/score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "cadenza/error.h"
#include "music/midi_format.h"

namespace cadenza {
namespace {

constexpr std::uint32_t kDefaultTempo = 500000;
constexpr std::int64_t kMaxQuarters = 100000;  // to be walked bar by bar
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

struct PedalSpan {
  std::int64_t down;
  std::int64_t up;
};

// The spans in which the pedal is down; one that is never lifted ends with the piece.
std::vector<PedalSpan> pedal_spans(const std::vector<PedalEvent>& pedal, std::int64_t end) {
  std::vector<PedalSpan> spans;
  bool down = false;
  for (const PedalEvent& event : pedal) {
    if (event.down == down) continue;
    down = event.down;
    if (down) {
      spans.push_back({event.tick, std::max(end, event.tick)});
    } else {
      spans.back().up = event.tick;
    }
  }
  return spans;
}

// For each note the start of the next note of its key that begins later, kNever without one.
std::vector<std::int64_t> next_onsets(const std::vector<Note>& notes) {
  struct Later {
    std::int64_t onset = kNever;
    std::int64_t after = kNever;
  };
  std::array<Later, 256> later;
  std::vector<std::int64_t> next(notes.size());
  for (std::size_t i = notes.size(); i-- > 0;) {
    Later& key = later[notes[i].pitch];
    if (notes[i].start != key.onset) key = {notes[i].start, key.onset};
    next[i] = key.after;
  }
  return next;
}

void sustain(Track& track, std::int64_t end) {
  const std::vector<PedalSpan> spans = pedal_spans(track.pedal, end);
  const std::vector<std::int64_t> next = next_onsets(track.notes);
  for (std::size_t i = 0; i < track.notes.size(); ++i) {
    Note& note = track.notes[i];
    const auto after =
        std::upper_bound(spans.begin(), spans.end(), note.end,
                         [](std::int64_t tick, const PedalSpan& span) { return tick < span.down; });
    if (after == spans.begin()) continue;
    const std::int64_t release = std::min(std::prev(after)->up, next[i]);
    note.end = std::max(note.end, release);
  }
  std::sort(track.notes.begin(), track.notes.end());
  track.pedal.clear();
}

// On the circle of fifths a semitone up is seven sharps more, or five fewer.
int transpose_sharps(int sharps, int semitones) {
  if (semitones % 12 == 0) return sharps;
  const int fifths = (sharps + 7 * (semitones % 12)) % 12;
  const int positive = (fifths + 12) % 12;
  return positive <= 6 ? positive : positive - 12;
}

}  // namespace

std::int64_t Score::end() const {
  std::int64_t last = 0;
  for (const Track& track : tracks) {
    for (const Note& note : track.notes) last = std::max(last, note.end);
  }
  return last;
}

std::size_t Score::note_count() const {
  std::size_t count = 0;
  for (const Track& track : tracks) count += track.notes.size();
  return count;
}

TempoMap::TempoMap(const Score& score) {
  check(score.ticks_per_quarter > 0, "TempoMap: expected ticks_per_quarter > 0, got ",
        score.ticks_per_quarter);
  const auto seconds_per_tick = [&](std::uint32_t tempo) {
    return tempo * 1e-6 / score.ticks_per_quarter;
  };
  segments_.push_back({0, 0.0, seconds_per_tick(kDefaultTempo)});
  for (const Tempo& tempo : score.tempos) {
    check(tempo.microseconds_per_quarter > 0, "TempoMap: expected a tempo > 0 at tick ",
          tempo.tick);
    check(tempo.tick >= segments_.back().tick,
          "TempoMap: expected tempos sorted by tick >= 0, got ", tempo.tick, " after ",
          segments_.back().tick);
    segments_.push_back(
        {tempo.tick, seconds(tempo.tick), seconds_per_tick(tempo.microseconds_per_quarter)});
  }
}

double TempoMap::seconds(std::int64_t tick) const {
  const auto after =
      std::upper_bound(segments_.begin() + 1, segments_.end(), tick,
                       [](std::int64_t value, const Segment& s) { return value < s.tick; });
  const Segment& segment = *std::prev(after);
  return segment.seconds + static_cast<double>(tick - segment.tick) * segment.seconds_per_tick;
}

std::int64_t TempoMap::tick(double seconds) const {
  const auto after =
      std::upper_bound(segments_.begin() + 1, segments_.end(), seconds,
                       [](double value, const Segment& s) { return value < s.seconds; });
  const Segment& segment = *std::prev(after);
  const double ticks = (seconds - segment.seconds) / segment.seconds_per_tick;
  // 2^62 is far beyond any piece and leaves room for the sum; also catches infinity.
  constexpr double kLimit = 4611686018427387904.0;
  check(std::abs(ticks) < kLimit, "TempoMap: ", seconds, " seconds have no tick");
  return segment.tick + std::llround(ticks);
}

Score apply_sustain(const Score& score) {
  Score result = score;
  const std::int64_t end = score.end();
  for (Track& track : result.tracks) sustain(track, end);
  return result;
}

Score transpose(const Score& score, int semitones) {
  Score result = score;
  for (Track& track : result.tracks) {
    if (track.is_drum()) continue;
    std::erase_if(track.notes, [&](const Note& note) {
      const std::int64_t pitch = std::int64_t{note.pitch} + semitones;
      return pitch < 0 || pitch >= midi::kKeys;
    });
    for (Note& note : track.notes) note.pitch = static_cast<std::uint8_t>(note.pitch + semitones);
  }
  for (KeySignature& key : result.key_signatures) {
    key.sharps = transpose_sharps(key.sharps, semitones);
  }
  return result;
}

Score stretch(const Score& score, double factor) {
  check(std::isfinite(factor) && factor > 0, "stretch: expected a factor > 0, got ", factor);
  Score result = score;
  if (result.tempos.empty() || result.tempos.front().tick > 0) {
    result.tempos.insert(result.tempos.begin(), Tempo{0, kDefaultTempo});
  }
  for (Tempo& tempo : result.tempos) {
    const double scaled = std::round(tempo.microseconds_per_quarter * factor);
    check(scaled >= 1 && scaled <= midi::kMaxTempo, "stretch: ", tempo.microseconds_per_quarter,
          " microseconds a quarter times ", factor, " is not a tempo of 1 to 16777215");
    tempo.microseconds_per_quarter = static_cast<std::uint32_t>(scaled);
  }
  return result;
}

Score cut(const Score& score, std::int64_t begin, std::int64_t end) {
  Score result = score;
  for (Track& track : result.tracks) {
    std::erase_if(track.notes,
                  [&](const Note& note) { return note.end <= begin || note.start >= end; });
    for (Note& note : track.notes) {
      note.start = std::max(note.start, begin) - begin;
      note.end = std::min(note.end, end) - begin;
    }
    std::sort(track.notes.begin(), track.notes.end());
    track.pedal.clear();
  }
  const auto cut_changes = [&](auto& changes) {
    std::erase_if(changes, [&](const auto& change) { return change.tick >= end; });
    for (auto& change : changes) change.tick = std::max(change.tick - begin, std::int64_t{0});
    midi::settle_changes(changes);
  };
  cut_changes(result.tempos);
  cut_changes(result.time_signatures);
  cut_changes(result.key_signatures);
  return result;
}

std::vector<std::int64_t> bar_lines(const Score& score, int bars) {
  check(bars >= 1, "bar_lines: expected bars >= 1, got ", bars);
  const std::int64_t whole = std::int64_t{4} * score.ticks_per_quarter;
  const auto bar = [&](const TimeSignature& metre) {
    const bool plain = metre.numerator > 0 && metre.denominator > 0 &&
                       whole * metre.numerator % metre.denominator == 0;
    return plain ? whole * metre.numerator / metre.denominator : whole;
  };
  std::vector<std::int64_t> lines = {0};
  std::size_t next = 0;
  std::int64_t length = whole;
  int count = 0;
  const std::int64_t end = score.end();
  check(end / score.ticks_per_quarter <= kMaxQuarters, "lasts ", end / score.ticks_per_quarter,
        " quarter notes, expected at most ", kMaxQuarters, " (a damaged file?)");
  for (std::int64_t tick = 0; tick < end;) {
    for (; next < score.time_signatures.size() && score.time_signatures[next].tick <= tick;
         ++next) {
      length = bar(score.time_signatures[next]);
    }
    tick += length;
    // A new metre begins a bar of its own.
    if (next < score.time_signatures.size()) {
      tick = std::min(tick, score.time_signatures[next].tick);
    }
    if (++count % bars == 0 || tick >= end) lines.push_back(tick);
  }
  return lines;
}

Score quantize(const Score& score, int steps_per_quarter) {
  check(steps_per_quarter > 0, "quantize: expected steps_per_quarter > 0, got ", steps_per_quarter);
  check(score.ticks_per_quarter > 0, "quantize: expected ticks_per_quarter > 0, got ",
        score.ticks_per_quarter);
  const std::int64_t quarter = score.ticks_per_quarter;
  const auto round = [&](std::int64_t tick) {
    // Whole quarters apart from the rest, so that nothing overflows.
    const std::int64_t rest = tick % quarter;
    return tick / quarter * steps_per_quarter +
           (2 * rest * steps_per_quarter + quarter) / (2 * quarter);
  };
  Score result = score;
  result.ticks_per_quarter = steps_per_quarter;
  for (Track& track : result.tracks) {
    for (Note& note : track.notes) {
      note.start = round(note.start);
      note.end = std::max(round(note.end), note.start + 1);
    }
    std::sort(track.notes.begin(), track.notes.end());
    for (PedalEvent& event : track.pedal) event.tick = round(event.tick);
  }
  const auto round_changes = [&](auto& changes) {
    for (auto& change : changes) change.tick = round(change.tick);
    midi::settle_changes(changes);
  };
  round_changes(result.tempos);
  round_changes(result.time_signatures);
  round_changes(result.key_signatures);
  return result;
}

}  // namespace cadenza
