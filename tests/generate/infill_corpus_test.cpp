// SPDX-License-Identifier: Apache-2.0
// Infilling over real chorales: what is not to change does not, token by token and note by note.
#include <gtest/gtest.h>

#include <algorithm>

#include "cadenza/grid_piece.h"
#include "cadenza/infill.h"
#include "cadenza/midi.h"
#include "support/shared_data.h"

namespace cadenza {
namespace {

constexpr std::int64_t kChoraleBar = 4 * 480;

struct Part {
  const char* what;
  std::int64_t begin;
  std::int64_t end;  ///< ticks; 0: the whole piece
  std::vector<bool> voices;
};

bool stays(const Note& note, const Part& part, bool open) {
  if (!open) return true;
  return part.end > 0 && (note.start < part.begin || note.end > part.end);
}

TEST(InfillCorpus, LeavesEverythingOutside) {
  const auto folder = test::shared_data();
  if (folder.empty()) GTEST_SKIP() << "no folder of real music";
  const auto tokenizer = make_tokenizer("chorale");
  const Dataset data = load_chorale_json(folder / "chorales/jsb16-separated.json", *tokenizer);
  const auto backend = make_backend("cpu", {.threads = 1});
  Infiller model(*backend, {.width = data.vocabulary, .voices = 4, .embedding = 4, .hidden = 8});
  model.initialize(1);
  const Part parts[] = {
      {"bars_3_4", 2 * kChoraleBar, 4 * kChoraleBar, {true, true, true, true}},
      {"AB_of_bar_5", 4 * kChoraleBar, 5 * kChoraleBar, {false, true, false, true}},
      {"ATB", 0, 0, {false, true, true, true}}};
  for (const Part& part : parts) {
    std::vector<GridPiece> pieces;
    std::vector<GridBlank> blanks;
    for (const Piece& piece : data[Split::test]) {
      // From a file, as a user has it.
      const Score score = read_midi(write_midi(tokenizer->decode(piece.sequence))).score;
      const GridPiece grid(*tokenizer, score);
      ASSERT_EQ(grid.sequence(), piece.sequence);
      const std::int64_t end = part.end > 0 ? grid.step_at(part.end) : grid.steps();
      const GridRegion region = {grid.step_at(part.begin), end, part.voices};
      blanks.push_back(open_region(*tokenizer, grid.sequence(), region));
      pieces.push_back(grid);
    }
    ASSERT_EQ(pieces.size(), 77U);
    const auto filled = infill(model, blanks, {.sweeps = 1, .spacing = 8, .batch_size = 77});
    std::size_t tokens = 0;
    std::size_t changed_tokens = 0;
    std::size_t notes = 0;
    std::size_t lost_notes = 0;
    std::size_t new_outside = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const auto& before = blanks[i].sequence.tokens;
      for (std::size_t p = 0; p < before.size(); ++p) {
        if (blanks[i].open[p]) continue;
        ++tokens;
        changed_tokens += before[p] != filled[i].tokens[p] ? 1 : 0;
      }
      const Score old_score = pieces[i].with(pieces[i].sequence());
      const Score new_score = read_midi(write_midi(pieces[i].with(filled[i]))).score;
      for (std::size_t voice = 0; voice < 4; ++voice) {
        const std::string& name = old_score.tracks[voice].name;
        const auto track = std::find_if(new_score.tracks.begin(), new_score.tracks.end(),
                                        [&](const Track& t) { return t.name == name; });
        const std::vector<Note> found =
            track == new_score.tracks.end() ? std::vector<Note>() : track->notes;
        const bool open = part.voices[voice];
        for (const Note& note : old_score.tracks[voice].notes) {
          if (!stays(note, part, open)) continue;
          ++notes;
          if (std::find(found.begin(), found.end(), note) == found.end()) ++lost_notes;
        }
        for (const Note& note : found) {
          const auto& old_notes = old_score.tracks[voice].notes;
          const bool old = std::find(old_notes.begin(), old_notes.end(), note) != old_notes.end();
          if (!old && stays(note, part, open)) ++new_outside;
        }
      }
    }
    EXPECT_EQ(changed_tokens, 0U) << part.what << ": of " << tokens;
    EXPECT_EQ(lost_notes, 0U) << part.what << ": of " << notes;
    EXPECT_EQ(new_outside, 0U) << part.what;
    EXPECT_GT(notes, 3000U) << part.what;
    RecordProperty(std::string("notes_beside_") + part.what, static_cast<int>(notes));
    RecordProperty(std::string("tokens_beside_") + part.what, static_cast<int>(tokens));
  }
}

}  // namespace
}  // namespace cadenza
