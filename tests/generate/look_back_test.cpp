// SPDX-License-Identifier: Apache-2.0
// Generation with language models that attend to their own past and look back on tokens.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "generate/instrument.h"
#include "generate/tail_likelihood.h"

namespace cadenza {
namespace {

using test::Instrument;
using test::log_probability;
using test::primer_for;
using test::run;

/// Models that look back in each way, and in all of them at once; windows and distances that end
/// within the pieces of these tests.
std::vector<LanguageModelConfig> configs() {
  std::vector<LanguageModelConfig> all = {
      {.embedding = 11, .attention_length = 7},
      {.attention_length = 1},
      {.embedding = 11, .lookback = {1, 4, 13}},
      {.embedding = 11, .position_bits = 3},
      {.embedding = 11,
       .cell = CellKind::gru,
       .conditions = {{.kind = ConditionKind::label, .values = 3, .embedding = 4}},
       .dense = {{.units = 9}},
       .attention_length = 9,
       .lookback = {5, 10},
       .position_bits = 4},
      {.head = Head::nade, .attention_length = 6, .position_bits = 5},
      {.head = Head::bernoulli, .cell = CellKind::rnn_tanh, .attention_length = 30}};
  return all;
}

std::vector<ConditionValue> conditions_of(const LanguageModelConfig& config) {
  return std::vector<ConditionValue>(config.conditions.size(), 2);
}

GenerationRequest request_for(const LanguageModelConfig& config) {
  return {.num_outputs = 3,
          .num_steps = 70,  // more than a chunk
          .seed = 12,
          .conditions = conditions_of(config)};
}

const std::vector<std::string_view> kBackends = {"reference", "cpu"};

TEST(LookBack, DrawsWithTheProbabilitiesOfTheLoss) {
  for (const std::string_view backend : kBackends) {
    for (const LanguageModelConfig& config : configs()) {
      const Instrument instrument = test::make_instrument(config, backend);
      GenerationRequest request = request_for(config);
      for (const bool primed : {false, true}) {
        if (primed) request.primer = primer_for(config.head);
        for (const Generated& piece : run(instrument, request)) {
          const double drawn = piece.log_probability;
          for (const std::int64_t stretch : {1000, 6}) {
            EXPECT_NEAR(drawn,
                        log_probability(*instrument.model, piece.sequence, request.conditions,
                                        request.primer.size(), stretch),
                        1e-4 * std::abs(drawn))
                << backend << ", " << instrument.model->summary() << ", stretches of " << stretch;
          }
        }
      }
    }
  }
}

TEST(LookBack, AttentionChoosesWhatItLooksAt) {
  for (const LanguageModelConfig& config : configs()) {
    if (config.attention_length == 0) continue;
    const Instrument instrument = test::make_instrument(config);
    LanguageModel& model = *instrument.model;
    const Sequence piece = run(instrument, request_for(config))[0].sequence;
    const double chosen = log_probability(model, piece, conditions_of(config));
    std::vector<double> query = model.parameters().download("attention.query.weight");
    std::fill(query.begin(), query.end(), 0.0);
    model.parameters().upload("attention.query.weight", query);
    const double mean = log_probability(model, piece, conditions_of(config));
    if (config.attention_length == 1) {
      EXPECT_EQ(chosen, mean);  // there is nothing to choose from
    } else {
      EXPECT_GT(std::abs(chosen - mean), 1e-4 * std::abs(mean)) << model.summary();
    }
  }
}

TEST(LookBack, SequenceIsTheSameHoweverItIsComputed) {
  for (const BackendInfo& info : backends()) {
    if (!info.available) continue;
    for (const LanguageModelConfig& config : configs()) {
      const Instrument one = test::make_instrument(config, info.name, 1);
      const Instrument two = test::make_instrument(config, info.name, 2);
      GenerationRequest request = request_for(config);
      request.num_outputs = 9;
      request.primer = primer_for(config.head);
      const auto all = run(one, request);
      GenerationRequest odd = request;
      odd.batch_size = 4;
      const auto in_fours = run(two, odd);
      for (std::size_t k = 0; k < all.size(); ++k) {
        EXPECT_EQ(all[k].sequence, in_fours[k].sequence) << one.model->summary() << " " << k;
        EXPECT_EQ(all[k].log_probability, in_fours[k].log_probability);
      }
    }
  }
}

TEST(LookBack, GoesOnFromAnyStepOfItsOwn) {
  for (const LanguageModelConfig& config : configs()) {
    if (config.step_kind() == StepKind::frame) continue;
    const Instrument instrument = test::make_instrument(config, "cpu");
    const GenerationRequest whole = request_for(config);
    const std::vector<std::int32_t> tokens = run(instrument, whole)[1].sequence.tokens;
    for (const std::int64_t step : {1, 9, 31, 69}) {
      GenerationRequest rest = whole;
      rest.first_sequence = 1;
      rest.num_outputs = 1;
      rest.first_step = step;
      rest.num_steps = whole.num_steps - step;
      rest.primer.tokens.assign(tokens.begin(), tokens.begin() + step);
      EXPECT_EQ(run(instrument, rest).front().sequence.tokens, tokens)
          << instrument.model->summary() << ", step " << step;
    }
  }
}

TEST(LookBack, KeepsPenaltiesMasksAndEnds) {
  const Instrument instrument = test::make_instrument(configs().front(), "cpu");
  GenerationRequest request = {.num_steps = 18, .penalty_window = 37};
  request.sampling[0] = {.temperature = 0.0, .presence_penalty = 1e6};
  for (int id = 0; id < test::kInstrumentTokens; ++id) request.allowed.push_back(id % 2 == 0);
  std::vector<std::int32_t> tokens = run(instrument, request)[0].sequence.tokens;
  std::sort(tokens.begin(), tokens.end());
  EXPECT_EQ(std::unique(tokens.begin(), tokens.end()), tokens.end());
  for (const std::int32_t token : tokens) EXPECT_EQ(token % 2, 0);
}

TEST(LookBack, IsPlannedStepByStep) {
  for (const LanguageModelConfig& config : configs()) {
    const Instrument instrument = test::make_instrument(config, "cpu");
    EXPECT_EQ(Generator(*instrument.model, *instrument.tokenizer).plan(request_for(config)).kernel,
              "step by step");
  }
}

// What infilling weighs continuations with, over more than one stretch of memory.
TEST(LookBack, GivesTailsTheirLikelihood) {
  for (const LanguageModelConfig& config : configs()) {
    if (config.step_kind() == StepKind::frame) continue;
    const Instrument instrument = test::make_instrument(config, "cpu");
    GenerationRequest request = request_for(config);
    request.num_steps = 300;
    std::vector<Tail> tails;
    for (const Generated& piece : run(instrument, request)) {
      tails.push_back({.sequence = piece.sequence, .begin = 250 + tails.size()});
      tails.back().sequence.tokens.resize(300 - 10 * tails.size());
    }
    const auto found = tail_likelihoods(*instrument.model, tails, request.conditions, 2);
    for (std::size_t i = 0; i < tails.size(); ++i) {
      EXPECT_NEAR(
          found[i],
          log_probability(*instrument.model, tails[i].sequence, request.conditions, tails[i].begin),
          1e-4 * std::abs(found[i]))
          << instrument.model->summary();
    }
  }
}

}  // namespace
}  // namespace cadenza
