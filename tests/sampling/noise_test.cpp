// SPDX-License-Identifier: Apache-2.0
// The noise itself: its distribution and the independence of neighbouring addresses. Each test is a
// function of a noise; it must pass on ours and fail on a broken one.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/draw.h"
#include "sampling/statistics.h"

namespace cadenza::test {
namespace {

using Noise = std::function<float(const draw::NoiseKey&, std::uint32_t)>;
using draw::NoiseKey;

constexpr double kFewSigmas = 4.5;  // the largest of about 16 correlations

/// Gumbel noise to the uniform it came from.
double uniform_of(float noise) { return std::exp(-std::exp(-static_cast<double>(noise))); }

double gumbel_p(const Noise& noise) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    values.push_back(uniform_of(noise({1, i / 1000, 7}, i % 1000)));
  }
  return kolmogorov_smirnov_p(values);
}

TEST(Noise, IsGumbelDistributed) { EXPECT_GT(gumbel_p(draw::token_noise), kLevel); }

TEST(Noise, KolmogorovSmirnovSeesTheWrongSign) {
  EXPECT_LT(gumbel_p([](const NoiseKey& key, std::uint32_t token) {
              return -draw::token_noise(key, token);
            }),
            kLevel);
}

TEST(Noise, ComesFromUniformWords) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    values.push_back(draw::unit(random_bits(2, {RandomPurpose::sample, i, 0, i % 388})));
  }
  EXPECT_GT(kolmogorov_smirnov_p(values), kLevel);
}

TEST(Noise, OfKeysIsLogistic) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    values.push_back(1.0 / (1.0 + std::exp(-double{draw::key_noise({3, i / 88, 1}, i % 88)})));
  }
  EXPECT_GT(kolmogorov_smirnov_p(values), kLevel);
}

/// Given w < 2^10, the rest of the tail is uniform as well.
TEST(Noise, TailExtensionIsUniform) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const std::uint32_t tail = random_bits(4, {RandomPurpose::sample_tail, i, 0, i % 388});
    values.push_back(double{draw::unit_tail(i % draw::kTailWords, tail)} * 0x1p32 -
                     i % draw::kTailWords);
  }
  EXPECT_GT(kolmogorov_smirnov_p(values), kLevel);
}

/// The largest correlation, in standard deviations, between a draw and its neighbours: the next
/// token, four tokens on (the next counter), the next step, sequence and seed, and mixtures of them
/// that a careless packing would map to one address.
double worst_correlation(const Noise& noise) {
  struct Address {
    std::uint64_t seed;
    std::uint64_t sequence;
    std::uint32_t step;
    std::uint32_t token;
  };
  const std::function<Address(Address)> neighbours[] = {
      [](Address a) {
        return Address{a.seed, a.sequence, a.step, a.token + 1};
      },
      [](Address a) {
        return Address{a.seed, a.sequence, a.step, a.token + 4};
      },
      [](Address a) {
        return Address{a.seed, a.sequence, a.step + 1, a.token};
      },
      [](Address a) {
        return Address{a.seed, a.sequence + 1, a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed, a.sequence + (1ULL << 32), a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed + 1, a.sequence, a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed + (1ULL << 32), a.sequence, a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed + 1, a.sequence - 1, a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed, a.sequence + 1, a.step - 1, a.token};
      },
      [](Address a) {
        return Address{a.seed, a.sequence, a.step + 1, a.token - 4};
      },
      [](Address a) {
        return Address{a.sequence, a.seed, a.step, a.token};
      },
      [](Address a) {
        return Address{a.seed, a.step, static_cast<std::uint32_t>(a.sequence), a.token};
      },
  };
  const auto value = [&noise](const Address& a) {
    return uniform_of(noise({a.seed, a.sequence, a.step}, a.token));
  };
  double worst = 0.0;
  for (const auto& neighbour : neighbours) {
    std::vector<double> here;
    std::vector<double> there;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const Address address = {9, 1000 + i % 25, 5 + i / 25 % 20, 4 + 8 * (i / 500)};
      here.push_back(value(address));
      there.push_back(value(neighbour(address)));
    }
    worst = std::max(worst, std::fabs(correlation_z(here, there)));
  }
  return worst;
}

TEST(Noise, OfNeighbouringAddressesIsUncorrelated) {
  EXPECT_LT(worst_correlation(draw::token_noise), kFewSigmas);
}

TEST(Noise, CorrelationSeesASharedStream) {
  EXPECT_GT(worst_correlation([](const NoiseKey& key, std::uint32_t token) {
              return draw::token_noise({key.seed, 0, key.step}, token);
            }),
            kFewSigmas);
}

TEST(Noise, CorrelationSeesSeedsAndSequencesAddedUp) {
  EXPECT_GT(worst_correlation([](const NoiseKey& key, std::uint32_t token) {
              return draw::token_noise({key.seed + key.sequence, 0, key.step}, token);
            }),
            kFewSigmas);
}

}  // namespace
}  // namespace cadenza::test
