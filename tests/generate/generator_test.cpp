// SPDX-License-Identifier: Apache-2.0
#include "cadenza/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "cadenza/error.h"
#include "generate/instrument.h"
#include "support/expect_error.h"
#include "support/sanitizer.h"

namespace cadenza {
namespace {

using test::Instrument;
using test::log_probability;
using test::primer_for;
using test::run;

Instrument make(Head head, CellKind cell, std::string_view backend = "auto", int threads = 1,
                const std::vector<Condition>& conditions = {}) {
  const bool tokens = head == Head::softmax;
  return test::make_instrument({.head = head,
                                .embedding = tokens && cell != CellKind::gru ? 11 : 0,
                                .cell = cell,
                                .conditions = conditions},
                               backend, threads);
}

// The promise: sequence k of a seed is the same alone, in a batch of 256, in odd batches, with one
// thread and with two.
TEST(Generator, SequenceIsTheSameHoweverItIsComputed) {
  for (const BackendInfo& info : backends()) {
    if (!info.available) continue;
    for (const CellInfo& cell : cells()) {
      for (const Head head : {Head::softmax, Head::bernoulli, Head::nade}) {
        const Instrument one = make(head, cell.kind, info.name, 1);
        const Instrument two = make(head, cell.kind, info.name, 2);
        const bool fast = info.name != "reference";
        const GenerationRequest batch = {.num_outputs = fast ? 256 : 9,
                                         .num_steps = 20,
                                         .seed = 11,
                                         .sampling = {{.temperature = 0.9, .top_p = 0.95}},
                                         .primer = primer_for(head)};
        const auto all = run(one, batch);
        GenerationRequest odd = batch;
        odd.batch_size = 7;
        const auto in_sevens = run(two, odd);
        ASSERT_EQ(all.size(), in_sevens.size());
        for (std::size_t k = 0; k < all.size(); ++k) {
          ASSERT_EQ(all[k].sequence, in_sevens[k].sequence)
              << info.name << " " << cell.name << " " << name_of(head) << " sequence " << k;
          ASSERT_EQ(all[k].log_probability, in_sevens[k].log_probability);
        }
        for (const std::int64_t k : {std::int64_t{0}, batch.num_outputs - 2}) {
          GenerationRequest alone = batch;
          alone.first_sequence = k;
          alone.num_outputs = 1;
          const auto single = run(two, alone);
          EXPECT_EQ(single[0].sequence, all[static_cast<std::size_t>(k)].sequence);
          EXPECT_EQ(single[0].number, k);
        }
      }
    }
  }
}

TEST(Generator, SequencesOfABatchDiffer) {
  const Instrument instrument = make(Head::softmax, CellKind::lstm);
  const auto all = run(instrument, {.num_outputs = 8, .num_steps = 30});
  for (std::size_t k = 1; k < all.size(); ++k) EXPECT_NE(all[k].sequence, all[0].sequence);
}

TEST(Generator, SeedChangesTheMusic) {
  const Instrument instrument = make(Head::softmax, CellKind::lstm);
  const auto a = run(instrument, {.num_steps = 30, .seed = 1});
  const auto b = run(instrument, {.num_steps = 30, .seed = 2});
  EXPECT_NE(a[0].sequence, b[0].sequence);
}

TEST(Generator, BeginsWithThePrimerAndHeedsIt) {
  for (const Head head : {Head::softmax, Head::bernoulli}) {
    const Instrument instrument = make(head, CellKind::lstm);
    GenerationRequest request = {.num_steps = 12, .sampling = {{.temperature = 0.0}}};
    request.primer = primer_for(head);
    const auto primed = run(instrument, request)[0].sequence;
    EXPECT_EQ(primed.size(), 17U);
    if (head == Head::softmax) {
      EXPECT_TRUE(std::equal(request.primer.tokens.begin(), request.primer.tokens.end(),
                             primed.tokens.begin()));
      // Greedy generation from the primer's first tokens must reproduce itself: reading a longer
      // primer that ends with generated tokens continues as before.
      GenerationRequest longer = request;
      longer.primer.tokens.assign(primed.tokens.begin(), primed.tokens.begin() + 11);
      longer.num_steps = 6;
      EXPECT_EQ(run(instrument, longer)[0].sequence, primed);
    }
  }
}

// Cut at any step and taken as the primer, a piece goes on as it did, from the same noise.
TEST(Generator, GoesOnFromAnyStepOfItsOwn) {
  for (const CellInfo& cell : cells()) {
    const Instrument instrument = make(Head::softmax, cell.kind);
    const GenerationRequest whole = {.num_outputs = 5, .num_steps = 40, .seed = 8};
    const auto pieces = run(instrument, whole);
    for (const std::int64_t step : {1, 17, 39}) {
      for (const std::int64_t k : {0, 4}) {
        const std::vector<std::int32_t>& tokens =
            pieces[static_cast<std::size_t>(k)].sequence.tokens;
        GenerationRequest rest = whole;
        rest.first_sequence = k;
        rest.num_outputs = 1;
        rest.first_step = step;
        rest.num_steps = 40 - step;
        rest.primer.tokens.assign(tokens.begin(), tokens.begin() + step);
        EXPECT_EQ(run(instrument, rest).front().sequence.tokens, tokens) << cell.name << step;
        rest.first_step = 0;
        if (step == 39) continue;  // a single token may well be the same
        EXPECT_NE(run(instrument, rest).front().sequence.tokens, tokens);
      }
    }
  }
}

TEST(Generator, DrawsOnlyAllowedTokens) {
  const Instrument instrument = make(Head::softmax, CellKind::gru);
  GenerationRequest request = {.num_outputs = 16, .num_steps = 50};
  request.allowed.assign(37, false);
  request.allowed[3] = request.allowed[33] = true;
  for (const Generated& generated : run(instrument, request)) {
    for (const std::int32_t token : generated.sequence.tokens) {
      EXPECT_TRUE(token == 3 || token == 33) << token;
    }
  }
}

std::vector<Condition> some_conditions() {
  return {{.kind = ConditionKind::label, .values = 3, .embedding = 4},
          {.kind = ConditionKind::key, .values = 24, .embedding = 5},
          {.kind = ConditionKind::histogram, .values = 12, .embedding = 6}};
}

/// Half of it one pitch class.
ConditionValue histogram(std::size_t most) {
  std::vector<float> shares(12, 0.5F / 11);
  shares[most] = 0.5F;
  return ConditionValue(shares);
}

// What training reads at every step lies folded into the weights here.
TEST(Generator, FollowsItsConditions) {
  for (const Head head : {Head::softmax, Head::bernoulli, Head::nade}) {
    for (const std::string_view backend : {"reference", "cpu"}) {
      const Instrument instrument = make(head, CellKind::lstm, backend, 1, some_conditions());
      std::vector<Sequence> songs;
      for (const std::vector<ConditionValue>& told :
           {std::vector<ConditionValue>{0, 0, histogram(0)},
            {2, 0, histogram(0)},
            {2, 23, histogram(0)},
            {2, 23, histogram(7)}}) {
        const Generated song =
            run(instrument, {.num_steps = 30, .seed = 2, .conditions = told}).front();
        EXPECT_NEAR(song.log_probability, log_probability(*instrument.model, song.sequence, told),
                    1e-5 * std::abs(song.log_probability));
        songs.push_back(song.sequence);
      }
      EXPECT_NE(songs[0], songs[1]);
      EXPECT_NE(songs[1], songs[2]);
      EXPECT_NE(songs[2], songs[3]);
    }
  }
}

TEST(Generator, BiasTiltsTheDraw) {
  const Instrument instrument = make(Head::softmax, CellKind::gru);
  GenerationRequest request = {.num_steps = 40};
  request.bias.assign(37, 0.0F);
  request.bias[5] = 1000.0F;
  const auto tokens = run(instrument, request)[0].sequence.tokens;
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 5), 40);
}

TEST(Generator, PenaltiesKeepTokensFromRepeating) {
  const Instrument instrument = make(Head::softmax, CellKind::lstm);
  GenerationRequest request = {.num_steps = 37, .penalty_window = 37};
  request.sampling[0] = {.temperature = 0.0, .presence_penalty = 1e6};
  auto tokens = run(instrument, request)[0].sequence.tokens;
  std::sort(tokens.begin(), tokens.end());
  EXPECT_EQ(std::unique(tokens.begin(), tokens.end()), tokens.end());
}

TEST(Generator, RowsMayDrawDifferently) {
  const Instrument instrument = make(Head::softmax, CellKind::lstm);
  GenerationRequest request = {.num_outputs = 2, .num_steps = 25, .seed = 4};
  request.sampling = {{.temperature = 0.0}, {.temperature = 1.0}};
  const auto mixed = run(instrument, request);
  request.sampling = {{.temperature = 0.0}};
  EXPECT_EQ(mixed[0].sequence, run(instrument, request)[0].sequence);
  request.sampling = {{.temperature = 1.0}};
  EXPECT_EQ(mixed[1].sequence, run(instrument, request)[1].sequence);
}

TEST(Generator, NeverLeavesTheMaskInAMillionTokens) {
  const Instrument instrument = make(Head::softmax, CellKind::gru, "cpu", 2);
  GenerationRequest request = {.num_outputs = 1000 / test::kSanitizerCut, .num_steps = 1000};
  request.sampling = {{.temperature = 4.0, .top_p = 0.99}};
  for (int id = 0; id < 37; ++id) request.allowed.push_back(id % 3 != 1);
  std::int64_t outside = 0;
  std::int64_t tokens = 0;
  for (const Generated& piece : run(instrument, request)) {
    for (const std::int32_t token : piece.sequence.tokens) outside += token % 3 == 1 ? 1 : 0;
    tokens += static_cast<std::int64_t>(piece.sequence.size());
  }
  EXPECT_EQ(outside, 0);
  EXPECT_EQ(tokens, 1'000'000 / test::kSanitizerCut) << test::kSanitizerNote;
}

TEST(Generator, NamesWhatIsWrongWithARequest) {
  const Instrument instrument = make(Head::softmax, CellKind::lstm);
  const auto refusal = [&](auto change) {
    GenerationRequest request;
    change(request);
    try {
      run(instrument, request);
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using Request = GenerationRequest;
  EXPECT_NE(refusal([](Request& r) { r.num_outputs = 0; }).find("num_outputs"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.first_step = -1; }).find("first_step"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.sampling[0].top_p = 0; }).find("top_p"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.primer.tokens = {37}; }).find("37"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.primer.frames = {Frame()}; }).find("primer"),
            std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.allowed = {true}; }).find("allowed"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.sampling.resize(3); }).find("sampling"), std::string::npos);
  EXPECT_NE(refusal([](Request& r) { r.conditions = {0}; }).find("1 conditions are given"),
            std::string::npos);
  const Instrument told = make(Head::softmax, CellKind::lstm, "auto", 1, some_conditions());
  test::expect_error<ArgumentError>([&] { run(told, {.conditions = {1}}); },
                                    "1 conditions are given, the model has 3");
  test::expect_error<ArgumentError>(
      [&] {
        run(told, {.conditions = {-1, 0, histogram(0)}});
      },
      "condition label is -1, expected 0 to 2");
  test::expect_error<ArgumentError>(
      [&] {
        run(told, {.conditions = {0, 24, histogram(0)}});
      },
      "condition key is 24, expected 0 to 23");
  test::expect_error<ArgumentError>(
      [&] {
        run(told, {.conditions = {0, 0, 7}});
      },
      "condition histogram is 0 shares that sum to 0, expected 12 from 0 that sum to 1");
  test::expect_error<ArgumentError>(
      [&] {
        run(told, {.conditions = {0, 0, ConditionValue(std::vector<float>(12, 1.0F))}});
      },
      "condition histogram is 12 shares that sum to 12");
}

}  // namespace
}  // namespace cadenza
