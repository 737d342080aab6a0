// SPDX-License-Identifier: Apache-2.0
#include "cadenza/gan.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"
#include "cadenza/generator.h"
#include "cadenza/seq2seq.h"
#include "support/expect_error.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

GanConfig tiny_gan() {
  return {.generator = {.width = 12, .embedding = 5, .cell = CellKind::gru, .hidden = 7},
          .discriminator = {.width = 12, .classes = 2, .embedding = 3, .hidden = 4},
          .pretraining = 3};
}

TEST(GanConfig, NamesWhatIsOutOfRange) {
  const auto refuses = [](auto&& spoil, const char* part) {
    GanConfig config = tiny_gan();
    spoil(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, part);
  };
  refuses([](GanConfig& c) { c.generator.hidden = 0; }, "hidden is 0");
  refuses([](GanConfig& c) { c.discriminator.layers = 0; }, "layers is 0");
  refuses([](GanConfig& c) { c.discriminator.classes = 3; }, "tells 3 classes over 12 tokens");
  refuses([](GanConfig& c) { c.discriminator.width = 11; }, "over 11 tokens, expected 2 over 12");
  refuses([](GanConfig& c) { c.pretraining = -1; }, "pretraining is -1");
  refuses([](GanConfig& c) { c.generator_updates = 0; }, "generator_updates is 0");
  refuses([](GanConfig& c) { c.discount = 1.5; }, "discount is 1.5");
  refuses([](GanConfig& c) { c.discriminator_rest = -0.5; }, "discriminator_rest is -0.5");
  refuses(
      [](GanConfig& c) {
        c.generator.head = Head::bernoulli;
        c.generator.width = c.discriminator.width = 88;
        c.generator.embedding = 0;
      },
      "predicts tokens");
}

TEST(Gan, RefusesDataThatIsNotItsOwn) {
  const auto backend = make_backend("reference");
  Gan model(*backend, tiny_gan());
  const auto refuses = [&](const Dataset& data, const char* part) {
    test::expect_error<ArgumentError>([&] { model.check_data(data); }, part);
  };
  refuses(test::tiny_tokens(11), "11 tokens, the model 12");
  refuses(test::tiny_frames(), "88 keys");
  refuses(test::tiny_pairs(), "pairs");
}

TEST(GanFile, IsReadBackWithBothPlayers) {
  const test::TmpDir folder;
  const auto backend = make_backend("cpu");
  const Dataset data = test::tiny_tokens();
  Gan model(*backend, tiny_gan());
  model.initialize(5);
  const auto tokenizer = make_tokenizer(data.tokenizer_name, data.tokenizer_settings);
  save_model(model, *tokenizer, folder / "m");
  EXPECT_EQ(read_model_kind(folder / "m"), "gan");
  const LoadedGan loaded = load_gan(folder / "m", *backend);
  EXPECT_EQ(loaded.info.config, tiny_gan());
  EXPECT_EQ(loaded.info.parameter_count,
            model.generator().parameters().count() + model.discriminator().parameters().count());
  const std::vector<Sequence> piece = {data[Split::train][0].sequence};
  EXPECT_EQ(classify(loaded.model->discriminator(), piece), classify(model.discriminator(), piece));
}

// Whoever generates needs to know nothing of the discriminator.
TEST(GanFile, IsALanguageModelToo) {
  const test::TmpDir folder;
  const auto backend = make_backend("cpu");
  const auto tokenizer = make_tokenizer("ids", "vocabulary=12");
  Gan model(*backend, tiny_gan());
  model.initialize(5);
  save_model(model, *tokenizer, folder / "m");
  const LoadedModel loaded = load_model(folder / "m", *backend);
  EXPECT_EQ(loaded.info.config, tiny_gan().generator);
  const GenerationRequest request = {.num_outputs = 3, .num_steps = 20, .seed = 4};
  const auto expected = Generator(model.generator(), *tokenizer).run(request);
  const auto got = Generator(*loaded.model, *loaded.tokenizer).run(request);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(got[i].sequence, expected[i].sequence);
  }
}

TEST(GanFile, OfAnotherKindOrVocabularyIsRefused) {
  const test::TmpDir folder;
  const auto backend = make_backend("reference");
  Gan model(*backend, tiny_gan());
  save_model(model, *make_tokenizer("ids", "vocabulary=11"), folder / "narrow");
  test::expect_error<Error>([&] { load_gan(folder / "narrow", *backend); },
                            "writes 12 tokens, its tokenizer has 11");
  save_model(model, *make_tokenizer("ids", "vocabulary=12"), folder / "m");
  test::expect_error<Error>([&] { load_classifier(folder / "m", *backend); }, "'gan'");
  save_model(model.generator(), *make_tokenizer("ids", "vocabulary=12"), folder / "lm");
  test::expect_error<Error>([&] { load_gan(folder / "lm", *backend); }, "'lm', expected 'gan'");
}

}  // namespace
}  // namespace cadenza
