// SPDX-License-Identifier: Apache-2.0
// That who asks for too much of a GPU's memory at once learns how much there is room for, on an
// emulated device.
#include <gmock/gmock.h>

#include <functional>

#include "backend/emulated_limits.h"
#include "cadenza/classifier.h"
#include "cadenza/evaluation.h"
#include "cadenza/event_gan.h"
#include "cadenza/generator.h"
#include "cadenza/infill.h"
#include "cadenza/trainer.h"
#include "cadenza/transform.h"
#include "cadenza/vae.h"
#include "generate/tail_likelihood.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using testing::MatchesRegex;

constexpr int kPieces = 400, kSteps = 24;

class LargestBatch : public test::CudaLimits {
 protected:
  /// work(kPieces) is refused, `doing` so many; the batch that is named has room, one that is
  /// larger by `more` has not.
  static void expect_named(const std::string& doing, const std::function<void(std::int64_t)>& work,
                           std::int64_t more = 1) {
    const std::string error = test::memory_error([&] { work(kPieces); });
    ASSERT_THAT(error,
                MatchesRegex(doing + " at once: the GPU has no room for [0-9]+ more bytes.*: "
                                     "[0-9]+ of [0-9]+ bytes are free; the largest batch "
                                     "with room is [0-9]+"));
    const std::int64_t fits = std::stoll(error.substr(error.find_last_of(' ') + 1));
    ASSERT_GT(fits, 0);
    work(fits);
    test::memory_error([&] { work(fits + more); });
  }

  const std::unique_ptr<Backend> backend_ = make();
};

LanguageModelConfig small_model() {
  return {.head = Head::softmax, .width = 12, .cell = CellKind::lstm, .layers = 1, .hidden = 8};
}

/// All of the same length.
std::vector<Sequence> pieces_of(std::int64_t count) {
  std::vector<std::int32_t> tokens;
  for (int t = 0; t < kSteps; ++t) tokens.push_back(t % 12);
  return std::vector<Sequence>(static_cast<std::size_t>(count), Sequence{.tokens = tokens});
}

std::vector<GridBlank> blanks_of(std::int64_t count) {
  std::vector<GridBlank> blanks;
  for (Sequence& piece : pieces_of(count)) {
    std::vector<bool> open(piece.size());
    open[2] = open[5] = true;
    blanks.push_back({.sequence = std::move(piece), .open = open, .no_hold = open});
  }
  return blanks;
}

TEST_P(LargestBatch, ToGenerate) {
  LanguageModel model(*backend_, small_model());
  model.initialize(1);
  const auto tokenizer = make_tokenizer("ids", "vocabulary=12");
  leave(40'000);
  expect_named("generating 400 sequences", [&](std::int64_t rows) {
    Generator(model, *tokenizer).run({.num_outputs = rows, .num_steps = 20, .batch_size = rows});
  });
}

TEST_P(LargestBatch, ToTrain) {
  const test::TmpDir folder;
  Dataset data = test::tiny_tokens();
  data[Split::valid].clear();
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  expect_named("training on 400 sequences of 8 steps", [&](std::int64_t rows) {
    const auto backend = make();
    LanguageModel model(*backend, small_model());
    const TrainingConfig config = {.batch_size = static_cast<int>(rows),
                                   .sequence_length = 8,
                                   .epochs = 0,
                                   .steps = 3,
                                   .patience = 0};
    Trainer trainer(model, *tokenizer, data, config, folder.path(), false);
    leave(std::size_t{3} << 19);
    EXPECT_EQ(trainer.run({}).steps, 3);
  });
}

TEST_P(LargestBatch, ToEvaluate) {
  LanguageModel model(*backend_, small_model());
  Dataset data = test::tiny_tokens();
  data[Split::test].clear();
  for (Sequence& piece : pieces_of(kPieces)) data[Split::test].push_back({.sequence = piece});
  leave(std::size_t{5} << 18);
  // For cuDNN a last batch that lacks pieces is one with lengths, which needs more than others do.
  constexpr std::int64_t kMore = 20;
  expect_named(
      "evaluating 400 pieces",
      [&](std::int64_t rows) { evaluate(model, data, Split::test, static_cast<int>(rows)); },
      kMore);
}

TEST_P(LargestBatch, ToClassify) {
  Classifier model(*backend_, {.width = 12, .classes = 3, .embedding = 4, .hidden = 8});
  const std::vector<Sequence> pieces = pieces_of(kPieces);
  leave(std::size_t{5} << 18);
  expect_named("classifying 400 pieces",
               [&](std::int64_t rows) { classify(model, pieces, static_cast<int>(rows)); });
}

TEST_P(LargestBatch, ToInfill) {
  Infiller model(*backend_, {.width = 12, .embedding = 4, .hidden = 8});
  const std::vector<GridBlank> blanks = blanks_of(kPieces);
  leave(std::size_t{5} << 18);
  expect_named("filling 400 pieces", [&](std::int64_t rows) {
    infill(model, blanks, {.sweeps = 1, .spacing = 2, .batch_size = rows});
  });
}

TEST_P(LargestBatch, ToMeasureWhatIsFilledIn) {
  Infiller model(*backend_, {.width = 12, .embedding = 4, .hidden = 8});
  const std::vector<GridBlank> blanks = blanks_of(kPieces);
  leave(std::size_t{5} << 18);
  expect_named("measuring 400 pieces",
               [&](std::int64_t rows) { fill_likelihoods(model, blanks, 1, rows); });
}

TEST_P(LargestBatch, ToMeasureTails) {
  LanguageModel model(*backend_, small_model());
  std::vector<Tail> tails;
  for (Sequence& piece : pieces_of(kPieces)) tails.push_back({.sequence = piece, .begin = 3});
  leave(std::size_t{5} << 18);
  expect_named("measuring 400 sequences",
               [&](std::int64_t rows) { tail_likelihoods(model, tails, {}, rows); });
}

TEST_P(LargestBatch, ToTransform) {
  Seq2Seq model(*backend_, {.source_width = 12, .width = 12, .embedding = 4, .hidden = 8});
  const std::vector<Sequence> sources = pieces_of(kPieces);
  leave(std::size_t{7} << 19);
  expect_named("transforming 400 pieces", [&](std::int64_t rows) {
    transform(model, sources, {.num_steps = 2, .batch_size = rows});
  });
}

TEST_P(LargestBatch, ToEncode) {
  Vae model(*backend_, {.width = 12, .steps = kSteps, .embedding = 4, .hidden = 8, .latent = 4});
  const std::vector<Sequence> pieces = pieces_of(kPieces);
  leave(std::size_t{5} << 18);
  expect_named("encoding 400 pieces",
               [&](std::int64_t rows) { encode(model, pieces, static_cast<int>(rows)); });
}

TEST_P(LargestBatch, ToDecode) {
  // Wide, as activations are allotted by the MiB.
  Vae model(*backend_, {.width = 12, .steps = 1, .embedding = 4, .hidden = 200, .latent = 4});
  const std::vector<Code> codes(kPieces, Code(4, 0.5F));
  leave(std::size_t{5} << 18);
  expect_named("decoding 400 codes",
               [&](std::int64_t rows) { decode(model, codes, {.batch_size = rows}); });
}

EventGanConfig small_event_gan() {
  EventGanConfig config = {
      .tokenizer_name = "melody", .events = kSteps, .layers = 1, .hidden = 200};
  config.discriminator_layers = 1;
  config.discriminator_hidden = 64;
  return config;
}

TEST_P(LargestBatch, ToWriteEvents) {
  EventGan model(*backend_, small_event_gan());
  leave(std::size_t{5} << 18);
  expect_named("writing 400 pieces", [&](std::int64_t rows) {
    compose(model, {.num_outputs = kPieces, .num_events = 1, .batch_size = rows});
  });
}

TEST_P(LargestBatch, ToJudgeEvents) {
  EventGan model(*backend_, small_event_gan());
  const std::vector<NoteEvent> piece(kSteps);
  const std::vector<std::vector<NoteEvent>> pieces(kPieces, piece);
  leave(std::size_t{4} << 20);
  expect_named("judging 400 pieces",
               [&](std::int64_t rows) { words_on(model, pieces, static_cast<int>(rows)); });
}

TEST_P(LargestBatch, IsNone) {
  LanguageModel model(*backend_, small_model());
  Dataset data = test::tiny_tokens();
  leave(1000);
  EXPECT_THAT(test::memory_error([&] { evaluate(model, data, Split::train, 3); }),
              testing::EndsWith(" bytes are free; not even one has room"));
}

INSTANTIATE_TEST_SUITE_P(Backends, LargestBatch, testing::Values("cuda", "cudnn"),
                         test::name_of_backend);

}  // namespace
}  // namespace cadenza
