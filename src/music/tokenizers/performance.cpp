// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "cadenza/error.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/settings.h"

namespace cadenza {
namespace {

constexpr std::int32_t kNoteOn = 0;
constexpr std::int32_t kNoteOff = 128;
constexpr std::int32_t kTimeShift = 256;  // kTimeShift + n - 1 for n steps
constexpr std::int32_t kVelocity = 356;   // kVelocity + bin - 1
constexpr int kVocabulary = 388;

constexpr int kStepsPerSecond = 100;
constexpr int kMaxShift = 100;
constexpr int kVelocitiesPerBin = 4;  // ceil(127 / 32)
constexpr double kMaxSeconds = 1e6;
/// A note that a sequence never ends sounds this long at most, as in Magenta.
constexpr std::int64_t kHungNoteSteps = 5 * kStepsPerSecond;

int velocity_bin(int velocity) {
  return (std::clamp(velocity, 1, 127) - 1) / kVelocitiesPerBin + 1;
}
std::uint8_t bin_velocity(int bin) {
  return static_cast<std::uint8_t>(1 + (bin - 1) * kVelocitiesPerBin);
}

struct KeyEvent {
  std::int64_t step;
  bool on;           // note offs come first within a step, in the order their notes began
  std::size_t note;  // index into the notes, which are sorted by start and pitch
  auto operator<=>(const KeyEvent&) const = default;
};

Sequence tokens_of(const std::vector<Note>& notes) {
  std::vector<KeyEvent> events;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    events.push_back({notes[i].start, true, i});
    events.push_back({notes[i].end, false, i});
  }
  std::sort(events.begin(), events.end());
  Sequence sequence;
  std::int64_t now = notes.empty() ? 0 : notes.front().start;
  int bin = 0;
  for (const KeyEvent& event : events) {
    const Note& note = notes[event.note];
    while (now < event.step) {
      const std::int64_t shift = std::min<std::int64_t>(event.step - now, kMaxShift);
      sequence.tokens.push_back(kTimeShift + static_cast<std::int32_t>(shift) - 1);
      now += shift;
    }
    if (event.on && velocity_bin(note.velocity) != bin) {
      bin = velocity_bin(note.velocity);
      sequence.tokens.push_back(kVelocity + bin - 1);
    }
    sequence.tokens.push_back((event.on ? kNoteOn : kNoteOff) + note.pitch);
  }
  return sequence;
}

/// Magenta's performance_rnn events with 32 velocity bins: one stream of piano keys in real time.
class PerformanceTokenizer : public Tokenizer {
 public:
  std::string_view name() const override { return "performance"; }
  std::string settings() const override { return ""; }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override { return kVocabulary; }
  std::string token_name(std::int32_t id) const override {
    if (id < kNoteOff) return message("NOTE_ON ", id - kNoteOn);
    if (id < kTimeShift) return message("NOTE_OFF ", id - kNoteOff);
    if (id < kVelocity) return message("TIME_SHIFT ", id - kTimeShift + 1);
    return message("VELOCITY ", id - kVelocity + 1);
  }
  std::optional<int> started_pitch(std::int32_t id) const override {
    if (id < kNoteOff) return id - kNoteOn;
    return std::nullopt;
  }

  bool keeps_time() const override { return true; }

  std::vector<Sequence> encode(const Score& score, std::string* reason) const override;
  Score decode(const Sequence& sequence, double qpm) const override;
};

std::vector<Sequence> PerformanceTokenizer::encode(const Score& score, std::string* reason) const {
  if (!has_plausible_notes(score, false, reason)) return {};
  const TempoMap tempo(score);
  const double seconds = tempo.seconds(score.end());
  if (!(seconds <= kMaxSeconds)) {
    give_reason(reason, message("lasts ", seconds, " seconds, expected at most ", kMaxSeconds));
    return {};
  }
  std::vector<Note> notes = merged_notes(apply_sustain(score), Voices::pitched);
  const auto step = [&](std::int64_t tick) {
    return static_cast<std::int64_t>(std::floor(tempo.seconds(tick) * kStepsPerSecond + 0.5));
  };
  for (Note& note : notes) {
    note.start = step(note.start);
    note.end = std::max(note.start + 1, step(note.end));
  }
  cut_overlaps(notes);
  return {tokens_of(notes)};
}

Score PerformanceTokenizer::decode(const Sequence& sequence, double qpm) const {
  check_tokens(name(), sequence, kVocabulary);
  std::vector<Note> notes;  // in steps; end = start while sounding
  constexpr std::size_t kSilent = static_cast<std::size_t>(-1);
  std::array<std::size_t, 128> sounding;
  sounding.fill(kSilent);
  std::int64_t now = 0;
  std::uint8_t velocity = kPlainVelocity;
  const auto release = [&](std::size_t pitch, std::int64_t at) {
    if (sounding[pitch] == kSilent) return;
    notes[sounding[pitch]].end = at;
    sounding[pitch] = kSilent;
  };
  for (const std::int32_t id : sequence.tokens) {
    if (id >= kVelocity) {
      velocity = bin_velocity(id - kVelocity + 1);
    } else if (id >= kTimeShift) {
      now += id - kTimeShift + 1;
    } else {
      const auto pitch = static_cast<std::size_t>(id % kNoteOff);
      release(pitch, now);
      if (id >= kNoteOff) continue;
      sounding[pitch] = notes.size();
      notes.push_back({now, now, static_cast<std::uint8_t>(pitch), velocity});
    }
  }
  for (std::size_t pitch = 0; pitch < sounding.size(); ++pitch) {
    if (sounding[pitch] == kSilent) continue;
    release(pitch, std::min(now, notes[sounding[pitch]].start + kHungNoteSteps));
  }

  // About one tick a millisecond, so that 10 ms steps survive the rounding at any tempo.
  Score score = empty_score(1, qpm);
  const std::int64_t quarter = score.tempos.front().microseconds_per_quarter;
  score.ticks_per_quarter = static_cast<int>(std::max<std::int64_t>(quarter / 1000, 24));
  const auto tick = [&](std::int64_t step) {
    constexpr std::int64_t kStep = 1000000 / kStepsPerSecond;
    return (step * kStep * score.ticks_per_quarter + quarter / 2) / quarter;
  };
  Track& track = score.tracks.emplace_back();
  track.name = "performance";
  for (Note note : notes) {
    if (note.end == note.start) continue;  // struck at the very end, or struck again at once
    note.start = tick(note.start);
    note.end = tick(note.end);
    track.notes.push_back(note);
  }
  std::sort(track.notes.begin(), track.notes.end());
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_performance_tokenizer(std::string_view settings) {
  const TokenizerSettings none("performance", settings, {});
  return std::make_unique<PerformanceTokenizer>();
}

}  // namespace cadenza
