// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cadenza/error.h"
#include "support/expect_error.h"

namespace cadenza {
namespace {

constexpr int kTokens = 3;
constexpr double kSure = 20.0;  // tanh of it is 1 in f32

/// Strengths of the couplings of a grid of two steps and two voices: log p(x) is, up to a constant,
/// the sum of `in_time[v]` where voice v goes from one token to another, and of `in_step` between
/// the voices of each step.
struct Couplings {
  using Table = std::array<std::array<double, kTokens>, kTokens>;
  std::array<Table, 2> in_time;
  Table in_step;
};

const Couplings kCouplings = {
    .in_time = {{{{{1.2, -0.4, 0.1}, {0.3, 0.8, -1.0}, {-0.5, 0.2, 0.9}}},
                 {{{-0.6, 0.7, 0.0}, {0.9, -0.3, 0.5}, {0.2, 1.1, -0.8}}}}},
    .in_step = {{{0.9, -0.7, 0.3}, {-0.2, 1.0, 0.4}, {0.6, -0.1, -0.5}}}};

/// Writes numbers into the named arrays of a model whose others are zero.
class Weights {
 public:
  explicit Weights(Infiller& model) : model_(model) {
    for (const ParameterSpec& spec : model.parameters().specs()) set(spec.name, {});
  }
  struct Entry {
    int row;
    int column;
    double value;
  };
  void set(const std::string& name, const std::vector<Entry>& entries) {
    const Shape shape = model_.parameters().value(name).shape;
    std::vector<double> values(static_cast<std::size_t>(shape.count()), 0.0);
    const auto columns = shape.rank() == 1 ? 1 : shape[1];
    for (const Entry& entry : entries) {
      values[static_cast<std::size_t>(entry.row * columns + entry.column)] = entry.value;
    }
    model_.parameters().upload(name, values);
  }

 private:
  Infiller& model_;
};

/// A model that is made to say exactly the conditionals of `kCouplings`. A token is one number of
/// its embedding, the voice another; the layers over past and future remember the step next to the
/// place. Hidden unit (what, voice, token) is 1 if that voice is asked for and the token stands in
/// the past (0), in the future (1) or beside (2), and the output adds up their couplings.
std::unique_ptr<Infiller> coupled_model(Backend& backend) {
  constexpr int kVoices = 2;
  constexpr int kEmbedding = kTokens + kVoices;
  constexpr int kHidden = 3 * kVoices * kTokens;
  auto model = std::make_unique<Infiller>(backend, InfillerConfig{.width = kTokens,
                                                                  .voices = kVoices,
                                                                  .period = 1,
                                                                  .embedding = kEmbedding,
                                                                  .cell = CellKind::rnn_tanh,
                                                                  .hidden = kHidden});
  Weights weights(*model);
  std::vector<Weights::Entry> identity;
  for (int k = 0; k < kTokens; ++k) identity.push_back({k, k, 1.0});
  weights.set("embedding.weight", identity);
  weights.set("voice.weight", {{0, kTokens, 1.0}, {1, kTokens + 1, 1.0}});
  // Recurrent unit v * kTokens + k: voice v of the step just read has token k.
  std::vector<Weights::Entry> memory;
  for (int v = 0; v < kVoices; ++v) {
    for (int k = 0; k < kTokens; ++k)
      memory.push_back({v * kTokens + k, v * kEmbedding + k, kSure});
  }
  weights.set("past.rnn.weight_ih_l0", memory);
  weights.set("future.rnn.weight_ih_l0", memory);

  // [past, future, beat, voices of the step, voice]
  const int beside = 2 * kHidden + kEmbedding;
  const int voice_begin = beside + kVoices * kEmbedding;
  std::vector<Weights::Entry> hidden;
  std::vector<Weights::Entry> bias;
  std::vector<Weights::Entry> output;
  for (int v = 0; v < kVoices; ++v) {
    for (int k = 0; k < kTokens; ++k) {
      const std::array<int, 3> columns = {v * kTokens + k, kHidden + v * kTokens + k,
                                          beside + (1 - v) * kEmbedding + k};
      for (int what = 0; what < 3; ++what) {
        const int unit = (what * kVoices + v) * kTokens + k;
        hidden.push_back({unit, columns[static_cast<std::size_t>(what)], 1.0});
        hidden.push_back({unit, voice_begin + kTokens + v, 1.0});
        bias.push_back({unit, 0, -1.0});
        for (int token = 0; token < kTokens; ++token) {
          const auto a = static_cast<std::size_t>(token);
          const auto b = static_cast<std::size_t>(k);
          const Couplings::Table& time = kCouplings.in_time[static_cast<std::size_t>(v)];
          const double coupling = what == 0   ? time[b][a]
                                  : what == 1 ? time[a][b]
                                  : v == 0    ? kCouplings.in_step[a][b]
                                              : kCouplings.in_step[b][a];
          output.push_back({token, unit, coupling});
        }
      }
    }
  }
  weights.set("hidden.weight", hidden);
  weights.set("hidden.bias", bias);
  weights.set("output.weight", output);
  return model;
}

/// The number of a piece among all of its kind, and back.
std::size_t number_of(const std::vector<std::int32_t>& tokens) {
  std::size_t number = 0;
  for (const std::int32_t token : tokens)
    number = number * kTokens + static_cast<std::size_t>(token);
  return number;
}
std::vector<std::int32_t> tokens_of(std::size_t number, std::size_t count) {
  std::vector<std::int32_t> tokens(count);
  for (std::size_t i = count; i-- > 0; number /= kTokens) {
    tokens[i] = static_cast<std::int32_t>(number % kTokens);
  }
  return tokens;
}

/// p(x) of all 81 pieces.
std::vector<double> joint() {
  std::vector<double> shares;
  double total = 0.0;
  for (std::size_t number = 0; number < 81; ++number) {
    const auto x = tokens_of(number, 4);  // [step][voice]
    const auto at = [&](std::size_t i) { return static_cast<std::size_t>(x[i]); };
    shares.push_back(std::exp(kCouplings.in_time[0][at(0)][at(2)] +
                              kCouplings.in_time[1][at(1)][at(3)] +
                              kCouplings.in_step[at(0)][at(1)] + kCouplings.in_step[at(2)][at(3)]));
    total += shares.back();
  }
  for (double& share : shares) share /= total;
  return shares;
}

GridBlank blank_of(std::vector<std::int32_t> tokens, std::vector<bool> open) {
  GridBlank blank;
  blank.no_hold.assign(tokens.size(), false);
  blank.sequence.tokens = std::move(tokens);
  blank.open = std::move(open);
  return blank;
}

/// The sum of (observed - expected)^2 / expected over the pieces that may occur.
double chi_square(const std::vector<Sequence>& drawn, const std::vector<double>& shares) {
  std::vector<double> counts(shares.size(), 0.0);
  for (const Sequence& piece : drawn) counts[number_of(piece.tokens)] += 1.0;
  double distance = 0.0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double expected = shares[i] * static_cast<double>(drawn.size());
    if (expected == 0.0) {
      EXPECT_EQ(counts[i], 0.0) << "piece " << i;
    } else {
      distance += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
  }
  return distance;
}

// One place after the other this is Gibbs sampling, which converges to the joint distribution whose
// conditionals the model says: the critical values are those of chi-square at 0.001.
TEST(Infill, ConvergesToTheJointDistribution) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = coupled_model(*backend);
  const std::vector<GridBlank> blanks(8000, blank_of({0, 0, 0, 0}, {true, true, true, true}));
  const InfillRequest request = {.sweeps = 20, .spacing = 4, .seed = 7, .batch_size = 2000};
  const std::vector<Sequence> drawn = infill(*model, blanks, request);
  const std::vector<double> shares = joint();
  EXPECT_LT(chi_square(drawn, shares), 124.8) << "80 degrees of freedom";
  // The test can tell: the same draws under a joint without the coupling of the voices.
  std::vector<double> uniform(81, 1.0 / 81);
  EXPECT_GT(chi_square(drawn, uniform), 1000.0);
}

TEST(Infill, ConvergesToTheConditionalOfWhatIsKept) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = coupled_model(*backend);
  const std::vector<GridBlank> blanks(4000, blank_of({0, 2, 0, 1}, {true, false, true, false}));
  const InfillRequest request = {.sweeps = 20, .spacing = 4, .seed = 3, .batch_size = 2000};
  std::vector<double> shares = joint();
  double total = 0.0;
  for (std::size_t number = 0; number < 81; ++number) {
    const auto x = tokens_of(number, 4);
    if (x[1] != 2 || x[3] != 1) shares[number] = 0.0;
    total += shares[number];
  }
  for (double& share : shares) share /= total;
  EXPECT_LT(chi_square(infill(*model, blanks, request), shares), 26.13) << "8 degrees of freedom";
}

/// Sharper than a fresh model is, so that tokens depend on one another.
std::unique_ptr<Infiller> random_model(Backend& backend, CellKind cell = CellKind::lstm) {
  auto model = std::make_unique<Infiller>(
      backend,
      InfillerConfig{.width = 37, .voices = 3, .embedding = 7, .cell = cell, .hidden = 20});
  model->initialize(3);
  for (const std::string name : {"hidden.weight", "output.weight"}) {
    auto values = model->parameters().download(name);
    for (double& value : values) value *= 4;
    model->parameters().upload(name, values);
  }
  return model;
}

/// Pieces of different lengths, each with two thirds of its places open.
std::vector<GridBlank> some_blanks() {
  std::vector<GridBlank> blanks;
  for (int b = 0; b < 7; ++b) {
    std::vector<std::int32_t> tokens;
    std::vector<bool> open;
    for (int p = 0; p < 3 * (5 + b * 2); ++p) {
      tokens.push_back((p * 5 + b) % 37);
      open.push_back((p + b) % 3 != 0);
    }
    blanks.push_back(blank_of(tokens, open));
  }
  return blanks;
}

TEST(Infill, ResultDoesNotDependOnBatchOrThreads) {
  for (const char* name : {"reference", "cpu"}) {
    for (const CellInfo& cell : cells()) {
      const auto one = make_backend(name, {.threads = 1});
      const auto two = make_backend(name, {.threads = 2});
      const auto model = random_model(*one, cell.kind);
      const auto threaded = random_model(*two, cell.kind);
      const std::vector<GridBlank> blanks = some_blanks();
      const InfillRequest request = {.sweeps = 3, .spacing = 4, .seed = 11};
      const auto together = infill(*model, blanks, request);
      InfillRequest in_twos = request;
      in_twos.batch_size = 2;
      EXPECT_EQ(infill(*threaded, blanks, in_twos), together) << name << " " << cell.name;
      InfillRequest alone = request;
      alone.first_sequence = 5;
      EXPECT_EQ(infill(*threaded, std::span(blanks).subspan(5, 1), alone).front(), together[5]);
    }
  }
}

TEST(Infill, LeavesWhatIsNotOpen) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = random_model(*backend);
  const std::vector<GridBlank> blanks = some_blanks();
  for (const std::int64_t spacing : {1, 3, 100}) {
    const auto filled = infill(*model, blanks, {.sweeps = 2, .spacing = spacing});
    ASSERT_EQ(filled.size(), blanks.size());
    std::size_t changed = 0;
    for (std::size_t b = 0; b < blanks.size(); ++b) {
      const std::vector<std::int32_t>& before = blanks[b].sequence.tokens;
      ASSERT_EQ(filled[b].tokens.size(), before.size());
      for (std::size_t p = 0; p < before.size(); ++p) {
        if (!blanks[b].open[p]) {
          EXPECT_EQ(filled[b].tokens[p], before[p]);
        } else if (filled[b].tokens[p] != before[p]) {
          ++changed;
        }
      }
    }
    EXPECT_GT(changed, 20U) << "spacing " << spacing;
  }
}

TEST(Infill, WhatStoodAtOpenPlacesDoesNotMatter) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = random_model(*backend);
  std::vector<GridBlank> blanks = some_blanks();
  const auto filled = infill(*model, blanks, {.sweeps = 2});
  for (GridBlank& blank : blanks) {
    for (std::size_t p = 0; p < blank.open.size(); ++p) {
      if (blank.open[p]) blank.sequence.tokens[p] = 0;
    }
  }
  EXPECT_EQ(infill(*model, blanks, {.sweeps = 2}), filled);
  EXPECT_NE(infill(*model, blanks, {.sweeps = 2, .seed = 1}), filled);
  EXPECT_NE(infill(*model, blanks, {.sweeps = 3}), filled);
}

// At a low temperature nothing is left to chance but the order in which places are drawn.
TEST(Infill, PlacesAreDrawnInAnOrderOfTheSeed) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = random_model(*backend);
  const std::vector<GridBlank> blanks = some_blanks();
  const auto filled = [&](std::uint64_t seed) {
    return infill(*model, blanks, {.sweeps = 1, .sampling = {.temperature = 1e-6}, .seed = seed});
  };
  EXPECT_EQ(filled(1), filled(1));
  EXPECT_NE(filled(1), filled(2));
}

/// How many open places hold in the filled pieces.
int holds(const std::vector<GridBlank>& blanks, const std::vector<Sequence>& filled) {
  int count = 0;
  for (std::size_t b = 0; b < blanks.size(); ++b) {
    for (std::size_t p = 0; p < blanks[b].open.size(); ++p) {
      if (blanks[b].open[p] && filled[b].tokens[p] == blanks[b].hold) ++count;
    }
  }
  return count;
}

TEST(Infill, NeverHoldsWhereAKeptNoteWouldGoOn) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = random_model(*backend);
  auto bias = model->parameters().download("output.bias");
  bias[36] += 6.0;  // the hold, likely everywhere
  model->parameters().upload("output.bias", bias);
  std::vector<GridBlank> blanks = some_blanks();
  for (GridBlank& blank : blanks) blank.hold = 36;
  EXPECT_GT(holds(blanks, infill(*model, blanks, {.sweeps = 2})), 50);
  for (GridBlank& blank : blanks) blank.no_hold = blank.open;
  EXPECT_EQ(holds(blanks, infill(*model, blanks, {.sweeps = 2})), 0);
}

// One place, drawn twice: at first at the one temperature, then at the other, which alone decides.
TEST(Infill, EndsAtItsTemperature) {
  const auto backend = make_backend("cpu", {.threads = 1});
  const auto model = random_model(*backend);
  const std::vector<GridBlank> blanks(50, blank_of({1, 2, 3}, {true, false, false}));
  const auto different = [&](double start, double end) {
    const auto filled =
        infill(*model, blanks,
               {.sweeps = 2, .sampling = {.temperature = end}, .start_temperature = start});
    return std::count_if(filled.begin(), filled.end(),
                         [&](const Sequence& piece) { return piece != filled.front(); });
  };
  EXPECT_EQ(different(5.0, 1e-6), 0);
  EXPECT_GT(different(1e-6, 5.0), 20);
}

TEST(Infill, RefusesWhatMakesNoSense) {
  const auto backend = make_backend("reference");
  const auto model = random_model(*backend);
  const auto refuses = [&](const GridBlank& blank, const InfillRequest& request, const char* part) {
    test::expect_error<ArgumentError>([&] { infill(*model, std::span(&blank, 1), request); }, part);
  };
  const GridBlank good = blank_of({1, 2, 3}, {true, false, false});
  refuses(good, {.sweeps = 0}, "sweeps is 0");
  refuses(good, {.spacing = 0}, "spacing is 0");
  refuses(good, {.batch_size = 0}, "batch_size is 0");
  refuses(good, {.sampling = {.top_p = 0}}, "top_p");
  refuses(good, {.start_temperature = 0}, "start_temperature is 0");
  refuses(good, {.sweeps = std::int64_t{1} << 31}, "too many");
  refuses(blank_of({1, 2}, {true, false}), {}, "2 tokens, expected 3");
  refuses(blank_of({1, 2, 37}, {true, false, false}), {}, "token 37");
  refuses(blank_of({1, 2, 3}, {true, false}), {}, "3 tokens, but 2");
  EXPECT_NO_THROW(infill(*model, std::vector{blank_of({-5, 2, 3}, {true, false, false})}, {}));
}

}  // namespace
}  // namespace cadenza
