// SPDX-License-Identifier: Apache-2.0
#include "cadenza/dataset.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/safetensors.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::expect_error;

Dataset token_set() {
  Dataset set;
  set.tokenizer_name = "melody";
  set.tokenizer_settings = "low=48;high=83";
  set.vocabulary = 38;
  set[Split::train] = {{"a.mid", {{0, 37, 5}, {}}}, {"b\n\".mid", {{1}, {}}}};
  set[Split::test] = {{"c", {{2, 2}, {}}}};
  return set;
}

Dataset frame_set() {
  Dataset set;
  set.tokenizer_name = "pianoroll";
  set.step_kind = StepKind::frame;
  set.vocabulary = 88;
  Frame ends;
  ends.set(0).set(87);
  Frame middle;
  middle.set(39);
  set[Split::valid] = {{"x", {{}, {ends, Frame(), middle}}}};
  return set;
}

Dataset pair_set() {
  Dataset set = token_set();
  set.pairs = {.tokenizer_name = "ids",
               .tokenizer_settings = "vocabulary=5",
               .vocabulary = 5,
               .track = "Tune",
               .bars = 4};
  for (auto& split : set.splits) {
    for (Piece& piece : split) piece.source.tokens = {4, 0};
  }
  set[Split::train][1].source.tokens = {3};
  return set;
}

void expect_equal(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.tokenizer_name, b.tokenizer_name);
  EXPECT_EQ(a.tokenizer_settings, b.tokenizer_settings);
  EXPECT_EQ(a.step_kind, b.step_kind);
  EXPECT_EQ(a.vocabulary, b.vocabulary);
  EXPECT_EQ(a.pairs, b.pairs);
  for (std::size_t split = 0; split < 3; ++split) {
    ASSERT_EQ(a.splits[split].size(), b.splits[split].size());
    for (std::size_t i = 0; i < a.splits[split].size(); ++i) {
      EXPECT_EQ(a.splits[split][i].name, b.splits[split][i].name);
      EXPECT_EQ(a.splits[split][i].sequence, b.splits[split][i].sequence);
      EXPECT_EQ(a.splits[split][i].source, b.splits[split][i].source);
    }
  }
}

TEST(Dataset, TokensAreReadBackUnchanged) {
  const test::TmpDir folder;
  save_dataset(token_set(), folder / "data");
  expect_equal(load_dataset(folder / "data"), token_set());
}

TEST(Dataset, FramesAreReadBackUnchanged) {
  const test::TmpDir folder;
  save_dataset(frame_set(), folder / "data");
  expect_equal(load_dataset(folder / "data"), frame_set());
}

TEST(Dataset, PairsAreReadBackUnchanged) {
  const test::TmpDir folder;
  save_dataset(pair_set(), folder / "data");
  expect_equal(load_dataset(folder / "data"), pair_set());
}

TEST(Dataset, WhatIsKnownOfTheMusicIsReadBack) {
  const test::TmpDir folder;
  Dataset set = token_set();
  set.labels = {"jig", "reel"};
  for (auto& pieces : set.splits) {
    for (Piece& piece : pieces) piece.label = 0;
  }
  set.music = {.bars = 2, .metres = {{0, 6, 8}, {0, 4, 4}}};
  save_dataset(set, folder / "data");
  EXPECT_EQ(load_dataset(folder / "data").music, set.music);
  set.music.metres.pop_back();
  save_dataset(set, folder / "data");
  expect_error<FormatError>([&] { load_dataset(folder / "data"); }, "1 metres for 2 labels");
  set.music.metres = {{0, 6, 8}, {0, 4, 3}};
  save_dataset(set, folder / "data");
  expect_error<FormatError>([&] { load_dataset(folder / "data"); },
                            "a metre in parts of 3, expected a power of two up to 128");
}

TEST(Dataset, FramesAreElevenBytesWithTheLowestKeyInTheFirstBit) {
  const test::TmpDir folder;
  save_dataset(frame_set(), folder / "data");
  const SafetensorsReader file(folder / "data");
  const std::vector<std::uint8_t> bytes = file.at("valid.steps").as<std::uint8_t>();
  EXPECT_EQ(file.at("valid.steps").shape, (std::vector<std::int64_t>{3, 11}));
  EXPECT_EQ(bytes[0], 0x01);
  EXPECT_EQ(bytes[10], 0x80);
  EXPECT_EQ(bytes[22 + 4], 0x80);
}

TEST(Dataset, NamesThatAreNotUtf8AreMendedNotFatal) {
  const test::TmpDir folder;
  Dataset set = token_set();
  set[Split::train][0].name = "caf\xe9.mid";
  save_dataset(set, folder / "data");
  EXPECT_EQ(load_dataset(folder / "data")[Split::train][0].name, "caf\xef\xbf\xbd.mid");
}

TEST(SaveDataset, RefusesTokensOutsideTheVocabulary) {
  const test::TmpDir folder;
  Dataset set = token_set();
  set[Split::test][0].sequence.tokens[1] = 38;
  expect_error<ArgumentError>([&] { save_dataset(set, folder / "data"); },
                              "piece 'c' has the token 38, the vocabulary is 38");
}

TEST(SaveDataset, RefusesSourcesOutsideTheirVocabulary) {
  const test::TmpDir folder;
  Dataset set = pair_set();
  set[Split::test][0].source.tokens[1] = 5;
  expect_error<ArgumentError>([&] { save_dataset(set, folder / "data"); },
                              "piece 'c' has the token 5, the vocabulary is 5");
}

TEST(SaveDataset, RefusesFramesInATokenSet) {
  const test::TmpDir folder;
  Dataset set = token_set();
  set[Split::test][0].sequence = {{}, {Frame()}};
  expect_error<ArgumentError>([&] { save_dataset(set, folder / "data"); },
                              "has frames, expected tokens");
}

TEST(StepCount, SumsOverPieces) { EXPECT_EQ(step_count(token_set()[Split::train]), 4U); }

// A small valid file, of which a test spoils one thing.
struct Parts {
  std::map<std::string, std::string> metadata = {
      {"format", "cadenza.dataset"}, {"version", "1"},       {"tokenizer", "ids"},
      {"tokenizer_settings", ""},    {"step_kind", "token"}, {"vocabulary", "4"},
      {"train.names", "[\"a\"]"},    {"valid.names", "[]"},  {"test.names", "[]"}};
  std::vector<std::int32_t> tokens = {0, 3};
  std::vector<std::int64_t> offsets = {0, 2};

  Dataset load() const {
    const test::TmpDir folder;
    SafetensorsWriter writer;
    for (const auto& [key, value] : metadata) writer.set_metadata(key, value);
    writer.add<std::int32_t>("train.steps", {static_cast<std::int64_t>(tokens.size())}, tokens);
    writer.add<std::int64_t>("train.offsets", {static_cast<std::int64_t>(offsets.size())}, offsets);
    const std::vector<std::int64_t> zero = {0};
    for (const std::string split : {"valid", "test"}) {
      writer.add<std::int32_t>(split + ".steps", {0}, {});
      writer.add<std::int64_t>(split + ".offsets", {1}, zero);
    }
    writer.write(folder / "data");
    return load_dataset(folder / "data");
  }
};

TEST(LoadDataset, ReadsTheDocumentedLayout) {
  EXPECT_EQ(Parts().load()[Split::train][0].sequence.tokens, (std::vector<std::int32_t>{0, 3}));
}

TEST(LoadDataset, RefusesOffsetsThatDoNotAscendToTheEnd) {
  for (const std::vector<std::int64_t>& offsets :
       {std::vector<std::int64_t>{0, 3}, {1, 2}, {0, 1}, {-1, 2}, {2}, {}, {0, 2, 1, 2}}) {
    Parts parts;
    parts.offsets = offsets;
    expect_error<FormatError>([&] { parts.load(); }, "'train.offsets' does not ascend from 0 to 2");
  }
}

TEST(LoadDataset, RefusesTokensOutsideTheVocabulary) {
  for (const std::int32_t token : {-1, 4}) {
    Parts parts;
    parts.tokens[1] = token;
    expect_error<FormatError>([&] { parts.load(); }, "the vocabulary is 4");
  }
}

struct BadMetadata {
  const char* key;
  const char* value;
  const char* message;
};

const BadMetadata kBadMetadata[] = {
    {"format", "cadenza.model", "not a data set"},
    {"version", "2", "data set version '2', expected '1'"},
    {"step_kind", "bar", "unknown step_kind 'bar'"},
    {"step_kind", "frame", "is not a positive number (88 for frames)"},
    {"vocabulary", "0", "vocabulary '0'"},
    {"vocabulary", "4x", "vocabulary '4x'"},
    {"vocabulary", "99999999999", "vocabulary '99999999999'"},
    {"train.names", "[]", "has 0 entries, expected 1"},
    {"train.names", "[[\"a\"]]", "unexpected a list"},
    {"train.names", "\"a\"", "unexpected a string"},
    {"train.names", "[1]", "unexpected an integer"},
    {"train.names", "[", "not valid JSON"}};

TEST(LoadDataset, RefusesInconsistentMetadata) {
  for (const BadMetadata& bad : kBadMetadata) {
    SCOPED_TRACE(message(bad.key, " = ", bad.value));
    Parts parts;
    parts.metadata[bad.key] = bad.value;
    expect_error<FormatError>([&] { parts.load(); }, bad.message);
  }
}

TEST(LoadDataset, RefusesFilesOfAnotherKind) {
  const test::TmpDir folder;
  SafetensorsWriter().write(folder / "model");
  expect_error<FormatError>([&] { load_dataset(folder / "model"); },
                            "not a data set: no metadata 'format'");
}

TEST(LoadDataset, RefusesATokenArrayOfAnotherType) {
  const test::TmpDir folder;
  Parts parts;
  parts.metadata["step_kind"] = "frame";
  parts.metadata["vocabulary"] = "88";
  expect_error<FormatError>([&] { parts.load(); }, "array 'train.steps' has dtype i32");
}

Dataset labelled_set() {
  Dataset set = token_set();
  set.labels = {"jig", "reel"};
  set[Split::train][0].label = 1;
  set[Split::train][1].label = 0;
  set[Split::test][0].label = 1;
  return set;
}

TEST(DatasetLabels, AreReadBackUnchanged) {
  const test::TmpDir folder;
  save_dataset(labelled_set(), folder / "data");
  const Dataset read = load_dataset(folder / "data");
  expect_equal(read, labelled_set());
  EXPECT_EQ(read.labels, labelled_set().labels);
  EXPECT_EQ(read[Split::train][0].label, 1);
  EXPECT_EQ(read[Split::train][1].label, 0);
  EXPECT_EQ(label_counts(read, Split::train), (std::vector<std::size_t>{1, 1}));
  EXPECT_EQ(label_counts(read, Split::test), (std::vector<std::size_t>{0, 1}));
}

TEST(DatasetLabels, AreAbsentFromFilesWithoutThem) {
  const test::TmpDir folder;
  save_dataset(token_set(), folder / "data");
  EXPECT_FALSE(SafetensorsReader(folder / "data").contains("train.labels"));
  const Dataset read = load_dataset(folder / "data");
  EXPECT_TRUE(read.labels.empty());
  EXPECT_EQ(read[Split::train][0].label, -1);
}

TEST(DatasetLabels, SaveRefusesWhatIsNoLabel) {
  const test::TmpDir folder;
  const auto refuses = [&](const auto& spoil, std::string_view part) {
    Dataset set = labelled_set();
    spoil(set);
    expect_error<ArgumentError>([&] { save_dataset(set, folder / "data"); }, part);
  };
  refuses([](Dataset& set) { set[Split::train][0].label = 2; }, "label 2, there are 2");
  refuses([](Dataset& set) { set[Split::train][0].label = -1; }, "label -1");
  refuses([](Dataset& set) { set.labels = {"jig"}; }, "1 labels");
  refuses([](Dataset& set) { set.labels = {"jig", "jig"}; }, "'jig' is there twice");
  refuses([](Dataset& set) { set.labels.clear(); }, "there are 0");
  EXPECT_FALSE(std::filesystem::exists(folder / "data"));
}

TEST(DatasetLabels, LoadRefusesWhatDoesNotFit) {
  const test::TmpDir folder;
  save_dataset(labelled_set(), folder / "data");
  const auto refuses = [&](const auto& spoil, std::string_view part) {
    const SafetensorsReader file(folder / "data");
    SafetensorsWriter writer;
    for (const auto& [key, value] : file.metadata()) writer.set_metadata(key, value);
    for (const auto& [name, array] : file.arrays()) {
      if (name != "train.labels") writer.add(name, array.dtype, array.shape, array.bytes);
    }
    spoil(writer);
    writer.write(folder / "spoilt");
    expect_error<FormatError>([&] { load_dataset(folder / "spoilt"); }, part);
  };
  const auto add = [](SafetensorsWriter& writer, const std::vector<std::int32_t>& labels) {
    writer.add<std::int32_t>("train.labels", {static_cast<std::int64_t>(labels.size())}, labels);
  };
  refuses([&](SafetensorsWriter& writer) { add(writer, {1, 2}); }, "label 2, there are 2");
  refuses([&](SafetensorsWriter& writer) { add(writer, {-1, 0}); }, "label -1");
  refuses([&](SafetensorsWriter& writer) { add(writer, {1}); }, "1 labels, expected 2");
  refuses([](SafetensorsWriter&) {}, "train.labels");
  refuses(
      [&](SafetensorsWriter& writer) {
        add(writer, {0, 0});
        writer.set_metadata("labels", R"(["jig"])");
      },
      "1 labels");
  refuses(
      [&](SafetensorsWriter& writer) {
        add(writer, {0, 0});
        writer.set_metadata("labels", R"({"jig": 1})");
      },
      "object");
}

}  // namespace
}  // namespace cadenza
