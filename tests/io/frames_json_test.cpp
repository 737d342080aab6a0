// SPDX-License-Identifier: Apache-2.0
#include "io/frames_json.h"

#include <gtest/gtest.h>

#include "cadenza/dataset.h"
#include "cadenza/error.h"
#include "cadenza/file.h"
#include "support/expect_error.h"
#include "support/shared_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::expect_error;

Dataset parse(std::string_view text) {
  return parse_frames_json(std::as_bytes(std::span(text)), "folder/set.json");
}

TEST(FramesJson, ReadsPiecesOfFramesOfPitches) {
  const Dataset set = parse(R"({"train": [[[21, 108], []], [[60]]], "test": [[[60, 60]]]})");
  EXPECT_EQ(set.tokenizer_name, "pianoroll");
  EXPECT_EQ(set.step_kind, StepKind::frame);
  EXPECT_EQ(set.vocabulary, 88);
  ASSERT_EQ(set[Split::train].size(), 2U);
  EXPECT_EQ(set[Split::train][1].name, "set.json train 1");
  Frame ends;
  ends.set(0).set(87);
  EXPECT_EQ(set[Split::train][0].sequence.frames, (std::vector<Frame>{ends, Frame()}));
  EXPECT_TRUE(set[Split::valid].empty());
  EXPECT_EQ(set[Split::test][0].sequence.frames[0].count(), 1U);
}

TEST(FramesJson, SaysWhichPieceAndFrameIsWrong) {
  expect_error<FormatError>([] { parse(R"({"test": [[[60]], [[60], [20]]]})"); },
                            "set.json: pitch 20 of test piece 1 frame 1 is outside 21..108");
  expect_error<FormatError>([] { parse(R"({"train": [[[109]]]})"); }, "pitch 109");
  expect_error<FormatError>([] { parse(R"({"train": [[[60, 60.5]]]})"); },
                            "unexpected a fractional or huge number in train piece 0 frame 0");
  expect_error<FormatError>([] { parse(R"({"train": [[[65, 60, -1, -1]]]})"); }, "chorale file");
}

TEST(FramesJson, RefusesEveryOtherStructure) {
  struct Bad {
    const char* text;
    const char* message;
  };
  const Bad cases[] = {
      {"", "not valid JSON"},
      {"[]", "unexpected a list in the document"},
      {"3", "unexpected an integer in the document"},
      {"{\"train\": [", "not valid JSON"},
      {"{\"train\": []} x", "not valid JSON"},
      {"{\"dev\": []}", "unknown key 'dev'"},
      {"{\"train\": [], \"train\": []}", "the key 'train' occurs twice"},
      {"{\"train\": {}}", "unexpected an object in the pieces of train"},
      {"{\"train\": null}", "unexpected null"},
      {"{\"train\": [60]}", "unexpected an integer in the pieces of train"},
      {"{\"train\": [[60]]}", "unexpected an integer in train piece 0"},
      {"{\"train\": [[[[60]]]]}", "unexpected a list in train piece 0 frame 0"},
      {"{\"train\": [[[\"C4\"]]]}", "unexpected a string in train piece 0 frame 0"},
      {"{\"train\": [[[true]]]}", "unexpected true or false"},
      {"{\"train\": [[[99999999999999999999]]]}", "unexpected a fractional or huge number"},
      {"{\"train\": [[[1e999]]]}", "not valid JSON"},
      {"{\"tr\xff\": []}", "not valid JSON"},
  };
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.text);
    expect_error<FormatError>([&] { parse(bad.text); }, bad.message);
  }
}

TEST(FramesJson, SurvivesDeepNesting) {
  EXPECT_THROW(parse("{\"train\":" + std::string(1'000'000, '[')), FormatError);
  EXPECT_THROW(parse(std::string(1'000'000, '[')), FormatError);
}

TEST(FramesJson, NamesTheFile) {
  const test::TmpDir folder;
  write_file_atomic(folder / "x.json", "oops");
  expect_error<FormatError>([&] { load_frames_json(folder / "x.json"); }, "x.json: not valid JSON");
  expect_error<FileError>([&] { load_frames_json(folder / "y.json"); }, "y.json");
}

TEST(FramesJson, ReadsTheBenchmarkSetsInFull) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no ../shared/data";
  struct Known {
    const char* file;
    std::array<std::size_t, 3> pieces;
    std::array<std::size_t, 3> frames;
  };
  const Known sets[] = {
      {"jsb-quarter.json", {229, 76, 77}, {13807, 4602, 4725}},
      {"nottingham.json", {694, 173, 170}, {176561, 45513, 44463}},
  };
  for (const Known& known : sets) {
    const Dataset set = load_frames_json(test::shared_data() / "frames" / known.file);
    for (std::size_t split = 0; split < 3; ++split) {
      EXPECT_EQ(set.splits[split].size(), known.pieces[split]);
      EXPECT_EQ(step_count(set.splits[split]), known.frames[split]);
    }
  }
}

// Hands out the notes of each track as tokens (start, end, pitch), in units of 120 ticks.
class NotesTokenizer : public Tokenizer {
 public:
  std::string_view name() const override { return "notes"; }
  std::string settings() const override { return "a=b"; }
  StepKind step_kind() const override { return StepKind::token; }
  int vocabulary_size() const override { return 1000; }
  std::string token_name(std::int32_t) const override { return {}; }
  std::vector<Sequence> encode(const Score& score, std::string*) const override {
    Sequence sequence;
    for (const Track& track : score.tracks) {
      sequence.tokens.push_back(999);
      for (const Note& note : track.notes) {
        for (const std::int64_t value : {note.start / 120, note.end / 120}) {
          sequence.tokens.push_back(static_cast<std::int32_t>(value));
        }
        sequence.tokens.push_back(note.pitch);
      }
    }
    return {sequence};
  }
  Score decode(const Sequence&, double) const override { return {}; }
};

Dataset load_chorale(std::string_view text) {
  const test::TmpDir folder;
  write_file_atomic(folder / "c.json", text);
  return load_chorale_json(folder / "c.json", NotesTokenizer());
}

TEST(ChoraleJson, TurnsVoicesIntoTracksAndHoldsEqualNeighbours) {
  const Dataset set =
      load_chorale(R"({"valid": [[[72, 67, 64, -1], [72, 69, -1, -1], [74, 69, 64, 48]]]})");
  EXPECT_EQ(set.tokenizer_name, "notes");
  EXPECT_EQ(set.tokenizer_settings, "a=b");
  EXPECT_EQ(set.vocabulary, 1000);
  ASSERT_EQ(set[Split::valid].size(), 1U);
  EXPECT_EQ(set[Split::valid][0].name, "c.json valid 0");
  EXPECT_EQ(set[Split::valid][0].sequence.tokens,
            (std::vector<std::int32_t>{999, 0, 2, 72, 2, 3, 74,  // soprano
                                       999, 0, 1, 67, 1, 3, 69,  // alto
                                       999, 0, 1, 64, 2, 3, 64,  // tenor
                                       999, 2, 3, 48}));         // bass
}

TEST(ChoraleJson, RefusesOtherNumbersOfVoicesAndPitches) {
  expect_error<FormatError>([] { load_chorale(R"({"train": [[[60, 61, 62]]]})"); },
                            "3 voices in train piece 0 frame 0, expected 4");
  expect_error<FormatError>([] { load_chorale(R"({"train": [[[60, 61, 62, 63, 64]]]})"); },
                            "more than 4 voices");
  expect_error<FormatError>([] { load_chorale(R"({"train": [[[60, 61, 62, -2]]]})"); },
                            "pitch -2 of train piece 0 frame 0");
  expect_error<FormatError>([] { load_chorale(R"({"train": [[[60, 61, 62, 128]]]})"); },
                            "is outside -1..127");
}

TEST(ChoraleJson, ListsPiecesThatTheTokenizerDoesNotTake) {
  const test::TmpDir folder;
  write_file_atomic(folder / "c.json", R"({"train": [[[100, 60, 55, 50]], [[72, 60, 55, 50]]]})");
  std::vector<std::string> rejected;
  const Dataset set = load_chorale_json(folder / "c.json", *make_tokenizer("chorale"), &rejected);
  EXPECT_EQ(set[Split::train].size(), 1U);
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].find("c.json train 0: "), 0U) << rejected[0];
}

TEST(ChoraleJson, FeedsTheChoraleTokenizerWithTheWholeCorpus) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no ../shared/data";
  std::vector<std::string> rejected;
  const Dataset set = load_chorale_json(test::shared_data() / "chorales" / "jsb16-separated.json",
                                        *make_tokenizer("chorale"), &rejected);
  EXPECT_TRUE(rejected.empty());
  EXPECT_EQ(set[Split::train].size(), 229U);
  EXPECT_EQ(set[Split::valid].size(), 76U);
  EXPECT_EQ(set[Split::test].size(), 77U);
  // Four voices of the 55,228 frames.
  EXPECT_EQ(step_count(set[Split::train]), 4U * 55228U);
}

TEST(FileDatasets, NameTokenizersThatExist) {
  const Dataset frames = parse(R"({"train": [[[60]]]})");
  EXPECT_EQ(make_tokenizer(frames.tokenizer_name, frames.tokenizer_settings)->vocabulary_size(),
            frames.vocabulary);
  const Dataset ids =
      load_npy_tokens(std::filesystem::path(CADENZA_TEST_GOLDEN_DIR) / "npy" / "vector.npy");
  EXPECT_EQ(make_tokenizer(ids.tokenizer_name, ids.tokenizer_settings)->vocabulary_size(),
            ids.vocabulary);
}

}  // namespace
}  // namespace cadenza
