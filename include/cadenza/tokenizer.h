// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// The 88 keys of a piano sounding in one time step; bit 0 is MIDI pitch 21 (A0).
using Frame = std::bitset<88>;
inline constexpr int kLowestKey = 21;

/// What one time step of a sequence is.
enum class StepKind { token, frame };

/// One training or generated piece: token ids or frames, never both.
struct Sequence {
  std::vector<std::int32_t> tokens;
  std::vector<Frame> frames;

  std::size_t size() const { return tokens.empty() ? frames.size() : tokens.size(); }
  friend bool operator==(const Sequence&, const Sequence&) = default;
};

/// Of a vocabulary for a regular grid: every step has one token a voice, side by side.
struct TokenGrid {
  std::string voices;  ///< a letter for each
  int steps_per_quarter = 4;
  std::int32_t hold = 0;  ///< goes on with the note, or the silence, before it in its voice
};

/// Turns scores into sequences over a fixed vocabulary and back. Pure: no device, no state.
/// Ids are frozen; a model file carries name and settings, which rebuild the same tokenizer.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual std::string_view name() const = 0;
  /// The settings as flat "key=value" pairs joined by ';', accepted by make_tokenizer.
  virtual std::string settings() const = 0;
  virtual StepKind step_kind() const = 0;
  /// Number of token ids; for frames the number of keys (88).
  virtual int vocabulary_size() const = 0;
  /// A readable name of a token, for example "NOTE_ON 60"; 0 <= id < vocabulary_size().
  virtual std::string token_name(std::int32_t id) const = 0;
  /// The MIDI pitch of the note that a token starts, if it starts one (drums have none).
  virtual std::optional<int> started_pitch(std::int32_t) const { return std::nullopt; }
  /// A token after which nothing follows, if the vocabulary has one.
  virtual std::optional<std::int32_t> end_token() const { return std::nullopt; }

  /// Whether steps take their time in seconds, so that music played faster has other tokens.
  virtual bool keeps_time() const { return false; }
  /// The grid that sequences stand on, if they do.
  virtual std::optional<TokenGrid> grid() const { return std::nullopt; }

  /// Every usable sequence in `score`, in order of appearance; empty if there is none, with the
  /// reason in one sentence in `*reason` (if not null).
  virtual std::vector<Sequence> encode(const Score& score, std::string* reason = nullptr) const = 0;
  /// The opening to continue from when `score` primes generation: one sequence without an end
  /// token, taken from music of any length and variety. Empty, with the reason, if there is none.
  virtual Sequence encode_primer(const Score& score, std::string* reason = nullptr) const;
  /// The music of a sequence. Total: any sequence over the vocabulary decodes, hung notes are
  /// closed, ungrammatical tokens are skipped. Tempo is `qpm` where the sequence does not say.
  /// ArgumentError for an id outside the vocabulary or a tempo outside 4..10000.
  virtual Score decode(const Sequence& sequence, double qpm = 120.0) const = 0;
};

/// One row of the table of tokenizers.
struct TokenizerInfo {
  std::string_view name;
  std::string_view summary;
};
std::span<const TokenizerInfo> tokenizers();

/// "melody", "performance", "remi", "chorale", "pianoroll" or "ids" (bare token numbers without
/// musical meaning beyond pitch = id, for .npy input; settings "vocabulary=N").
/// ArgumentError names the known ones and the faulty setting.
std::unique_ptr<Tokenizer> make_tokenizer(std::string_view name, std::string_view settings = "");

/// A primer typed as comma-separated numbers: a MIDI pitch starts a note of one sixteenth, -2
/// prolongs the sounding note or rest by a sixteenth, -1 is a rest of one; Magenta's surrounding
/// brackets are allowed. ArgumentError names the faulty item.
Score parse_primer(std::string_view text);

}  // namespace cadenza
