// SPDX-License-Identifier: Apache-2.0
#include "tools/prepare/corpus.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "tools/common/data_file.h"
#include "tools/common/progress.h"
#include "tools/prepare/bars.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 5> kSuffixes = {".mid", ".midi", ".kar", ".json", ".npy"};

bool same_letters(const std::string& a, const std::string& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool has_known_suffix(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kSuffixes.begin(), kSuffixes.end(), suffix) != kSuffixes.end();
}

std::vector<SourcePiece> from_dataset(Dataset data) {
  const bool own_splits = !data[Split::valid].empty() || !data[Split::test].empty();
  std::vector<SourcePiece> pieces;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    for (Piece& piece : data[split]) {
      SourcePiece source{std::move(piece.name), {}, {std::move(piece.sequence)}, {}};
      if (own_splits) source.split = split;
      pieces.push_back(std::move(source));
    }
  }
  return pieces;
}

std::vector<SourcePiece> read_tokens(const fs::path& path, const Tokenizer& tokenizer) {
  if (tokenizer.step_kind() != StepKind::token) {
    throw ArgumentError(message("holds token numbers, but ", tokenizer.name(), " makes frames"));
  }
  Dataset data = load_npy_tokens(path);
  for (const Piece& piece : data[Split::train]) {
    for (const std::int32_t token : piece.sequence.tokens) {
      check(token < tokenizer.vocabulary_size(), "holds the number ", token,
            ", but the vocabulary of ", tokenizer.name(), " has ", tokenizer.vocabulary_size());
    }
  }
  return from_dataset(std::move(data));
}

std::vector<SourcePiece> read_score(const fs::path& path, const Encoding& encoding,
                                    Corpus& corpus) {
  MidiFile file = read_midi_file(path);
  file.score = only_track(file.score, encoding.track);
  std::vector<Sequence> sequences = encoding.encode(file.score);
  for (const std::string& warning : file.warnings) {
    corpus.mended.push_back({path.string(), warning});
  }
  std::vector<SourcePiece> pieces;
  pieces.push_back({path.filename().string(), std::move(file.score), std::move(sequences), {}});
  return pieces;
}

std::vector<SourcePiece> read_pieces(const fs::path& path, const Encoding& encoding,
                                     Corpus& corpus) {
  const Tokenizer& tokenizer = encoding.tokenizer;
  const FileKind kind = file_kind(path);
  check((kind != FileKind::npy && kind != FileKind::json) ||
            (encoding.bars == 0 && encoding.track.empty()),
        "is no MIDI file, in which --bars and --track could find bars and tracks");
  switch (kind) {
    case FileKind::npy:
      return read_tokens(path, tokenizer);
    case FileKind::json:
      return from_dataset(tokenizer.step_kind() == StepKind::frame
                              ? load_frames_json(path)
                              : load_chorale_json(path, tokenizer));
    case FileKind::safetensors:
      throw ArgumentError("is a model or data file already");
    default:
      return read_score(path, encoding, corpus);
  }
}

/// `sequence` moved by `semitones`; keys that leave the piano are dropped, as with scores.
Sequence transpose_steps(const Sequence& sequence, const Tokenizer& tokenizer, int semitones) {
  if (sequence.frames.empty()) {
    const std::vector<Sequence> moved =
        tokenizer.encode(transpose(tokenizer.decode(sequence), semitones));
    return moved.size() == 1 ? moved.front() : Sequence();
  }
  Sequence moved = sequence;
  for (Frame& frame : moved.frames) {
    if (semitones >= 0) {
      frame <<= static_cast<std::size_t>(semitones);
    } else {
      frame >>= static_cast<std::size_t>(-semitones);
    }
  }
  return moved;
}

std::vector<Sequence> variant(const SourcePiece& piece, const Encoding& encoding, int semitones,
                              double factor) {
  const Tokenizer& tokenizer = encoding.tokenizer;
  if (piece.score) {
    const Score moved = stretch(transpose(*piece.score, semitones), factor);
    try {
      return encoding.encode(moved);
    } catch (const ArgumentError&) {
      return {};  // it leaves the range of the tokenizer
    }
  }
  check(factor == 1.0, piece.name, ": --stretch needs MIDI files");
  check(tokenizer.name() != "ids", piece.name, ": --transpose cannot move bare token numbers");
  std::vector<Sequence> moved;
  for (const Sequence& sequence : piece.sequences) {
    moved.push_back(transpose_steps(sequence, tokenizer, semitones));
  }
  return moved;
}

/// Finds pieces that were there already.
class Known {
 public:
  /// The name of an equal piece seen before, or nothing; remembers `piece` in that case.
  std::optional<std::string> find_or_add(const std::vector<SourcePiece>& pieces,
                                         const SourcePiece& piece, std::size_t index) {
    std::uint64_t hash = 0;
    for (const Sequence& sequence : piece.sequences) hash = content_hash(sequence, hash);
    std::vector<std::size_t>& same = by_hash_[hash];
    for (const std::size_t other : same) {
      if (pieces[other].sequences == piece.sequences) return pieces[other].name;
    }
    same.push_back(index);
    return std::nullopt;
  }

 private:
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_hash_;
};

}  // namespace

std::vector<fs::path> collect_files(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const std::string& input : inputs) {
    if (!fs::exists(input)) throw FileError(message(input, ": there is no such file or folder"));
    if (!fs::is_directory(input)) {
      files.emplace_back(input);
      continue;
    }
    std::vector<fs::path> found;
    const auto options = fs::directory_options::follow_directory_symlink |
                         fs::directory_options::skip_permission_denied;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(input, options)) {
      if (entry.is_regular_file() && has_known_suffix(entry.path())) found.push_back(entry.path());
    }
    if (found.empty()) {
      throw FileError(
          message(input, ": the folder holds no .mid, .midi, .kar, .json or .npy file"));
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

Score only_track(const Score& score, const std::string& name) {
  if (name.empty()) return score;
  Score result = score;
  std::string names;
  for (const Track& track : score.tracks) {
    names += (names.empty() ? "'" : ", '") + track.name + "'";
  }
  std::erase_if(result.tracks, [&](const Track& track) { return !same_letters(track.name, name); });
  check(!result.tracks.empty(), "has no track '", name, "', its tracks are ", names);
  return result;
}

std::vector<Sequence> Encoding::encode(const Score& score) const {
  std::string reason = "holds nothing that this tokenizer can use";
  std::vector<Sequence> sequences;
  if (bars == 0) {
    sequences = tokenizer.encode(score, &reason);
  } else {
    const std::vector<std::int64_t> lines = bar_lines(score, 1);
    for (const BarSpan& span : bar_spans(sounding_bars(score, lines), bars)) {
      Sequence part =
          tokenizer.encode_primer(cut(score, lines[span.begin], lines[span.end]), &reason);
      if (part.size() == 0) continue;
      if (part_steps > 0 && part.size() != static_cast<std::size_t>(part_steps)) {
        reason = message("has no part of ", part_steps, " steps, the last one had ", part.size());
        continue;
      }
      sequences.push_back(std::move(part));
    }
  }
  if (sequences.empty()) throw ArgumentError(reason);
  return sequences;
}

Corpus read_corpus(const std::vector<fs::path>& files, const Encoding& encoding) {
  Corpus corpus;
  Known known;
  Progress progress("reading");
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string file = files[i].string();
    try {
      std::vector<SourcePiece> pieces = read_pieces(files[i], encoding, corpus);
      if (pieces.empty()) throw ArgumentError("holds no piece");
      std::optional<std::string> twin;
      std::size_t added = 0;
      for (SourcePiece& piece : pieces) {
        if (!piece.split) {
          twin = known.find_or_add(corpus.pieces, piece, corpus.pieces.size());
          if (twin) continue;
        }
        piece.file = file;
        corpus.pieces.push_back(std::move(piece));
        ++added;
      }
      if (added == 0) throw ArgumentError(message("the same music as ", *twin));
      corpus.accepted.push_back(file);
    } catch (const Error& error) {
      std::string reason = error.what();
      if (reason.starts_with(file + ": ")) reason.erase(0, file.size() + 2);
      corpus.rejected.push_back({file, reason});
    }
    progress.update(static_cast<double>(i + 1) / static_cast<double>(files.size()), file);
  }
  return corpus;
}

std::vector<Piece> augment(const SourcePiece& piece, const Encoding& encoding,
                           const std::vector<int>& semitones, const std::vector<double>& factors) {
  std::vector<std::vector<Sequence>> seen = {piece.sequences};
  std::vector<Piece> out;
  for (const double factor : factors) {
    for (const int shift : semitones) {
      if (shift == 0 && factor == 1.0) continue;
      std::vector<Sequence> sequences = variant(piece, encoding, shift, factor);
      if (std::find(seen.begin(), seen.end(), sequences) != seen.end()) continue;
      const std::string name = message(piece.name, " ", shift < 0 ? "" : "+", shift, " x", factor);
      for (const Sequence& sequence : sequences) {
        if (sequence.size() > 0) out.push_back({name, sequence});
      }
      seen.push_back(std::move(sequences));
    }
  }
  return out;
}

}  // namespace cadenza::tools
