// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include "cadenza/error.h"
#include "music/tokenizers/factories.h"
#include "music/tokenizers/notes.h"
#include "music/tokenizers/remi_bars.h"
#include "music/tokenizers/remi_vocabulary.h"
#include "music/tokenizers/settings.h"

namespace cadenza {
namespace {

constexpr std::uint8_t kDrumChannel = 9;

struct RemiNote {
  std::int64_t decoded_tick;
  bool drum;
  int pitch;
  int duration;  // units of its metre
  int velocity;  // index
  std::int64_t bar;
  int position;
  std::size_t metre;
  auto operator<=>(const RemiNote&) const = default;
};

/// The notes of one key follow each other.
void cut_overlaps(std::vector<RemiNote>& notes) {
  std::sort(notes.begin(), notes.end());
  std::vector<RemiNote> kept;
  std::map<std::pair<bool, int>, std::size_t> last;  // key -> index in kept
  for (const RemiNote& note : notes) {
    const auto [entry, first] = last.try_emplace({note.drum, note.pitch}, kept.size());
    if (!first) {
      RemiNote& before = kept[entry->second];
      if (before.decoded_tick == note.decoded_tick) {
        before = note;
        continue;
      }
      const std::int64_t gap = note.decoded_tick - before.decoded_tick;
      const std::int64_t units = gap / ticks_per_unit(before.metre);
      before.duration = static_cast<int>(std::min<std::int64_t>(before.duration, units));
      entry->second = kept.size();
    }
    kept.push_back(note);
  }
  notes = std::move(kept);
}

void drop_repeated_metres(std::vector<TimeSignature>& changes) {
  const auto same = [](const TimeSignature& a, const TimeSignature& b) {
    return a.numerator == b.numerator && a.denominator == b.denominator;
  };
  changes.erase(std::unique(changes.begin(), changes.end(), same), changes.end());
}

/// Bars, positions, and pitch, velocity and duration of each note, as MidiTok's REMI. All pitched
/// tracks share one stream with the drums, which have pitches of their own. Note lengths are those
/// written; pedals are not applied.
class RemiTokenizer : public Tokenizer {
 public:
  explicit RemiTokenizer(bool metres) : vocabulary_(metres) {}

  std::string_view name() const override { return "remi"; }
  std::string settings() const override { return message("metres=", vocabulary_.metres() ? 1 : 0); }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override { return vocabulary_.size(); }
  std::string token_name(std::int32_t id) const override { return vocabulary_.name(id); }
  std::optional<int> started_pitch(std::int32_t id) const override {
    if (vocabulary_.is_pitch(id)) return id - V::kPitch + V::kLowestPitch;
    return std::nullopt;
  }
  std::optional<std::int32_t> end_token() const override { return RemiVocabulary::kEos; }

  std::vector<Sequence> encode(const Score& score, std::string* reason) const override;
  Score decode(const Sequence& sequence, double qpm) const override;

 private:
  using V = RemiVocabulary;
  bool has_token(int pitch, bool drum) const {
    return drum ? pitch >= V::kLowestDrum && pitch <= V::kHighestDrum
                : pitch >= V::kLowestPitch && pitch <= V::kHighestPitch;
  }
  Sequence tokens_of(const std::vector<RemiNote>& notes, const RemiBars& bars) const;

  RemiVocabulary vocabulary_;
};

std::vector<Sequence> RemiTokenizer::encode(const Score& score, std::string* reason) const {
  if (!has_plausible_notes(score, true, reason)) return {};
  const RemiBars bars(score, vocabulary_.metres());
  std::vector<RemiNote> notes;
  for (const Track& track : score.tracks) {
    for (const Note& note : track.notes) {
      if (!has_token(note.pitch, track.is_drum())) continue;
      const RemiSection& section = bars.section(note.start);
      if (!section.metre) {
        give_reason(reason, message("has notes in ", section.signature.numerator, "/",
                                    section.signature.denominator,
                                    ", a metre without a token (metres=0 takes any)"));
        return {};
      }
      const RemiPlace place = bars.place(note.start);
      const std::int64_t length = bars.units(place.metre, note.end - note.start);
      notes.push_back({place.decoded_tick, track.is_drum(), note.pitch, nearest_duration(length),
                       remi_velocity_index(note.velocity), place.bar, place.position, place.metre});
    }
  }
  if (notes.empty()) {
    give_reason(reason, "no notes within the pitches 21 to 109 or the drums 27 to 88");
    return {};
  }
  cut_overlaps(notes);
  return {tokens_of(notes, bars)};
}

Sequence RemiTokenizer::tokens_of(const std::vector<RemiNote>& notes, const RemiBars& bars) const {
  Sequence sequence;
  std::vector<std::int32_t>& tokens = sequence.tokens;
  std::int64_t bar = notes.front().bar - 1;
  int position = -1;
  for (const RemiNote& note : notes) {
    while (bar < note.bar) {
      ++bar;
      position = -1;
      tokens.push_back(V::kBar);
      if (vocabulary_.metres()) {
        tokens.push_back(vocabulary_.metre() + static_cast<std::int32_t>(bars.metre_of_bar(bar)));
      }
    }
    if (note.position != position) {
      position = note.position;
      tokens.push_back(V::kPosition + position);
    }
    tokens.push_back(note.drum ? vocabulary_.drum() + note.pitch - V::kLowestDrum
                               : V::kPitch + note.pitch - V::kLowestPitch);
    tokens.push_back(V::kVelocity + note.velocity);
    tokens.push_back(V::duration_id(note.duration));
  }
  tokens.push_back(V::kEos);
  return sequence;
}

Score RemiTokenizer::decode(const Sequence& sequence, double qpm) const {
  check_tokens(name(), sequence, vocabulary_size());
  Score score = empty_score(kRemiTicksPerQuarter, qpm);
  std::vector<Note> pitched;
  std::vector<Note> drums;
  const std::vector<std::int32_t>& tokens = sequence.tokens;
  std::size_t metre = kCommonTime;
  std::int64_t bar_start = 0;
  std::int64_t now = 0;
  bool in_bar = false;
  for (std::size_t i = 0; i < tokens.size() && tokens[i] != V::kEos; ++i) {
    const std::int32_t id = tokens[i];
    if (id == V::kBar) {
      if (in_bar) bar_start += units_per_bar(metre) * ticks_per_unit(metre);
      in_bar = true;
      now = bar_start;
    } else if (vocabulary_.is_metre(id)) {
      // Only right after its bar: a change in the middle would move what has been placed.
      if (i == 0 || tokens[i - 1] != V::kBar) continue;
      metre = static_cast<std::size_t>(id - vocabulary_.metre());
      const auto [numerator, denominator] = kRemiMetres[metre];
      score.time_signatures.push_back({bar_start, numerator, denominator});
    } else if (vocabulary_.is_position(id)) {
      now = bar_start + (id - V::kPosition) * ticks_per_unit(metre);
    } else if ((vocabulary_.is_pitch(id) || vocabulary_.is_drum(id)) && i + 2 < tokens.size() &&
               vocabulary_.is_velocity(tokens[i + 1]) && vocabulary_.is_duration(tokens[i + 2])) {
      const bool drum = vocabulary_.is_drum(id);
      const int pitch =
          drum ? id - vocabulary_.drum() + V::kLowestDrum : id - V::kPitch + V::kLowestPitch;
      const std::int64_t length = V::duration_units(tokens[i + 2]) * ticks_per_unit(metre);
      (drum ? drums : pitched)
          .push_back({now, now + length, static_cast<std::uint8_t>(pitch),
                      remi_velocity(tokens[i + 1] - V::kVelocity)});
      i += 2;
    }
  }
  drop_repeated_metres(score.time_signatures);
  cut_overlaps(pitched);
  cut_overlaps(drums);
  score.tracks.push_back({"remi", 0, 0, std::move(pitched), {}});
  if (!drums.empty()) score.tracks.push_back({"drums", kDrumChannel, 0, std::move(drums), {}});
  return score;
}

}  // namespace

std::unique_ptr<Tokenizer> make_remi_tokenizer(std::string_view settings) {
  const TokenizerSettings parsed("remi", settings, {"metres"});
  return std::make_unique<RemiTokenizer>(parsed.integer("metres", 0, 0, 1) == 1);
}

}  // namespace cadenza
