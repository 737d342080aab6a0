// SPDX-License-Identifier: Apache-2.0
#include "cadenza/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "nn/host_copy.h"
#include "support/expect_error.h"
#include "support/tiny_data.h"
#include "train/batches.h"

namespace cadenza {
namespace {

constexpr Scoring kScorings[] = {Scoring::none, Scoring::additive, Scoring::dot, Scoring::general};

/// A model of tiny_pairs() whose logits are sharp enough to depend on the source, and which ends
/// its targets rarely enough for them to be of some length.
std::unique_ptr<Seq2Seq> make_model(Backend& backend, Scoring scoring, DType dtype = DType::f32,
                                    InputFeeding feeding = InputFeeding::no) {
  const Seq2SeqConfig config = {.source_width = 11,
                                .width = 12,
                                .embedding = 6,
                                .cell = CellKind::gru,
                                .layers = 2,
                                .hidden = 10,
                                .attention = scoring,
                                .input_feeding = feeding};
  auto model = std::make_unique<Seq2Seq>(backend, config, dtype);
  model->initialize(4);
  for (const ParameterSpec& spec : model->parameters().specs()) {
    if (spec.name.find("bias") != std::string::npos) continue;
    std::vector<double> values = model->parameters().download(spec.name);
    for (double& value : values) value *= 2.5;
    model->parameters().upload(spec.name, values);
  }
  return model;
}

std::vector<Sequence> some_sources() {
  const Dataset data = test::tiny_pairs();
  std::vector<Sequence> sources;
  for (const Piece& piece : data[Split::train]) sources.push_back(piece.source);
  return sources;
}

/// Log probability of a target, with its end if `ended`, by the way that training goes.
double log_probability(Seq2Seq& model, const Sequence& source, const Transformed& target) {
  Dataset data = test::tiny_pairs();
  data[Split::train] = {{.name = "", .sequence = target.sequence, .source = source}};
  EpochBatches batches(batch_source(data, Split::train, 1, 1), {0}, false);
  Arena arena(model.backend());
  Tape tape(model.backend(), arena, model.parameters().dtype(), GradMode::none);
  std::vector<double> losses =
      download_real(model.backend(), model.loss(tape, *batches.next(), {}, {}, 1.0));
  if (!target.ended) losses.pop_back();
  return -std::accumulate(losses.begin(), losses.end(), 0.0);
}

TEST(Transform, LogProbabilityIsThatOfTheLoss) {
  const auto backend = make_backend("reference");
  const std::vector<Sequence> sources = some_sources();
  for (const Scoring scoring : kScorings) {
    for (const InputFeeding feeding : {InputFeeding::no, InputFeeding::yes}) {
      if (scoring == Scoring::none && feeding == InputFeeding::yes) continue;
      const auto model = make_model(*backend, scoring, DType::f64, feeding);
      for (const int beam : {1, 3}) {
        const auto found = transform(*model, sources, {.num_steps = 30, .beam = beam});
        for (std::size_t i = 0; i < found.size(); ++i) {
          EXPECT_NEAR(found[i].log_probability, log_probability(*model, sources[i], found[i]), 1e-9)
              << name_of(scoring) << ", beam " << beam << ", source " << i;
        }
      }
    }
  }
}

TEST(Transform, ABeamIsNeverLessLikelyThanGreedyAndSometimesMore) {
  const auto backend = make_backend("reference");
  const std::vector<Sequence> sources = some_sources();
  int better = 0;
  for (const Scoring scoring : kScorings) {
    const auto model = make_model(*backend, scoring, DType::f64);
    const auto greedy = transform(*model, sources, {.num_steps = 30, .beam = 1});
    for (const int beam : {2, 4, 7}) {
      const auto found = transform(*model, sources, {.num_steps = 30, .beam = beam});
      for (std::size_t i = 0; i < sources.size(); ++i) {
        EXPECT_GE(found[i].log_probability, greedy[i].log_probability);
        better += found[i].log_probability > greedy[i].log_probability + 1e-9 ? 1 : 0;
      }
    }
  }
  EXPECT_GT(better, 0);
}

// All targets of up to two tokens, one by one.
TEST(Transform, AWideBeamFindsTheLikeliestOfAll) {
  const auto backend = make_backend("reference");
  const auto model = make_model(*backend, Scoring::general, DType::f64);
  // Targets end at once or soon, so that two tokens suffice to see the best.
  auto bias = model->parameters().download("output.bias");
  bias.back() += 9.0;
  model->parameters().upload("output.bias", bias);
  for (const Sequence& source : some_sources()) {
    Transformed best;
    best.log_probability = -INFINITY;
    const auto consider = [&](std::vector<std::int32_t> tokens) {
      Transformed target;
      target.sequence.tokens = std::move(tokens);
      target.ended = true;
      target.log_probability = log_probability(*model, source, target);
      if (target.log_probability > best.log_probability) best = target;
    };
    for (std::int32_t a = 0; a < 12; ++a) {
      consider({a});
      for (std::int32_t b = 0; b < 12; ++b) consider({a, b});
    }
    const Transformed found = transform(*model, {source}, {.num_steps = 30, .beam = 200}).front();
    EXPECT_GE(found.log_probability, best.log_probability - 1e-9);
    if (!found.sequence.tokens.empty() && found.sequence.size() <= 2) {
      EXPECT_EQ(found.sequence, best.sequence);
    }
  }
}

TEST(Transform, DoesNotDependOnTheBatch) {
  for (const std::string_view name : {"reference", "cpu"}) {
    const auto backend = make_backend(name, {.threads = 2});
    const auto model = make_model(*backend, Scoring::additive);
    const std::vector<Sequence> sources = some_sources();
    for (const int beam : {0, 3}) {
      TransformRequest request = {.num_steps = 40, .beam = beam, .seed = 6};
      const auto together = transform(*model, sources, request);
      request.batch_size = 1;
      const auto alone = transform(*model, sources, request);
      for (std::size_t i = 0; i < sources.size(); ++i) {
        EXPECT_EQ(together[i].sequence, alone[i].sequence) << name << ", beam " << beam;
        EXPECT_EQ(together[i].log_probability, alone[i].log_probability);
      }
      request.first_sequence = 2;
      EXPECT_EQ(transform(*model, {sources[2]}, request).front().sequence, together[2].sequence);
    }
  }
}

TEST(Transform, DrawsFollowTheSeedAndTheParameters) {
  const auto backend = make_backend("reference");
  const auto model = make_model(*backend, Scoring::dot);
  const std::vector<Sequence> sources = some_sources();
  const auto draw = [&](std::uint64_t seed, double temperature) {
    TransformRequest request = {.num_steps = 40, .seed = seed};
    request.sampling.temperature = temperature;
    std::vector<Sequence> targets;
    for (Transformed& one : transform(*model, sources, request)) {
      targets.push_back(std::move(one.sequence));
    }
    return targets;
  };
  EXPECT_EQ(draw(1, 1.0), draw(1, 1.0));
  EXPECT_NE(draw(1, 1.0), draw(2, 1.0));
  std::vector<Sequence> greedy;
  for (Transformed& one : transform(*model, sources, {.num_steps = 40, .beam = 1})) {
    greedy.push_back(std::move(one.sequence));
  }
  EXPECT_EQ(draw(1, 0.0), greedy);
}

TEST(Transform, StopsAtTheLimit) {
  const auto backend = make_backend("reference");
  const auto model = make_model(*backend, Scoring::general);
  auto bias = model->parameters().download("output.bias");
  bias.back() = -1e4;
  model->parameters().upload("output.bias", bias);
  for (const int beam : {0, 1, 4}) {
    for (const Transformed& one :
         transform(*model, some_sources(), {.num_steps = 7, .beam = beam})) {
      EXPECT_FALSE(one.ended);
      EXPECT_EQ(one.sequence.size(), 7U);
    }
  }
}

TEST(Transform, RefusesWhatMakesNoSense) {
  const auto backend = make_backend("reference");
  const auto model = make_model(*backend, Scoring::none);
  const auto refused = [&](const Sequence& source, const TransformRequest& request,
                           std::string_view text) {
    test::expect_error<ArgumentError>([&] { transform(*model, {source}, request); }, text);
  };
  const Sequence source = {.tokens = {1, 2}, .frames = {}};
  refused(source, {.num_steps = 0}, "num_steps is 0");
  refused(source, {.beam = -1}, "beam is -1");
  refused(source, {.batch_size = 0}, "batch_size is 0");
  refused(source, {.first_sequence = -3}, "first_sequence is -3");
  refused({}, {}, "a source holds no token");
  refused({.tokens = {11}, .frames = {}}, {}, "token 11, the vocabulary is 0 to 10");
}

}  // namespace
}  // namespace cadenza
