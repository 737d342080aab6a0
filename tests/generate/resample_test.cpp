// SPDX-License-Identifier: Apache-2.0
#include "cadenza/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cadenza/error.h"
#include "generate/instrument.h"
#include "generate/region_notes.h"
#include "generate/tail_likelihood.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

using test::Instrument;

constexpr std::int64_t kSixteenth = 120;
constexpr std::int64_t kBar = 16 * kSixteenth;

/// A line of sixteenths, or of longer notes of so many.
Track line(const std::string& name, std::uint8_t channel, int bars, int sixteenths, int lowest) {
  Track track = {.name = name, .channel = channel, .program = 0, .notes = {}, .pedal = {}};
  const std::int64_t length = sixteenths * kSixteenth;
  for (std::int64_t start = 0; start < bars * kBar; start += length) {
    const auto pitch = static_cast<std::uint8_t>(lowest + start / kSixteenth * 5 % 12);
    track.notes.push_back({start, start + length, pitch, 80});
  }
  return track;
}

Score melody(int bars = 4) {
  Score score;
  score.tracks = {line("melody", 0, bars, 1, 60)};
  return score;
}

/// A melody, notes over every bar line, and drums.
Score band() {
  Score score = melody(6);
  Track bass = line("bass", 1, 6, 8, 36);
  for (Note& note : bass.notes) note.start += note.start > 0 ? 4 * kSixteenth : 0;
  for (Note& note : bass.notes) note.end += 4 * kSixteenth;
  score.tracks.push_back(bass);
  score.tracks.push_back(line("drums", 9, 6, 4, 35));
  return score;
}

/// Likely to start notes: `gain` times a fresh model.
Instrument make(const char* tokenizer, double gain = 1.0, int threads = 1) {
  Instrument made = {.backend = make_backend("cpu", {.threads = threads}),
                     .model = nullptr,
                     .tokenizer = make_tokenizer(tokenizer)};
  made.model = std::make_unique<LanguageModel>(
      *made.backend, LanguageModelConfig{.width = made.tokenizer->vocabulary_size(),
                                         .embedding = 8,
                                         .cell = CellKind::gru,
                                         .hidden = 12});
  made.model->initialize(5);
  auto weights = made.model->parameters().download("output.weight");
  for (double& weight : weights) weight *= gain;
  made.model->parameters().upload("output.weight", weights);
  return made;
}

std::vector<Resampled> run(const Instrument& with, const Score& score,
                           const ResampleRequest& request) {
  return resample(*with.model, *with.tokenizer, score, request);
}

bool inside(const Note& note, const ResampleRequest& request) {
  return note.start >= request.begin && note.end <= request.end;
}

TEST(Resample, LeavesWhatSoundsOutside) {
  const Score before = band();
  const ResampleRequest request = {
      .begin = 2 * kBar, .end = 4 * kBar, .num_outputs = 3, .candidates = 8, .seed = 2};
  for (const char* name : {"performance", "remi"}) {
    std::size_t added = 0;
    for (const Resampled& result : run(make(name), before, request)) {
      ASSERT_EQ(result.score.tracks.size(), before.tracks.size());
      for (std::size_t t = 0; t < before.tracks.size(); ++t) {
        Track kept = before.tracks[t];
        Track got = result.score.tracks[t];
        if (std::string(name) == "performance" && kept.is_drum()) {
          EXPECT_EQ(got, kept) << "it has no tokens for drums";
          continue;
        }
        std::erase_if(kept.notes, [&](const Note& note) { return inside(note, request); });
        added += static_cast<std::size_t>(
            std::erase_if(got.notes, [&](const Note& note) { return inside(note, request); }));
        EXPECT_EQ(got, kept) << name << " " << kept.name;
      }
      Score rest = result.score;
      rest.tracks = before.tracks;
      EXPECT_EQ(rest, before);
    }
    // A model that has learned nothing hardly ever says the three words of a note in REMI.
    const std::size_t least = std::string(name) == "performance" ? 10 : 0;
    EXPECT_GE(added, least) << name;
  }
}

TEST(Resample, ResultDoesNotDependOnBatchThreadsOrNumber) {
  const Score score = melody();
  ResampleRequest request = {
      .begin = kBar, .end = 2 * kBar, .num_outputs = 4, .candidates = 6, .seed = 3};
  const auto together = run(make("melody"), score, request);
  request.batch_size = 5;
  const Instrument two = make("melody", 1.0, 2);
  const auto in_fives = run(two, score, request);
  request.first_sequence = 2;
  request.num_outputs = 1;
  const auto alone = run(two, score, request);
  ASSERT_EQ(together.size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(together[k].score, in_fives[k].score) << k;
  EXPECT_EQ(together[2].score, alone.front().score);
  EXPECT_NE(together[2].score, together[3].score);
  request.seed = 4;
  EXPECT_NE(run(two, score, request).front().score, alone.front().score);
}

// A region of a single step: which note is put there has a distribution that can be written down,
// p(x | before) p(after | before, x), and the more candidates the closer is the choice.
TEST(Resample, DrawsFromTheDistributionGivenBothSides) {
  const Instrument with = make("melody", 12.0);
  const Score score = melody(2);
  const Sequence tokens = with.tokenizer->encode_primer(score);
  constexpr std::size_t kStep = 16;
  constexpr int kOutputs = 1500;
  std::vector<Tail> heads;
  std::vector<Tail> tails;
  for (std::int32_t id = 0; id < with.tokenizer->vocabulary_size(); ++id) {
    Sequence changed = tokens;
    changed.tokens[kStep] = id;
    tails.push_back({changed, kStep + 1});
    changed.tokens.resize(kStep + 1);
    heads.push_back({changed, kStep});
  }
  const auto before = tail_likelihoods(*with.model, heads, {}, 64);
  const auto after = tail_likelihoods(*with.model, tails, {}, 64);
  std::vector<double> shares;
  for (std::size_t id = 0; id < before.size(); ++id) shares.push_back(std::exp(before[id]));
  shares[1] += shares[0];  // a hold there ends with the region's beginning, as a note off
  shares[0] = 0.0;
  double total = 0.0;
  for (std::size_t id = 1; id < shares.size(); ++id) {
    shares[id] *= std::exp(after[id] - after[1]);
    total += shares[id];
  }
  std::vector<double> counts(shares.size(), 0.0);
  const ResampleRequest request = {.begin = kBar,
                                   .end = kBar + kSixteenth,
                                   .num_outputs = kOutputs,
                                   .candidates = 48,
                                   .batch_size = 4096};
  for (const Resampled& result : run(with, score, request)) {
    const auto& found = with.tokenizer->encode_primer(result.score).tokens;
    ASSERT_EQ(found.size(), tokens.tokens.size());
    counts[static_cast<std::size_t>(found[kStep])] += 1.0;
  }
  double distance = 0.0;
  double from_before_alone = 0.0;
  int cells = 0;
  for (std::size_t id = 1; id < shares.size(); ++id) {
    const double expected = kOutputs * shares[id] / total;
    if (expected < 5.0) continue;
    ++cells;
    distance += (counts[id] - expected) * (counts[id] - expected) / expected;
    const double one_sided = kOutputs * std::exp(before[id]);
    from_before_alone += (counts[id] - one_sided) * (counts[id] - one_sided) / one_sided;
  }
  ASSERT_GE(cells, 5);
  // The mean of chi-square is its degrees of freedom, its deviation the root of twice as many.
  EXPECT_LT(distance, cells + 4.0 * std::sqrt(2.0 * cells));
  EXPECT_GT(from_before_alone, 10.0 * cells) << "what follows matters";
}

TEST(Resample, TellsHowManyCandidatesCounted) {
  const Instrument with = make("melody");
  ResampleRequest request = {.begin = kBar, .end = 2 * kBar, .candidates = 7};
  const Resampled followed = run(with, melody(), request).front();
  EXPECT_EQ(followed.usable, 7);
  EXPECT_GE(followed.effective, 1.0);
  EXPECT_LT(followed.effective, 7.0);
  request.begin = 3 * kBar;
  request.end = 4 * kBar;
  EXPECT_EQ(run(with, melody(), request).front().effective, 7.0) << "nothing follows";
}

TEST(Resample, BeginsWithTheRegionIfNothingPrecedes) {
  const Instrument with = make("melody");
  const ResampleRequest request = {.begin = 0, .end = kBar, .candidates = 4};
  const Score before = melody();
  const Score after = run(with, before, request).front().score;
  EXPECT_NE(after, before);
  EXPECT_TRUE(std::equal(before.tracks[0].notes.begin() + 16, before.tracks[0].notes.end(),
                         after.tracks[0].notes.end() - 48));
}

TEST(Resample, RefusesWhatMakesNoSense) {
  const Instrument with = make("melody");
  const auto refuses = [&](const ResampleRequest& request, const char* part) {
    test::expect_error<ArgumentError>([&] { run(with, melody(), request); }, part);
  };
  refuses({.begin = kBar, .end = kBar}, "is empty");
  refuses({.begin = 4 * kBar, .end = 5 * kBar}, "leaves the music, which ends at 7680");
  refuses({.begin = -1, .end = kBar}, "leaves the music");
  refuses({.begin = 0, .end = kBar, .candidates = 0}, "candidates is 0");
  refuses({.begin = 0, .end = kBar, .horizon = 0}, "horizon is 0");
  refuses({.begin = 0, .end = kBar, .conditions = {1}}, "conditions");
  const auto backend = make_backend("cpu", {.threads = 1});
  LanguageModel frames(*backend, {.head = Head::bernoulli, .width = 88});
  test::expect_error<ArgumentError>(
      [&] { resample(frames, *make_tokenizer("pianoroll"), melody(), {.begin = 0, .end = kBar}); },
      "writes frames");
}

// Some models end too early: then the rest of the region is silent.
TEST(Resample, TakesWhatThereIsIfNoCandidateReachesTheEnd) {
  const Instrument with = make("remi");
  auto bias = with.model->parameters().download("output.bias");
  bias[2] += 50.0;  // the end
  with.model->parameters().upload("output.bias", bias);
  const Score before = melody();
  const Resampled result =
      run(with, before, {.begin = kBar, .end = 2 * kBar, .candidates = 4}).front();
  EXPECT_EQ(result.usable, 0);
  EXPECT_EQ(result.score.note_count(), before.note_count() - 16);
}

TEST(WithRegion, LeavesKeysThatAreHeld) {
  Score score;
  score.tracks = {line("a", 0, 1, 4, 60)};
  score.tracks[0].notes = {{0, 900, 60, 80}, {900, 1000, 62, 80}, {1400, 2000, 64, 80}};
  Score music = score;
  music.tracks[0].notes = {{700, 1200, 60, 70},    // starts before
                           {850, 1200, 60, 70},    // its key is held
                           {950, 1450, 61, 70},    // is cut
                           {1300, 1390, 64, 70},   // ends just before its key
                           {1360, 1450, 66, 70},   // is cut
                           {1500, 1600, 65, 70}};  // starts behind
  const Score filled = with_region(score, {800, 1395}, music, Drums::replaced);
  const std::vector<Note> expected = {{0, 900, 60, 80},
                                      {950, 1395, 61, 70},
                                      {1300, 1390, 64, 70},
                                      {1360, 1395, 66, 70},
                                      {1400, 2000, 64, 80}};
  EXPECT_EQ(filled.tracks[0].notes, expected);
}

TEST(WithRegion, GivesDrumsATrackOfTheirOwn) {
  Score score = melody(1);
  Score music = score;
  music.tracks = {line("drums", 9, 1, 4, 35)};
  EXPECT_EQ(with_region(score, {0, kBar}, music, Drums::kept).tracks.size(), 1U);
  const Score filled = with_region(score, {0, kBar}, music, Drums::replaced);
  ASSERT_EQ(filled.tracks.size(), 2U);
  EXPECT_EQ(filled.tracks[1], music.tracks[0]);
  EXPECT_TRUE(filled.tracks[0].notes.empty());
}

}  // namespace
}  // namespace cadenza
