// SPDX-License-Identifier: Apache-2.0
#include "cadenza/vae.h"

#include <gtest/gtest.h>

#include <numbers>

#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/optimizer.h"
#include "models/model_steps.h"
#include "models/vae_pass.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/expect_slopes.h"
#include "support/tiny_data.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

using test::batch_of;
using test::sum_of_losses;

constexpr int kSteps = 12;

VaeConfig tiny_vae() {
  return {.width = 12, .steps = kSteps, .embedding = 3, .hidden = 4, .latent = 3};
}

// Pieces of 12, 7, 12, 4 and 11 tokens.
Dataset tiny_pieces() {
  Dataset data = test::tiny_tokens();
  const std::size_t lengths[] = {12, 7, 12, 4, 11};
  std::vector<Piece>& pieces = data[Split::train];
  for (std::size_t p = 0; p < pieces.size(); ++p) pieces[p].sequence.tokens.resize(lengths[p]);
  for (const Split split : {Split::valid, Split::test}) {
    data[split][0].sequence.tokens.resize(9);
  }
  return data;
}

class VaeTest : public testing::Test {
 protected:
  double loss(Vae& model, const Batch& batch, const DropoutKey& key = {}) {
    return sum_of_losses(model, arena_, batch, key, GradMode::none);
  }

  std::unique_ptr<Backend> backend_ = make_backend("reference");
  Dataset data_ = tiny_pieces();
  Arena arena_{*backend_};
};

// From the embedding through noise, code and conductor to the output, with every kind of dropout.
TEST_F(VaeTest, GradientsMatchFiniteDifferences) {
  const Batch batch = batch_of(test::with_labels(data_), {0, 1, 3}, kSteps);
  for (const CellInfo& cell : cells()) {
    for (const Variational variational : {Variational::no, Variational::yes}) {
      for (const int segments : {1, 3}) {
        VaeConfig config = tiny_vae();
        config.cell = cell.kind;
        config.encoder_layers = 2;
        config.layers = 2;
        config.variational = variational;
        config.segments = segments;
        config.labels = variational == Variational::yes ? 3 : 0;
        config.label_embedding = 2;
        config.kl_weight = 0.7;
        config.kl_warmup = 8;
        config.free_bits = 0.1;
        config.dropout = 0.3;
        config.input_dropout = 0.2;
        config.word_dropout = 0.2;
        Vae model(*backend_, config, DType::f64);
        model.initialize(5);
        const DropoutKey key = {.training = true, .seed = 9, .step = 4};
        test::expect_slopes(
            model.parameters(),
            [&](GradMode mode) { return sum_of_losses(model, arena_, batch, key, mode); },
            message(cell.name, " ", segments, " segments"));
      }
    }
  }
}

// What lies beside a piece in its batch, and how far the batch is padded, must not matter.
TEST_F(VaeTest, LossOfAPieceIsItsOwn) {
  for (const int segments : {1, 3}) {
    VaeConfig config = tiny_vae();
    config.segments = segments;
    Vae model(*backend_, config, DType::f64);
    model.initialize(5);
    double alone = 0.0;
    for (std::int64_t piece = 0; piece < 5; ++piece)
      alone += loss(model, batch_of(data_, {piece}, kSteps));
    EXPECT_NEAR(loss(model, batch_of(data_, {0, 1, 2, 3, 4}, kSteps)), alone, 1e-10);
  }
}

// The first token is predicted from the code alone, so the last can reach it only through the code.
TEST_F(VaeTest, CodeCarriesThePieceToItsFirstStep) {
  Vae model(*backend_, tiny_vae(), DType::f64);
  model.initialize(5);
  Batch batch = batch_of(data_, {0}, kSteps);
  const auto first = [&] {
    arena_.reset();
    Tape tape(*backend_, arena_, DType::f64, GradMode::none);
    return download_real(*backend_, model.loss(tape, batch, {}, {}, 1.0))[0];
  };
  const double before = first();
  batch.target_ids.back() = (batch.target_ids.back() + 1) % 12;
  EXPECT_NE(first(), before);
}

// A segment knows of the one before by its last token and by what the conductor says.
TEST_F(VaeTest, DecoderStartsAnewInEachSegment) {
  VaeConfig config = tiny_vae();
  config.segments = 3;
  Vae model(*backend_, config, DType::f64);
  model.initialize(5);
  std::vector<std::int32_t> inputs = {-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const SegmentGrid grid(config, kSteps, 1);
  const auto logits = [&] {
    arena_.reset();
    Tape tape(*backend_, arena_, DType::f64, GradMode::none);
    VaePass pass(tape, config, model.parameters(), {});
    const std::vector<float> code = {0.5F, -1.0F, 2.0F};
    Variable& codes = tape.constant(tape.upload(std::span(code), {1, 3}));
    return download_real(*backend_, pass.predict(codes, inputs, grid).value());
  };
  // Step t of segment n stands in row t * 3 + n; a piece has 4 steps a segment.
  const auto same = [&](const std::vector<double>& a, const std::vector<double>& b, int segment) {
    for (std::size_t t = 0; t < 4; ++t) {
      for (std::size_t v = 0; v < 13; ++v) {
        const std::size_t at = (t * 3 + static_cast<std::size_t>(segment)) * 13 + v;
        if (a[at] != b[at]) return false;
      }
    }
    return true;
  };
  const auto before = logits();
  inputs[2] = 9;
  const auto after = logits();
  EXPECT_FALSE(same(before, after, 0));
  EXPECT_TRUE(same(before, after, 1));
  EXPECT_TRUE(same(before, after, 2));
  inputs[4] = 7;  // read by the first step of the second segment
  EXPECT_FALSE(same(after, logits(), 1));
}

TEST_F(VaeTest, LossesHoldWhatTheCodesCost) {
  const Batch batch = batch_of(data_, {0, 1, 3}, kSteps);
  struct Found {
    double losses, cost, divergence;
  };
  const auto find = [&](double weight, double free_bits, const DropoutKey& key) {
    VaeConfig config = tiny_vae();
    config.kl_weight = weight;
    config.kl_warmup = 10;
    config.free_bits = free_bits;
    Vae model(*backend_, config, DType::f64);
    model.initialize(5);
    const double losses = loss(model, batch, key);
    const auto sum = [&](const TensorView& values) {
      return test::sum(download_real(*backend_, values));
    };
    return Found{losses, sum(model.code_cost().cost), sum(model.code_cost().divergence)};
  };
  const Found none = find(0.0, 0.0, {});
  const Found half = find(0.5, 0.0, {});
  EXPECT_GT(none.divergence, 0.01);
  EXPECT_EQ(none.divergence, half.divergence);
  EXPECT_EQ(none.cost, 0.0);
  EXPECT_NEAR(half.cost, 0.5 * half.divergence, 1e-12);
  EXPECT_NEAR(half.losses, none.losses + half.cost, 1e-12);
  // Three bits, each of ln 2 nats, one a piece.
  const double bits = 0.01;
  EXPECT_NEAR(find(0.5, bits, {}).cost, half.cost - 0.5 * 3 * bits * std::numbers::ln2, 1e-12);
  EXPECT_EQ(find(0.5, 1000.0, {}).cost, 0.0);
  // Training comes to the whole weight in ten updates.
  const auto at_update = [&](std::uint32_t step) {
    return find(0.5, 0.0, {.training = true, .seed = 1, .step = step}).cost;
  };
  EXPECT_EQ(at_update(0), 0.0);
  EXPECT_NEAR(at_update(4), 0.4 * half.cost, 1e-12);
  EXPECT_NEAR(at_update(10), half.cost, 1e-12);
  EXPECT_NEAR(at_update(50), half.cost, 1e-12);
}

TEST_F(VaeTest, EveryUpdateDrawsAnewAndAnAutoencoderNever) {
  const Batch batch = batch_of(data_, {0, 1}, kSteps);
  for (const Variational variational : {Variational::no, Variational::yes}) {
    VaeConfig config = tiny_vae();
    config.variational = variational;
    config.kl_warmup = 0;
    Vae model(*backend_, config, DType::f64);
    model.initialize(5);
    const auto at = [&](std::uint64_t seed, std::uint32_t step) {
      return loss(model, batch, {.training = true, .seed = seed, .step = step});
    };
    EXPECT_EQ(at(1, 1), at(1, 1));
    EXPECT_EQ(at(1, 1) == at(1, 2), variational == Variational::no);
    EXPECT_EQ(at(1, 1) == at(2, 1), variational == Variational::no);
    EXPECT_EQ(model.code_cost().cost.empty(), variational == Variational::no);
  }
}

TEST_F(VaeTest, HiddenWordsAreNotRead) {
  VaeConfig config = tiny_vae();
  config.word_dropout = 1.0;
  Vae model(*backend_, config, DType::f64);
  model.initialize(5);
  Batch batch = batch_of(data_, {0, 3}, kSteps);
  const DropoutKey training = {.training = true, .seed = 1, .step = 2};
  const double hidden = loss(model, batch, training);
  const double read = loss(model, batch);
  for (std::int32_t& id : batch.input_ids) id = id < 0 ? id : (id + 5) % 12;
  EXPECT_EQ(loss(model, batch, training), hidden);
  EXPECT_NE(loss(model, batch), read);
}

// With every token its own, the true ones reach the decoder only where a segment begins.
TEST_F(VaeTest, ScheduledSamplingReplacesTrueTokens) {
  VaeConfig config = tiny_vae();
  config.segments = 3;
  config.own_tokens = 1.0;
  config.own_tokens_slope = 1.0;
  Vae model(*backend_, config);
  model.initialize(5);
  Batch batch = batch_of(data_, {0, 2}, kSteps);
  const DropoutKey training = {.training = true, .seed = 1, .step = 100};
  const auto change = [&](std::int64_t t) {
    std::int32_t& id = batch.input_ids[static_cast<std::size_t>(t * batch.rows)];
    id = (id + 5) % 12;
  };
  const double own = loss(model, batch, training);
  for (const std::int64_t t : {1, 2, 3, 5, 6, 7, 9, 10, 11}) change(t);
  EXPECT_EQ(loss(model, batch, training), own);
  change(8);
  EXPECT_NE(loss(model, batch, training), own);
}

void train(Vae& model, const Batch& batch, std::uint32_t steps) {
  Arena arena(model.backend());
  Optimizer optimizer(model.parameters(), {.learning_rate = 0.01});
  for (std::uint32_t step = 0; step < steps; ++step) {
    model.parameters().zero_gradients();
    arena.reset();
    Tape tape(model.backend(), arena, DType::f32, GradMode::record);
    model.loss(tape, batch, {}, {.training = true, .seed = 1, .step = step},
               1.0 / static_cast<double>(batch.predicted));
    tape.backward();
    optimizer.step(1.0);
  }
}

// Codes of both kinds, with and without a conductor, bring every piece back, however many are
// computed together; and interpolation ends where it should.
TEST_F(VaeTest, LearnsToBringPiecesBack) {
  const auto cpu = make_backend("cpu");
  std::vector<Sequence> pieces;
  for (const Piece& piece : data_[Split::train]) pieces.push_back(piece.sequence);
  for (const Variational variational : {Variational::no, Variational::yes}) {
    for (const int segments : {1, 3}) {
      VaeConfig config = tiny_vae();
      config.embedding = 16;
      config.hidden = 32;
      config.latent = 8;
      config.variational = variational;
      config.segments = segments;
      config.kl_weight = 0.05;
      config.own_tokens = 0.5;
      config.own_tokens_slope = 5.0;
      Vae model(*cpu, config);
      model.initialize(5);
      train(model, batch_of(data_, {0, 1, 2, 3, 4}, kSteps), 300);
      const std::vector<Code> codes = encode(model, pieces, 2);
      EXPECT_EQ(decode(model, codes), pieces) << segments << " segments";
      const Code ends[] = {interpolate(codes[0], codes[1], 0.0),
                           interpolate(codes[0], codes[1], 1.0)};
      EXPECT_EQ(decode(model, ends), std::vector<Sequence>(pieces.begin(), pieces.begin() + 2));

      const DecodeRequest drawn = {.sampling = {.temperature = 2.0}, .seed = 3};
      const std::vector<Sequence> together = decode(model, codes, drawn);
      EXPECT_NE(together, pieces);
      DecodeRequest alone = drawn;
      alone.batch_size = 1;
      EXPECT_EQ(decode(model, codes, alone), together);
      alone.first_sequence = 4;
      EXPECT_EQ(decode(model, std::span(codes).subspan(4), alone)[0], together[4]);

      const Reconstruction found = reconstruct(model, data_, Split::train, 2);
      EXPECT_EQ(found.free_accuracy, 1.0);
      EXPECT_EQ(found.whole_pieces, 1.0);
      EXPECT_EQ(found.taught_accuracy, 1.0);
      EXPECT_EQ(found.pieces, 5);
      EXPECT_EQ(found.steps, 49);
      EXPECT_LT(found.nll, 0.1);
      EXPECT_EQ(found.divergence > 0.0, variational == Variational::yes);
      EXPECT_NEAR(found.bound, found.nll + found.divergence * 5 / 49, 1e-9);
    }
  }
}

// An encoder that gives all pieces the same code brings them not back; codes fitted from there do,
// and leave the model as it was.
TEST_F(VaeTest, FittedCodesBringBackWhatTheEncoderDoesNot) {
  const auto cpu = make_backend("cpu");
  std::vector<Sequence> pieces;
  for (const Piece& piece : data_[Split::train]) pieces.push_back(piece.sequence);
  for (const int labels : {0, 2}) {
    VaeConfig config = tiny_vae();
    config.embedding = 16;
    config.hidden = 48;
    config.latent = 24;
    config.segments = 3;
    config.labels = labels;
    Vae model(*cpu, config);
    model.initialize(5);
    Dataset data = data_;
    for (std::size_t p = 0; labels > 0 && p < pieces.size(); ++p) {
      data[Split::train][p].label = static_cast<std::int32_t>(p % 2);
    }
    train(model, batch_of(data, {0, 1, 2, 3, 4}, kSteps), 200);
    const auto size = static_cast<std::size_t>(model.parameters().value("mean.weight").count());
    model.parameters().upload("mean.weight", std::vector<double>(size, 0.0));
    const auto weights = model.parameters().download("decoder.lstm.weight_ih_l0");
    const std::vector<std::int32_t> styles =
        labels > 0 ? std::vector<std::int32_t>{0, 1, 0, 1, 0} : std::vector<std::int32_t>{};
    const std::vector<Code> plain = encode(model, pieces);
    EXPECT_NE(decode(model, plain, {.labels = styles}), pieces);
    EXPECT_EQ(fit_codes(model, pieces, {.labels = styles, .updates = 0}), plain);
    const std::vector<Code> fitted = fit_codes(model, pieces, {.labels = styles});
    EXPECT_EQ(decode(model, fitted, {.labels = styles}), pieces);
    EXPECT_EQ(model.parameters().download("decoder.lstm.weight_ih_l0"), weights);
    const auto gradients = download_real(*cpu, model.parameters().gradients());
    EXPECT_TRUE(std::all_of(gradients.begin(), gradients.end(), [](double g) { return g == 0.0; }));
    test::expect_error<ArgumentError>(
        [&] { fit_codes(model, pieces, {.labels = styles, .updates = -1}); }, "updates is -1");
  }
}

// Pieces of style 0 are even, those of style 1 odd; what a code must say is where they begin.
TEST_F(VaeTest, LabelTellsTheStyleWhateverTheCode) {
  const auto cpu = make_backend("cpu");
  Dataset data = tiny_pieces();
  data.labels = {"even", "odd"};
  std::vector<Piece>& train_pieces = data[Split::train];
  train_pieces.resize(4);
  std::vector<Sequence> pieces;
  for (std::size_t p = 0; p < train_pieces.size(); ++p) {
    Piece& piece = train_pieces[p];
    piece.label = static_cast<std::int32_t>(p % 2);
    for (std::size_t t = 0; t < piece.sequence.size(); ++t) {
      const std::size_t begin = p / 2 * 3;
      piece.sequence.tokens[t] = static_cast<std::int32_t>((begin + t) % 6 * 2 + p % 2);
    }
    pieces.push_back(piece.sequence);
  }
  for (const int segments : {1, 3}) {
    VaeConfig config = tiny_vae();
    config.embedding = 16;
    config.hidden = 32;
    config.segments = segments;
    config.labels = 2;
    config.label_embedding = 4;
    Vae model(*cpu, config);
    model.check_data(data);
    model.initialize(5);
    train(model, batch_of(data, {0, 1, 2, 3}, kSteps), 400);
    const std::vector<Code> codes = encode(model, pieces);
    EXPECT_EQ(decode(model, codes, {.labels = {0, 1, 0, 1}}), pieces);
    EXPECT_EQ(reconstruct(model, data, Split::train, 3).whole_pieces, 1.0);
    for (const std::int32_t style : {0, 1}) {
      const std::vector<std::int32_t> labels(codes.size(), style);
      for (const Sequence& piece : decode(model, codes, {.labels = labels, .batch_size = 3})) {
        ASSERT_GT(piece.size(), 0U);
        for (const std::int32_t token : piece.tokens) EXPECT_EQ(token % 2, style);
      }
    }
  }
}

TEST(Interpolation, GoesAlongAnArc) {
  const Code right = {2.0F, 0.0F};
  const Code up = {0.0F, 2.0F};
  const Code middle = interpolate(right, up, 0.5);
  EXPECT_NEAR(middle[0], std::numbers::sqrt2, 1e-6);
  EXPECT_NEAR(middle[1], std::numbers::sqrt2, 1e-6);
  // Along the line where there is no arc to choose.
  EXPECT_EQ(interpolate(right, {-2.0F, 0.0F}, 0.25), (Code{1.0F, 0.0F}));
  EXPECT_EQ(interpolate(right, {4.0F, 0.0F}, 0.5), (Code{3.0F, 0.0F}));
  EXPECT_EQ(interpolate(right, {0.0F, 0.0F}, 0.5), (Code{1.0F, 0.0F}));
}

TEST(AttributeDirection, GoesFromFewToMany) {
  const std::vector<Code> codes = {
      {0.0F, 1.0F}, {2.0F, 1.0F}, {1.0F, 9.0F}, {4.0F, 2.0F}, {6.0F, 0.0F}};
  const double notes[] = {1, 2, 5, 8, 9};
  EXPECT_EQ(attribute_direction(codes, notes), (Code{4.0F, 0.0F}));
  EXPECT_EQ(moved(codes[2], {4.0F, 0.0F}, -0.5), (Code{-1.0F, 9.0F}));
  const double same[] = {3, 3, 3, 3, 4};
  test::expect_error<ArgumentError>([&] { attribute_direction(codes, same); },
                                    "1 are above their median and 0 below it");
  test::expect_error<ArgumentError>([&] { attribute_direction(codes, std::span(notes, 2)); },
                                    "5 codes and 2 values");
}

TEST(PriorCode, IsItsOwnForEverySequence) {
  const VaeConfig config = tiny_vae();
  EXPECT_EQ(prior_code(config, 1, 2), prior_code(config, 1, 2));
  EXPECT_NE(prior_code(config, 1, 2), prior_code(config, 1, 3));
  EXPECT_NE(prior_code(config, 1, 2), prior_code(config, 2, 2));
}

TEST_F(VaeTest, FileBringsModelAndMeaningBack) {
  const test::TmpDir folder;
  const auto path = folder / "m.safetensors";
  const auto tokenizer = make_tokenizer("ids", "vocabulary=12");
  for (const Variational variational : {Variational::no, Variational::yes}) {
    VaeConfig config = tiny_vae();
    config.variational = variational;
    config.segments = 3;
    const std::vector<std::string> labels = {"jig", "reel"};
    if (variational == Variational::yes) {
      config.free_bits = 2.5;
      config.labels = 2;
    }
    Vae model(*backend_, config);
    model.initialize(3);
    const MusicInfo music = {.bars = 2, .metres = {{0, 6, 8}, {0, 2, 2}}};
    save_model(model, *tokenizer, path, {.labels = labels, .music = music});
    EXPECT_EQ(read_model_kind(path), variational == Variational::yes ? "vae" : "autoencoder");
    const LoadedVae loaded = load_vae(path, *backend_);
    EXPECT_EQ(loaded.info.config, config);
    EXPECT_EQ(loaded.info.tokenizer_name, "ids");
    EXPECT_EQ(loaded.info.music, music);
    EXPECT_EQ(loaded.info.labels, config.labels > 0 ? labels : std::vector<std::string>());
    EXPECT_EQ(loaded.info.parameter_count, model.parameters().count());
    for (const ParameterSpec& spec : model.parameters().specs()) {
      EXPECT_EQ(loaded.model->parameters().download(spec.name),
                model.parameters().download(spec.name));
    }
  }
  test::expect_error<FormatError>([&] { load_model(path, *backend_); }, "expected 'lm'");
  const LanguageModel lm(*backend_, {.width = 12});
  save_model(lm, *tokenizer, path);
  test::expect_error<FormatError>([&] { load_vae(path, *backend_); },
                                  "kind of model is 'lm', expected 'vae'");
}

TEST_F(VaeTest, RefusesWhatCannotBe) {
  const auto refuses = [](auto change, const std::string& text) {
    VaeConfig config = tiny_vae();
    change(config);
    test::expect_error<ArgumentError>([&] { config.validate(); }, text);
  };
  refuses([](VaeConfig& c) { c.segments = 5; }, "12 steps are no 5 segments of equal length");
  refuses([](VaeConfig& c) { c.latent = 0; }, "latent is 0, expected 1 to 65536");
  refuses([](VaeConfig& c) { c.kl_weight = -1; }, "kl_weight is -1");
  refuses([](VaeConfig& c) { c.dropout = 1; }, "dropout is 1, expected [0, 1)");
  Vae model(*backend_, tiny_vae());
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_pairs()); },
                                    "holds pairs for a seq2seq model");
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_tokens()); },
                                    "tokens, the model takes up to 12");
  test::expect_error<ArgumentError>([&] { model.check_data(test::tiny_frames()); }, "88 keys");
  test::expect_error<ArgumentError>([&] { encode(model, std::vector<Sequence>(1)); },
                                    "has 0 tokens, expected 1 to 12");
  test::expect_error<ArgumentError>(
      [&] {
        encode(model, std::vector{Sequence{.tokens = {3, 12}}});
      },
      "token 12 is outside");
  test::expect_error<ArgumentError>([&] { decode(model, std::vector<Code>(1, Code{1.0F})); },
                                    "a code has 1 numbers, expected 3");
  test::expect_error<ArgumentError>([&] { decode(model, {}, {.labels = {0}}); },
                                    "1 labels for 0 codes and a model of 0 labels");
  VaeConfig styles = tiny_vae();
  styles.labels = 2;
  Vae styled(*backend_, styles);
  test::expect_error<ArgumentError>([&] { styled.check_data(test::with_labels(data_)); },
                                    "the data has 3 labels, the model is conditioned on 2");
  const std::vector<Code> code(1, Code(3));
  test::expect_error<ArgumentError>([&] { decode(styled, code); },
                                    "0 labels for 1 codes and a model of 2 labels");
  test::expect_error<ArgumentError>([&] { decode(styled, code, {.labels = {2}}); },
                                    "label 2 of a model of 2 labels");
}

}  // namespace
}  // namespace cadenza
