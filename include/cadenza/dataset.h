// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/condition_value.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

enum class Split { train, valid, test };
inline constexpr std::array<std::string_view, 3> kSplitNames = {"train", "valid", "test"};

/// A sequence with the file (and the augmentation, if any) it came from.
struct Piece {
  std::string name;
  Sequence sequence;
  Sequence source = {};     ///< what it is transformed from; only in data of pairs
  std::int32_t label = -1;  ///< its style, of Dataset::labels; only in data with labels
  /// What tell_conditions() found for a model that is told it; not in files.
  std::vector<ConditionValue> conditions = {};
};

/// Where the sources and targets of pairs come from: how `cadenza prepare` found them, and how a
/// model finds the source in the music it is to transform.
struct PairInfo {
  std::string tokenizer_name;      ///< of the sources
  std::string tokenizer_settings;  ///< of the same
  int vocabulary = 0;              ///< of the same
  std::string track;               ///< name of the source's track; "": the whole score
  int bars = 0;                    ///< music is cut into pairs of so many bars; 0: not cut

  friend bool operator==(const PairInfo&, const PairInfo&) = default;
};

/// How music became pieces, for models of such pieces that make music of them again.
struct MusicInfo {
  int bars = 0;  ///< it was cut into pieces of so many bars; 0: not cut
  /// Of each label, that of most of its files. None without labels, or if the data were no scores.
  std::vector<TimeSignature> metres = {};

  friend bool operator==(const MusicInfo&, const MusicInfo&) = default;
};

/// Pieces of one kind over one vocabulary, split by piece; the product of `cadenza prepare`.
struct Dataset {
  std::string tokenizer_name;
  std::string tokenizer_settings;
  StepKind step_kind = StepKind::token;
  int vocabulary = 0;
  std::optional<PairInfo> pairs = {};  ///< present: every piece has a source
  /// Names of styles, two or more: every piece has one of them. Empty: no labels.
  std::vector<std::string> labels = {};
  MusicInfo music = {};
  std::array<std::vector<Piece>, 3> splits = {};

  const std::vector<Piece>& operator[](Split split) const {
    return splits[static_cast<std::size_t>(split)];
  }
  std::vector<Piece>& operator[](Split split) { return splits[static_cast<std::size_t>(split)]; }
};

/// How many pieces of a split have each label.
std::vector<std::size_t> label_counts(const Dataset& dataset, Split split);
/// Steps (tokens or frames) over all pieces.
std::size_t step_count(const std::vector<Piece>& pieces);

/// Data files are safetensors: `<split>.steps` (i32 [N] tokens or u8 [N, 11] key bits, bit 0 of
/// byte 0 = A0), `<split>.offsets` (i64 [pieces + 1]), for pairs also `<split>.source_steps` and
/// `<split>.source_offsets`, with labels `<split>.labels` (i32 [pieces]); names, tokenizers,
/// what is known of the music and format version in the metadata. Written atomically.
void save_dataset(const Dataset& dataset, const std::filesystem::path& path);
/// FormatError for anything inconsistent: offsets that do not ascend, ids outside the vocabulary.
Dataset load_dataset(const std::filesystem::path& path);

/// `{"train": [piece, ...], "valid": ..., "test": ...}`, a piece is a list of frames, a frame a
/// list of MIDI pitches 21..108. Any of the three keys may be absent.
/// FormatError says which piece and frame is wrong.
Dataset load_frames_json(const std::filesystem::path& path);
/// The same shape of file with four voices on a grid of sixteenths: a frame is [soprano, alto,
/// tenor, bass], -1 is silence, equal neighbours are one held note. Each piece becomes a score of
/// four tracks and goes through `tokenizer` ("chorale", or any other). Pieces it cannot take are
/// left out and listed in `*rejected` (if not null) with the reason.
Dataset load_chorale_json(const std::filesystem::path& path, const Tokenizer& tokenizer,
                          std::vector<std::string>* rejected = nullptr);
/// Token ids from a .npy file of integers (or floats holding integers): 1-D = one piece, 2-D = a
/// piece per row. All in `train`; the caller splits. Vocabulary = largest id + 1, or 128 if every
/// id is below 128 (MIDI pitches).
Dataset load_npy_tokens(const std::filesystem::path& path);

}  // namespace cadenza
