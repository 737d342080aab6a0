// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>

#include "cadenza/error.h"
#include "cadenza/grid_piece.h"
#include "cadenza/infiller.h"
#include "tools/common/progress.h"
#include "tools/generate/infill.h"

namespace cadenza::tools {
namespace {

/// The voices that `letters` name, a flag for each voice of the grid.
std::vector<bool> named_voices(const std::string& letters, const TokenGrid& grid,
                               std::string_view option) {
  std::vector<bool> named(grid.voices.size());
  for (const char letter : letters) {
    const std::size_t voice = grid.voices.find(letter);
    check(voice != std::string::npos, option, ": there is no voice '", std::string(1, letter),
          "', the model has ", grid.voices);
    named[voice] = true;
  }
  return named;
}

std::vector<bool> open_voices(const InfillOptions& options, const TokenGrid& grid) {
  if (!options.voices.empty()) return named_voices(options.voices, grid, "--voices");
  std::vector<bool> open = named_voices(options.keep, grid, "--keep");
  open.flip();
  return open;
}

/// A lone melody is the one voice that is kept: it gets the name of that voice, and the others
/// empty tracks of theirs.
Score as_kept_voice(const Score& subject, const std::vector<bool>& open,
                    const Tokenizer& tokenizer) {
  if (std::count(open.begin(), open.end(), false) != 1) return subject;
  std::size_t melody = subject.tracks.size();
  for (std::size_t t = 0; t < subject.tracks.size(); ++t) {
    const Track& track = subject.tracks[t];
    if (track.is_drum() || track.notes.empty()) continue;
    if (melody != subject.tracks.size()) return subject;
    melody = t;
    for (std::size_t n = 1; n < track.notes.size(); ++n) {
      if (track.notes[n].start < track.notes[n - 1].end) return subject;
    }
  }
  if (melody == subject.tracks.size()) return subject;
  Score named = subject;
  const Sequence step = {std::vector<std::int32_t>(open.size(), tokenizer.grid()->hold), {}};
  const Score voices = tokenizer.decode(step);
  for (std::size_t voice = 0; voice < open.size(); ++voice) {
    if (!open[voice]) {
      named.tracks[melody].name = voices.tracks[voice].name;
    } else {
      Track empty = voices.tracks[voice];
      empty.notes.clear();
      named.tracks.push_back(std::move(empty));
    }
  }
  return named;
}

GridBlank open_bars(const GridPiece& piece, const Tokenizer& tokenizer, const InfillInput& input,
                    std::vector<bool> voices) {
  const GridRegion region = {piece.step_at(input.begin), piece.step_at(input.end),
                             std::move(voices)};
  return open_region(tokenizer, piece.sequence(), region);
}

/// A piece of nothing but open places.
GridBlank empty_piece(const InfillOptions& options, const TokenGrid& grid) {
  const auto places = static_cast<std::size_t>(options.length) * 4 *
                      static_cast<std::size_t>(grid.steps_per_quarter) * grid.voices.size();
  return {.sequence = {std::vector<std::int32_t>(places, grid.hold), {}},
          .open = std::vector<bool>(places, true),
          .no_hold = std::vector<bool>(places, false),
          .hold = grid.hold};
}

std::vector<Sequence> fill(Infiller& model, const GridBlank& blank, const InfillOptions& options) {
  InfillRequest request = options.grid;
  request.sampling = options.sampling;
  request.seed = options.seed;
  request.first_sequence = options.first_sequence;
  if (options.batch_size > 0) request.batch_size = options.batch_size;
  const std::vector<GridBlank> blanks(static_cast<std::size_t>(options.num_outputs), blank);
  Progress progress("filling in");
  return infill(model, blanks, request, [&](std::int64_t done, std::int64_t total) {
    progress.update(static_cast<double>(done) / static_cast<double>(total),
                    message(done, " of ", total, " sweeps"));
  });
}

}  // namespace

void infill_grid(const Arguments& parser, const InfillOptions& options) {
  parser.refuse(
      {"--candidates", "--horizon", "--label", "--key-condition", "--density", "--tokenizer"},
      "does not apply to an infiller");
  const std::unique_ptr<Backend> backend = open_backend(options.compute);
  const LoadedInfiller loaded = load_infiller(options.model.file, *backend);
  const Tokenizer& tokenizer = *loaded.tokenizer;
  const TokenGrid grid = *tokenizer.grid();
  const auto start = std::chrono::steady_clock::now();
  std::vector<Score> scores;
  GridBlank blank;
  if (options.input.empty()) {
    blank = empty_piece(options, grid);
    for (const Sequence& filled : fill(*loaded.model, blank, options)) {
      scores.push_back(tokenizer.decode(filled, options.qpm));
    }
  } else {
    const std::vector<bool> voices = open_voices(options, grid);
    const InfillInput input = read_infill_input(options);
    std::optional<GridPiece> piece;
    try {
      piece.emplace(tokenizer, as_kept_voice(input.subject, voices, tokenizer));
      blank = open_bars(*piece, tokenizer, input, voices);
    } catch (const ArgumentError& error) {
      throw ArgumentError(message(options.input, ": ", error.what()));
    }
    for (const Sequence& filled : fill(*loaded.model, blank, options)) {
      scores.push_back(input.joined(piece->with(filled)));
    }
  }
  InfillWork work = {.method = "pseudo-Gibbs sampling"};
  work.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  work.places = std::count(blank.open.begin(), blank.open.end(), true);
  explain_decisions(options.compute, *backend);
  finish_infill(scores, work, options, backend->name());
}

}  // namespace cadenza::tools
