// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bitset>
#include <limits>

#include "cadenza/error.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/settings.h"
#include "music/tokenizers/skyline.h"

namespace cadenza {
namespace {

constexpr int kStepsPerQuarter = 4;
constexpr std::int64_t kBar = 4 * kStepsPerQuarter;
constexpr std::int32_t kHold = 0;
constexpr std::int32_t kNoteOff = 1;
constexpr std::int32_t kFirstPitch = 2;

/// The defaults keep every piece of POP909, all but one of Nottingham and every piece of
/// OpenTTD's OpenMSX, while most ostinati and fragments stay out. Five pitches are Magenta's, its
/// seven bars lose 3 % of the notes of POP909 to phrases between rests.
struct MelodySettings {
  int min_pitch;
  int max_pitch;
  int min_bars;  // of sixteen sixteenths, whatever the metre
  int min_unique_pitches;
};

MelodySettings parse(std::string_view text) {
  const TokenizerSettings settings("melody", text,
                                   {"min_pitch", "max_pitch", "min_bars", "min_unique_pitches"});
  const MelodySettings parsed = {
      .min_pitch = settings.integer("min_pitch", 48, 0, 127),
      .max_pitch = settings.integer("max_pitch", 83, 0, 127),
      .min_bars = settings.integer("min_bars", 4, 0, 1000),
      .min_unique_pitches = settings.integer("min_unique_pitches", 5, 1, 128)};
  // Folding by octaves needs a place for each of the twelve notes.
  check(parsed.max_pitch - parsed.min_pitch >= 11, "tokenizer melody: expected an octave or more ",
        "from min_pitch to max_pitch, got ", parsed.min_pitch, " to ", parsed.max_pitch);
  return parsed;
}

/// Brings a line into [lowest, highest] by octaves: all of it by the same number where some number
/// does, otherwise each note that lies outside by itself.
void fold_into_range(std::vector<Note>& line, int lowest, int highest) {
  const auto [low, high] = std::minmax_element(
      line.begin(), line.end(), [](const Note& a, const Note& b) { return a.pitch < b.pitch; });
  int shift = 0;
  while (low->pitch + shift < lowest) shift += 12;
  while (high->pitch + shift > highest) shift -= 12;
  if (low->pitch + shift < lowest) shift = 0;
  for (Note& note : line) {
    int pitch = note.pitch + shift;
    while (pitch < lowest) pitch += 12;
    while (pitch > highest) pitch -= 12;
    note.pitch = static_cast<std::uint8_t>(pitch);
  }
}

int unique_pitches(const std::vector<Note>& line) {
  std::bitset<128> seen;
  for (const Note& note : line) seen.set(note.pitch);
  return static_cast<int>(seen.count());
}

std::int64_t length(const std::vector<Note>& line) { return line.back().end - line.front().start; }

/// Magenta's melody_rnn events: hold, note off, or the start of a note in each sixteenth. Every
/// pitched track that holds a line rather than chords gives its upper line, parted where a bar or
/// more is silent; a part starts at the bar line before its first note.
class MelodyTokenizer : public Tokenizer {
 public:
  explicit MelodyTokenizer(const MelodySettings& settings) : settings_(settings) {}

  std::string_view name() const override { return "melody"; }
  std::string settings() const override {
    return message("min_pitch=", settings_.min_pitch, ";max_pitch=", settings_.max_pitch,
                   ";min_bars=", settings_.min_bars,
                   ";min_unique_pitches=", settings_.min_unique_pitches);
  }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override {
    return kFirstPitch + settings_.max_pitch - settings_.min_pitch + 1;
  }
  std::string token_name(std::int32_t id) const override {
    if (id == kHold) return "HOLD";
    if (id == kNoteOff) return "NOTE_OFF";
    return message("NOTE_ON ", id - kFirstPitch + settings_.min_pitch);
  }
  std::optional<int> started_pitch(std::int32_t id) const override {
    if (id >= kFirstPitch) return id - kFirstPitch + settings_.min_pitch;
    return std::nullopt;
  }
  std::optional<TokenGrid> grid() const override { return TokenGrid{"M", kStepsPerQuarter, kHold}; }

  std::vector<Sequence> encode(const Score& score, std::string* reason) const override;
  Sequence encode_primer(const Score& score, std::string* reason) const override;
  Score decode(const Sequence& sequence, double qpm) const override;

 private:
  Sequence tokens_of(const Score& grid, const std::vector<Note>& line) const;

  MelodySettings settings_;
};

std::vector<Sequence> MelodyTokenizer::encode(const Score& score, std::string* reason) const {
  const std::optional<Score> grid = pitched_on_grid(score, kStepsPerQuarter, reason);
  if (!grid) return {};
  std::vector<std::vector<Note>> usable;
  std::int64_t longest = 0;
  int most_pitches = 0;
  for (const std::vector<Note>& line : melodic_lines(*grid)) {
    for (std::vector<Note>& part : split_at_rests(line, kBar)) {
      fold_into_range(part, settings_.min_pitch, settings_.max_pitch);
      const int pitches = unique_pitches(part);
      longest = std::max(longest, length(part));
      most_pitches = std::max(most_pitches, pitches);
      if (length(part) >= settings_.min_bars * kBar && pitches >= settings_.min_unique_pitches) {
        usable.push_back(std::move(part));
      }
    }
  }
  if (usable.empty()) {
    give_reason(reason, message("no melody of at least ", settings_.min_bars * kBar,
                                " sixteenths and ", settings_.min_unique_pitches,
                                " different pitches between rests of a bar (longest ", longest,
                                " sixteenths, most pitches ", most_pitches, ")"));
  }
  std::stable_sort(usable.begin(), usable.end(),
                   [](const auto& a, const auto& b) { return a[0].start < b[0].start; });
  std::vector<Sequence> sequences;
  for (const std::vector<Note>& line : usable) sequences.push_back(tokens_of(*grid, line));
  return sequences;
}

Sequence MelodyTokenizer::encode_primer(const Score& score, std::string* reason) const {
  const std::optional<Score> grid = pitched_on_grid(score, kStepsPerQuarter, reason);
  if (!grid) return {};
  std::vector<Note> line = melodic_lines(*grid).front();
  fold_into_range(line, settings_.min_pitch, settings_.max_pitch);
  return tokens_of(*grid, line);
}

Sequence MelodyTokenizer::tokens_of(const Score& grid, const std::vector<Note>& line) const {
  const std::int64_t first = line.front().start - steps_into_bar(grid, line.front().start);
  const auto at = [first](std::int64_t step) { return static_cast<std::size_t>(step - first); };
  Sequence sequence;
  sequence.tokens.assign(at(line.back().end), kHold);
  for (const Note& note : line) {
    // The note off goes first: where the next note starts at once, its pitch replaces it.
    if (&note != &line.back()) sequence.tokens[at(note.end)] = kNoteOff;
    sequence.tokens[at(note.start)] = kFirstPitch + note.pitch - settings_.min_pitch;
  }
  return sequence;
}

Score MelodyTokenizer::decode(const Sequence& sequence, double qpm) const {
  check_tokens(name(), sequence, vocabulary_size());
  const int step = decoded_ticks_per_step(kStepsPerQuarter);
  Score score = empty_score(step * kStepsPerQuarter, qpm);
  Track& track = score.tracks.emplace_back();
  track.name = "melody";
  bool sounding = false;
  std::int64_t now = 0;
  for (const std::int32_t id : sequence.tokens) {
    if (id >= kFirstPitch) {
      const int pitch = id - kFirstPitch + settings_.min_pitch;
      track.notes.push_back({now, now, static_cast<std::uint8_t>(pitch), kPlainVelocity});
    }
    if (id != kHold) sounding = id != kNoteOff;
    now += step;
    if (sounding) track.notes.back().end = now;
  }
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_melody_tokenizer(std::string_view settings) {
  return std::make_unique<MelodyTokenizer>(parse(settings));
}

}  // namespace cadenza
