// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cadenza/error.h"
#include "music/tokenizers/chorale_voices.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/settings.h"

namespace cadenza {
namespace {

constexpr int kStepsPerQuarter = 4;
constexpr int kLowest = 36;
constexpr int kHighest = 81;
constexpr std::int32_t kHold = 0;
constexpr std::int32_t kRest = 1;
constexpr std::int32_t kFirstPitch = 2;
constexpr int kVocabulary = kFirstPitch + kHighest - kLowest + 1;

bool in_range(int pitch) { return pitch >= kLowest && pitch <= kHighest; }

constexpr std::string_view kVoiceLetters = "SATB";

/// "ATB" -> {1, 2, 3}.
std::vector<std::size_t> parse_voices(const std::string& text) {
  std::vector<std::size_t> voices;
  for (const char letter : text) {
    const std::size_t voice = kVoiceLetters.find(letter);
    check(voice != std::string_view::npos && (voices.empty() || voice > voices.back()),
          "tokenizer chorale: setting voices expected letters of SATB in this order, got \"", text,
          "\"");
    voices.push_back(voice);
  }
  check(!voices.empty(), "tokenizer chorale: setting voices is empty, expected letters of SATB");
  return voices;
}

/// Four voices on a grid of sixteenths, soprano to bass interleaved, or the chosen ones of them. In
/// each voice a pitch starts a note, rest starts a silence, and hold continues either. Music begins
/// and ends where all four voices do, so that parts of one score go step by step together.
class ChoraleTokenizer : public Tokenizer {
 public:
  explicit ChoraleTokenizer(std::vector<std::size_t> voices) : voices_(std::move(voices)) {}

  std::string_view name() const override { return "chorale"; }
  std::string settings() const override {
    return voices_.size() == kChoraleVoices ? "" : "voices=" + letters();
  }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override { return kVocabulary; }
  std::string token_name(std::int32_t id) const override {
    if (id == kHold) return "HOLD";
    if (id == kRest) return "REST";
    return message("PITCH ", id - kFirstPitch + kLowest);
  }
  std::optional<int> started_pitch(std::int32_t id) const override {
    if (id >= kFirstPitch) return id - kFirstPitch + kLowest;
    return std::nullopt;
  }
  std::optional<TokenGrid> grid() const override {
    return TokenGrid{letters(), kStepsPerQuarter, kHold};
  }

  std::vector<Sequence> encode(const Score& score, std::string* reason) const override {
    Sequence sequence = encode_voices(score, VoiceNeed::mostly_four, reason);
    if (sequence.size() == 0) return {};
    return {std::move(sequence)};
  }
  /// Takes fewer voices too: the others rest.
  Sequence encode_primer(const Score& score, std::string* reason) const override {
    return encode_voices(score, VoiceNeed::any, reason);
  }
  Score decode(const Sequence& sequence, double qpm) const override;

 private:
  std::string letters() const {
    std::string letters;
    for (const std::size_t voice : voices_) letters += kVoiceLetters[voice];
    return letters;
  }
  Sequence encode_voices(const Score& score, VoiceNeed need, std::string* reason) const;
  /// Where the `i`-th chosen voice of a step lies in the interleaved tokens.
  std::size_t token_index(std::int64_t step, std::size_t i) const {
    return static_cast<std::size_t>(step) * voices_.size() + i;
  }

  std::vector<std::size_t> voices_;
};

Sequence ChoraleTokenizer::encode_voices(const Score& score, VoiceNeed need,
                                         std::string* reason) const {
  const std::optional<Score> grid = pitched_on_grid(score, kStepsPerQuarter, reason);
  if (!grid) return {};
  const std::optional<ChoraleLines> lines = chorale_voices(*grid, need, reason);
  if (!lines) return {};
  std::int64_t first = grid->end();
  std::int64_t end = 0;
  for (const std::vector<Note>& line : *lines) {
    for (const Note& note : line) {
      if (!in_range(note.pitch)) {
        give_reason(reason, message("has pitch ", int{note.pitch}, ", expected ", kLowest, " to ",
                                    kHighest));
        return {};
      }
      first = std::min(first, note.start);
      end = std::max(end, note.end);
    }
  }
  first -= steps_into_bar(*grid, first);
  Sequence sequence;
  sequence.tokens.assign(token_index(end - first, 0), kHold);
  for (std::size_t i = 0; i < voices_.size(); ++i) {
    sequence.tokens[i] = kRest;
    for (const Note& note : (*lines)[voices_[i]]) {
      // The rest goes first: where the next note starts at once, its pitch replaces it.
      if (note.end < end) sequence.tokens[token_index(note.end - first, i)] = kRest;
      sequence.tokens[token_index(note.start - first, i)] = kFirstPitch + note.pitch - kLowest;
    }
  }
  return sequence;
}

Score ChoraleTokenizer::decode(const Sequence& sequence, double qpm) const {
  check_tokens(name(), sequence, kVocabulary);
  const int step = decoded_ticks_per_step(kStepsPerQuarter);
  Score score = empty_score(step * kStepsPerQuarter, qpm);
  for (std::size_t v = 0; v < voices_.size(); ++v) {
    Track& track = score.tracks.emplace_back();
    track.name = kChoraleNames[voices_[v]];
    track.channel = static_cast<std::uint8_t>(voices_[v]);
    bool sounding = false;
    std::int64_t now = 0;
    for (std::size_t i = v; i < sequence.tokens.size(); i += voices_.size(), now += step) {
      const std::int32_t id = sequence.tokens[i];
      if (id >= kFirstPitch) {
        const auto pitch = static_cast<std::uint8_t>(id - kFirstPitch + kLowest);
        track.notes.push_back({now, now, pitch, kPlainVelocity});
      }
      if (id != kHold) sounding = id != kRest;
      if (sounding) track.notes.back().end = now + step;
    }
  }
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_chorale_tokenizer(std::string_view settings) {
  const TokenizerSettings parsed("chorale", settings, {"voices"});
  return std::make_unique<ChoraleTokenizer>(parse_voices(parsed.text("voices", kVoiceLetters)));
}

}  // namespace cadenza
