// SPDX-License-Identifier: Apache-2.0
// Properties every tokenizer has, over random sequences and over real music.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cadenza/midi.h"
#include "cadenza/tokenizer.h"
#include "support/shared_data.h"

namespace cadenza {
namespace {

struct Case {
  const char* name;
  const char* settings;
};

class EveryTokenizer : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Tokenizer> tokenizer_ = make_tokenizer(GetParam().name, GetParam().settings);

  Sequence random_sequence(std::mt19937& random) const {
    Sequence sequence;
    const std::size_t length = random() % 300;
    const auto vocabulary = static_cast<std::uint32_t>(tokenizer_->vocabulary_size());
    for (std::size_t i = 0; i < length; ++i) {
      if (tokenizer_->step_kind() == StepKind::frame) {
        // Few keys change from frame to frame, so that some are held.
        Frame frame = sequence.frames.empty() ? Frame() : sequence.frames.back();
        for (std::uint32_t flips = random() % 4; flips > 0; --flips) frame.flip(random() % 88);
        sequence.frames.push_back(frame);
      } else {
        const auto id = static_cast<std::int32_t>(random() % vocabulary);
        // Mostly go on from the id before, which gives runs of related tokens.
        const bool near = !sequence.tokens.empty() && random() % 2 == 0;
        const auto next = near ? sequence.tokens.back() + 1 : id;
        sequence.tokens.push_back(next < tokenizer_->vocabulary_size() ? next : id);
      }
    }
    return sequence;
  }
};

// Sorted notes of a positive length that follow each other on their key.
void expect_playable(const Score& score) {
  ASSERT_GT(score.ticks_per_quarter, 0);
  ASSERT_LE(score.ticks_per_quarter, 32767);
  for (const Track& track : score.tracks) {
    std::vector<std::int64_t> free(128, 0);
    ASSERT_TRUE(std::is_sorted(track.notes.begin(), track.notes.end()));
    for (const Note& note : track.notes) {
      ASSERT_LT(note.pitch, 128);
      ASSERT_TRUE(note.velocity >= 1 && note.velocity <= 127);
      ASSERT_LT(note.start, note.end);
      ASSERT_GE(note.start, free[note.pitch]);
      free[note.pitch] = note.end;
    }
  }
  for (std::size_t i = 1; i < score.time_signatures.size(); ++i) {
    ASSERT_LT(score.time_signatures[i - 1].tick, score.time_signatures[i].tick);
  }
}

TEST_P(EveryTokenizer, DecodesAnySequenceToPlayableMusic) {
  std::mt19937 random(20260101);
  std::size_t notes = 0;
  for (int i = 0; i < 2000; ++i) {
    SCOPED_TRACE(i);
    const Score score = tokenizer_->decode(random_sequence(random), 90.0);
    expect_playable(score);
    if (HasFatalFailure()) return;
    notes += score.note_count();
  }
  EXPECT_GT(notes, 400u);
}

TEST_P(EveryTokenizer, ReachesAFixedPointFromAnySequence) {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const Score score = tokenizer_->decode(random_sequence(random));
    for (const Sequence& once : tokenizer_->encode(score)) {
      const std::vector<Sequence> again = tokenizer_->encode(tokenizer_->decode(once));
      ASSERT_EQ(again.size(), 1u) << i;
      ASSERT_EQ(again[0], once) << i;
    }
  }
}

std::vector<std::filesystem::path> midi_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".mid") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Encodes, decodes and encodes again, also by way of a MIDI file; returns the number of sequences.
std::size_t expect_round_trips(const Tokenizer& tokenizer, const std::filesystem::path& folder) {
  std::size_t sequences = 0;
  for (const auto& path : midi_files(folder)) {
    std::string reason;
    const std::vector<Sequence> encoded = tokenizer.encode(read_midi_file(path).score, &reason);
    EXPECT_EQ(encoded.empty(), !reason.empty()) << path;
    for (const Sequence& sequence : encoded) {
      const Score decoded = tokenizer.decode(sequence);
      const std::vector<Sequence> again = tokenizer.encode(decoded);
      const std::vector<Sequence> from_file =
          tokenizer.encode(read_midi(write_midi(decoded)).score);
      if (again.size() != 1 || again[0] != sequence || from_file != again) {
        ADD_FAILURE() << path << ": sequence " << sequences << " changes";
        return sequences;
      }
      ++sequences;
    }
  }
  return sequences;
}

TEST_P(EveryTokenizer, RoundTripsPop909) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  const std::size_t sequences = expect_round_trips(*tokenizer_, test::shared_data() / "pop909");
  // Up to nine notes at once: none of it is a chorale.
  EXPECT_GE(sequences, tokenizer_->name() == "chorale" ? 0u : 808u);
}

TEST_P(EveryTokenizer, RoundTripsNottingham) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data";
  const std::size_t sequences =
      expect_round_trips(*tokenizer_, test::shared_data() / "nottingham" / "full");
  EXPECT_GE(sequences, tokenizer_->name() == "chorale" ? 50u : 1000u);
}

INSTANTIATE_TEST_SUITE_P(
    Tokenizers, EveryTokenizer,
    testing::Values(Case{"melody", ""}, Case{"melody", "min_bars=0;min_unique_pitches=1"},
                    Case{"performance", ""}, Case{"remi", ""}, Case{"remi", "metres=1"},
                    Case{"chorale", ""}, Case{"pianoroll", ""},
                    Case{"pianoroll", "steps_per_quarter=3"}, Case{"ids", "vocabulary=140"}),
    [](const auto& row) { return row.param.name + std::to_string(row.index); });

}  // namespace
}  // namespace cadenza
