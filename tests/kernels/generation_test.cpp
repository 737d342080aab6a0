// SPDX-License-Identifier: Apache-2.0
// The kernels behind the draw of a generated step, against GenerateArgs written down row by row.
#include "kernels/generation.h"

#include <cstdint>
#include <random>

#include "cadenza/error.h"
#include "kernels/device_array.h"

namespace cadenza::test {
namespace {

using Ints = std::vector<std::int32_t>;

/// Tokens as GenerateArgs defines them, one row after the other.
struct Songs {
  std::int64_t batch, slots;
  std::int32_t end_token;
  Ints input, steps, finished, window, all_tokens;
  std::vector<float> all_log_probability;

  void advance(const Ints& tokens, const std::vector<float>& log_probability) {
    for (std::int64_t b = 0; b < batch; ++b) {
      const auto row = static_cast<std::size_t>(b);
      const bool ended = finished[row] != 0;
      input[row] = ended ? -1 : tokens[row];
      all_tokens.push_back(input[row]);
      all_log_probability.push_back(ended ? 0.0F : log_probability[row]);
      ++steps[row];
      if (ended) continue;
      if (tokens[row] == end_token) finished[row] = 1;
      if (slots == 0) continue;
      const auto oldest = window.begin() + b * slots;
      window.erase(oldest);
      window.insert(window.begin() + (b + 1) * slots - 1, tokens[row]);
    }
  }
};

struct Case {
  std::int64_t batch, slots;
  bool may_end;
};

class AdvanceTokensOf : public testing::TestWithParam<Case> {};

TEST_P(AdvanceTokensOf, FollowsGenerateArgs) {
  const auto [batch, slots, may_end] = GetParam();
  constexpr std::int64_t kSteps = 5;
  const auto rows = static_cast<std::size_t>(batch);
  std::mt19937 random(7);
  Songs expected = {batch,
                    slots,
                    may_end ? 2 : -1,
                    Ints(rows),
                    Ints(rows, 40),
                    Ints(rows),
                    Ints(rows * static_cast<std::size_t>(slots), -1),
                    {},
                    {}};
  if (may_end && batch > 1) expected.finished[1] = 1;
  const DeviceArray<std::int32_t> tokens(expected.input);
  const DeviceArray<float> log_probability{std::vector<float>(rows)};
  const DeviceArray<std::int32_t> positions{Ints(rows)};
  const DeviceArray<std::int32_t> steps(expected.steps);
  const DeviceArray<std::int32_t> finished(expected.finished);
  const DeviceArray<std::int32_t> window(expected.window);
  const DeviceArray<std::int32_t> all_tokens{Ints(rows * kSteps, -9)};
  const DeviceArray<float> all_log_probability{std::vector<float>(rows * kSteps)};
  for (std::int64_t t = 0; t < kSteps; ++t) {
    Ints drawn(rows);
    std::vector<float> scores(rows);
    for (std::int32_t& token : drawn) token = static_cast<std::int32_t>(random() % 8);
    for (float& score : scores) score = -static_cast<float>(random() % 100);
    ASSERT_EQ(cudaMemcpy(tokens.data(), drawn.data(), rows * sizeof(std::int32_t),
                         cudaMemcpyHostToDevice),
              cudaSuccess);
    ASSERT_EQ(cudaMemcpy(log_probability.data(), scores.data(), rows * sizeof(float),
                         cudaMemcpyHostToDevice),
              cudaSuccess);
    kernels::advance_tokens({.batch = batch,
                             .window_slots = slots,
                             .end_token = expected.end_token,
                             .tokens = tokens.data(),
                             .log_probability = log_probability.data(),
                             .positions = positions.data(),
                             .steps = steps.data(),
                             .finished = may_end ? finished.data() : nullptr,
                             .window = window.data(),
                             .all_tokens = all_tokens.data(),
                             .all_log_probability = all_log_probability.data()},
                            nullptr);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    expected.advance(drawn, scores);
    ASSERT_EQ(tokens.values(), expected.input);
  }
  EXPECT_EQ(positions.values(), Ints(rows, kSteps));
  EXPECT_EQ(steps.values(), expected.steps);
  EXPECT_EQ(finished.values(), expected.finished);
  EXPECT_EQ(window.values(), expected.window);
  EXPECT_EQ(all_tokens.values(), expected.all_tokens);
  EXPECT_EQ(all_log_probability.values(), expected.all_log_probability);
}

INSTANTIATE_TEST_SUITE_P(Sizes, AdvanceTokensOf,
                         testing::Values(Case{1, 0, false}, Case{1, 1, true}, Case{3, 2, true},
                                         Case{257, 0, true}, Case{9, 31, true}, Case{9, 32, false},
                                         Case{9, 33, true}, Case{5, 100, true}, Case{40, 64, true}),
                         [](const auto& named) {
                           return message("B", named.param.batch, "_W", named.param.slots,
                                          named.param.may_end ? "_ending" : "");
                         });

TEST(AdvanceTokens, WritesNothingThatIsNotAskedFor) {
  const DeviceArray<std::int32_t> tokens(Ints{3, 4});
  const DeviceArray<std::int32_t> positions(Ints{0, 0});
  const DeviceArray<std::int32_t> steps(Ints{0, 7});
  const DeviceArray<std::int32_t> all_tokens(Ints{-9, -9});
  kernels::advance_tokens({.batch = 2,
                           .end_token = 3,
                           .tokens = tokens.data(),
                           .positions = positions.data(),
                           .steps = steps.data(),
                           .all_tokens = all_tokens.data()},
                          nullptr);
  kernels::advance_tokens({.batch = 0}, nullptr);
  EXPECT_EQ(all_tokens.values(), (Ints{3, 4}));
  EXPECT_EQ(steps.values(), (Ints{1, 8}));
}

TEST(AdvanceFrames, CopiesEachRowToItsStep) {
  for (const std::size_t keys : {1U, 31U, 88U, 128U}) {
    constexpr std::size_t kRows = 5;
    std::vector<float> drawn(kRows * keys);
    for (std::size_t i = 0; i < drawn.size(); ++i) drawn[i] = static_cast<float>(i % 7);
    std::vector<float> scores = {-1.0F, -2.0F, -3.0F, -4.0F, -5.0F};
    const DeviceArray<float> frames(drawn);
    const DeviceArray<float> log_probability(scores);
    const DeviceArray<std::int32_t> positions{Ints(kRows)};
    const DeviceArray<std::int32_t> steps{Ints(kRows, 9)};
    const DeviceArray<float> all_frames{std::vector<float>(2 * kRows * keys, -9.0F)};
    const DeviceArray<float> all_log_probability{std::vector<float>(2 * kRows)};
    for (int t = 0; t < 2; ++t) {
      kernels::advance_frames({.batch = kRows,
                               .keys = static_cast<std::int64_t>(keys),
                               .frames = frames.data(),
                               .log_probability = log_probability.data(),
                               .positions = positions.data(),
                               .steps = steps.data(),
                               .all_frames = all_frames.data(),
                               .all_log_probability = all_log_probability.data()},
                              nullptr);
    }
    drawn.insert(drawn.end(), drawn.begin(),
                 drawn.begin() + static_cast<std::ptrdiff_t>(kRows * keys));
    scores.insert(scores.end(), scores.begin(), scores.begin() + kRows);
    EXPECT_EQ(all_frames.values(), drawn);
    EXPECT_EQ(all_log_probability.values(), scores);
    EXPECT_EQ(positions.values(), Ints(kRows, 2));
    EXPECT_EQ(steps.values(), Ints(kRows, 11));
  }
}

}  // namespace
}  // namespace cadenza::test
