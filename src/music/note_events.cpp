// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>

#include "cadenza/note_event.h"

namespace cadenza {
namespace {

constexpr double kMiddlePitch = 64.0;
constexpr double kMiddleVelocity = 64.0;
constexpr double kSpan = 32.0;
constexpr double kSoonest = 0.125;  // quarters; chords have a time of 0, which has no logarithm

double within(double value, double low, double high) {
  return std::isnan(value) ? std::clamp(0.0, low, high) : std::clamp(value, low, high);
}

}  // namespace

std::vector<NoteEvent> note_events(const Score& score) {
  std::vector<Note> notes;
  for (const Track& track : score.tracks) {
    if (!track.is_drum()) notes.insert(notes.end(), track.notes.begin(), track.notes.end());
  }
  std::sort(notes.begin(), notes.end());
  const double quarter = score.ticks_per_quarter;
  std::vector<NoteEvent> events;
  std::int64_t last = 0;
  for (const Note& note : notes) {
    events.push_back({.pitch = static_cast<double>(note.pitch),
                      .duration = static_cast<double>(note.end - note.start) / quarter,
                      .velocity = static_cast<double>(note.velocity),
                      .since = static_cast<double>(note.start - last) / quarter});
    last = note.start;
  }
  return events;
}

Score score_of_events(std::span<const NoteEvent> events, const EventScoring& scoring) {
  constexpr double kShortest = 1.0 / 32;
  constexpr double kLongest = 16.0;
  constexpr double kMicrosecondsAMinute = 6e7;
  Score score;
  score.tempos = {{0, static_cast<std::uint32_t>(std::lround(kMicrosecondsAMinute / scoring.qpm))}};
  Track& track = score.tracks.emplace_back();
  std::map<std::uint8_t, std::size_t> sounding;  // the last note of each key
  double now = 0.0;                              // quarters
  const auto ticks = [&](double quarters) {
    return static_cast<std::int64_t>(std::lround(quarters * score.ticks_per_quarter));
  };
  const auto on_grid = [&](double quarters) {
    return scoring.grid > 0 ? std::round(quarters * scoring.grid) / scoring.grid : quarters;
  };
  for (const NoteEvent& event : events) {
    now += within(event.since, 0.0, kLongest);
    const double start = on_grid(now);
    if (start >= scoring.quarters) break;
    double duration = on_grid(within(event.duration, kShortest, kLongest));
    if (duration == 0.0) duration = 1.0 / scoring.grid;
    Note note;
    note.start = ticks(start);
    note.end =
        note.start + std::max<std::int64_t>(ticks(std::min(duration, scoring.quarters - start)), 1);
    note.pitch = static_cast<std::uint8_t>(std::lround(within(event.pitch, 0.0, 127.0)));
    note.velocity = static_cast<std::uint8_t>(std::lround(within(event.velocity, 1.0, 127.0)));
    const auto before = sounding.find(note.pitch);
    if (before != sounding.end()) {
      Note& last = track.notes[before->second];
      if (last.start == note.start) {
        last.end = std::max(last.end, note.end);
        continue;
      }
      last.end = std::min(last.end, note.start);
    }
    sounding[note.pitch] = track.notes.size();
    track.notes.push_back(note);
  }
  std::sort(track.notes.begin(), track.notes.end());
  return score;
}

std::array<float, 4> to_numbers(const NoteEvent& event) {
  return {static_cast<float>((event.pitch - kMiddlePitch) / kSpan),
          static_cast<float>(std::log2(std::max(event.duration, kSoonest / 4)) / 2),
          static_cast<float>((event.velocity - kMiddleVelocity) / kSpan),
          static_cast<float>(std::log2(std::max(event.since, 0.0) + kSoonest) / 2)};
}

NoteEvent to_event(const std::array<float, 4>& numbers) {
  return {.pitch = kMiddlePitch + kSpan * numbers[0],
          .duration = std::exp2(2.0 * numbers[1]),
          .velocity = kMiddleVelocity + kSpan * numbers[2],
          .since = std::max(std::exp2(2.0 * numbers[3]) - kSoonest, 0.0)};
}

}  // namespace cadenza
