// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "cadenza/error.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/settings.h"

namespace cadenza {
namespace {

constexpr int kKeys = static_cast<int>(Frame().size());

/// Frames of the keys that sound in each step. A repeated note cannot be told from a held one, so
/// decoding joins equal keys of consecutive frames into one note.
class PianorollTokenizer : public Tokenizer {
 public:
  explicit PianorollTokenizer(int steps_per_quarter) : steps_per_quarter_(steps_per_quarter) {}

  std::string_view name() const override { return "pianoroll"; }
  std::string settings() const override {
    return message("steps_per_quarter=", steps_per_quarter_);
  }
  StepKind step_kind() const override { return StepKind::frame; }
  int vocabulary_size() const override { return kKeys; }
  std::string token_name(std::int32_t id) const override {
    return message("KEY ", id + kLowestKey);
  }

  std::vector<Sequence> encode(const Score& score, std::string* reason) const override;
  Score decode(const Sequence& sequence, double qpm) const override;

 private:
  int steps_per_quarter_;
};

std::vector<Sequence> PianorollTokenizer::encode(const Score& score, std::string* reason) const {
  const std::optional<Score> grid = pitched_on_grid(score, steps_per_quarter_, reason);
  if (!grid) return {};
  std::vector<Note> notes = merged_notes(*grid, Voices::pitched);
  std::erase_if(notes, [](const Note& note) {
    return note.pitch < kLowestKey || note.pitch >= kLowestKey + kKeys;
  });
  if (notes.empty()) {
    give_reason(reason, "no notes on the 88 keys of a piano");
    return {};
  }
  const std::int64_t first = notes.front().start - steps_into_bar(*grid, notes.front().start);
  std::int64_t end = first;
  for (const Note& note : notes) end = std::max(end, note.end);
  Sequence sequence;
  sequence.frames.resize(static_cast<std::size_t>(end - first));
  for (const Note& note : notes) {
    const auto key = static_cast<std::size_t>(note.pitch - kLowestKey);
    for (std::int64_t step = note.start; step < note.end; ++step) {
      sequence.frames[static_cast<std::size_t>(step - first)].set(key);
    }
  }
  return {std::move(sequence)};
}

Score PianorollTokenizer::decode(const Sequence& sequence, double qpm) const {
  check(sequence.tokens.empty(), "tokenizer pianoroll: expected frames, got ",
        sequence.tokens.size(), " tokens");
  const int step = decoded_ticks_per_step(steps_per_quarter_);
  Score score = empty_score(step * steps_per_quarter_, qpm);
  Track& track = score.tracks.emplace_back();
  track.name = "pianoroll";
  std::array<std::size_t, kKeys> sounding{};  // index of the note of each key, while it sounds
  Frame before;
  std::int64_t now = 0;
  for (const Frame& frame : sequence.frames) {
    for (std::size_t key = 0; key < frame.size(); ++key) {
      if (!frame[key]) continue;
      if (!before[key]) {
        sounding[key] = track.notes.size();
        const auto pitch = static_cast<std::uint8_t>(key + kLowestKey);
        track.notes.push_back({now, now, pitch, kPlainVelocity});
      }
      track.notes[sounding[key]].end = now + step;
    }
    before = frame;
    now += step;
  }
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_pianoroll_tokenizer(std::string_view settings) {
  const TokenizerSettings parsed("pianoroll", settings, {"steps_per_quarter"});
  return std::make_unique<PianorollTokenizer>(parsed.integer("steps_per_quarter", 4, 1, 96));
}

}  // namespace cadenza
