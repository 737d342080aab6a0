// SPDX-License-Identifier: Apache-2.0
#include "cadenza/error.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/settings.h"
#include "music/tokenizers/skyline.h"

namespace cadenza {
namespace {

constexpr int kStepsPerQuarter = 4;
constexpr std::int32_t kPitches = 128;

/// Bare token numbers, as in a .npy of pitches: one id a note, without lengths.
class IdsTokenizer : public Tokenizer {
 public:
  explicit IdsTokenizer(int vocabulary) : vocabulary_(vocabulary) {}

  std::string_view name() const override { return "ids"; }
  std::string settings() const override { return message("vocabulary=", vocabulary_); }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override { return vocabulary_; }
  std::string token_name(std::int32_t id) const override { return std::to_string(id); }
  std::optional<int> started_pitch(std::int32_t id) const override {
    if (id < kPitches) return id;
    return std::nullopt;
  }

  /// The pitches of each melodic line, so that a MIDI file can prime a model of pitches.
  std::vector<Sequence> encode(const Score& score, std::string* reason) const override;
  /// Each id below 128 as a note of one sixteenth; other ids mean nothing here and take no time.
  Score decode(const Sequence& sequence, double qpm) const override;

 private:
  int vocabulary_;
};

std::vector<Sequence> IdsTokenizer::encode(const Score& score, std::string* reason) const {
  const std::optional<Score> grid = pitched_on_grid(score, kStepsPerQuarter, reason);
  if (!grid) return {};
  std::vector<Sequence> sequences;
  for (const std::vector<Note>& line : melodic_lines(*grid)) {
    Sequence sequence;
    for (const Note& note : line) {
      if (note.pitch < vocabulary_) sequence.tokens.push_back(note.pitch);
    }
    if (sequence.size() > 0) sequences.push_back(std::move(sequence));
  }
  if (sequences.empty()) {
    give_reason(reason, message("no pitch below ", vocabulary_, ", the vocabulary"));
  }
  return sequences;
}

Score IdsTokenizer::decode(const Sequence& sequence, double qpm) const {
  check_tokens(name(), sequence, vocabulary_);
  const int step = decoded_ticks_per_step(kStepsPerQuarter);
  Score score = empty_score(step * kStepsPerQuarter, qpm);
  Track& track = score.tracks.emplace_back();
  track.name = "ids";
  std::int64_t now = 0;
  for (const std::int32_t id : sequence.tokens) {
    if (id >= kPitches) continue;
    track.notes.push_back({now, now + step, static_cast<std::uint8_t>(id), kPlainVelocity});
    now += step;
  }
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_ids_tokenizer(std::string_view settings) {
  const TokenizerSettings parsed("ids", settings, {"vocabulary"});
  return std::make_unique<IdsTokenizer>(parsed.integer("vocabulary", kPitches, 1, 1 << 24));
}

}  // namespace cadenza
