// SPDX-License-Identifier: Apache-2.0
#include "cadenza/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <tuple>

namespace cadenza {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words words(PhiloxCounter counter, std::uint64_t key) {
  const PhiloxCounter out = philox(counter, key);
  return {out.word[0], out.word[1], out.word[2], out.word[3]};
}

// Known answers of Random123's tests/kat_vectors, philox4x32 10.
TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  EXPECT_EQ(words({{0, 0, 0, 0}}, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(words({{kOnes, kOnes, kOnes, kOnes}}, ~std::uint64_t{0}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomBits, PacksTheAddressAsDocumented) {
  const RandomAddress address = {RandomPurpose::keys, 0x1122334455667788, 9, 0x2345};
  const std::uint32_t expected =
      words({{0x02000000U | 0x2345 >> 2, 9, 0x55667788, 0x11223344}}, 77)[0x2345 & 3];
  EXPECT_EQ(random_bits(77, address), expected);
}

// Philox is a bijection of the counter, so different (counter, word) pairs are different draws; the
// packing must map every address to its own pair. Walks each field's extreme and middle bits.
TEST(RandomBits, GivesEveryAddressItsOwnCell) {
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::uint32_t>> cells;
  std::size_t addresses = 0;
  const std::array<std::uint32_t, 9> items = {
      0, 1, 2, 3, 4, 127, 1U << 16, (1U << 26) - 4, (1U << 26) - 1};
  const std::array<std::uint32_t, 4> steps = {0, 1, 1U << 31, ~0U};
  const std::array<std::uint64_t, 5> sequences = {0, 1, 1ULL << 32, 1ULL << 63, ~0ULL};
  for (std::uint32_t purpose = 0; purpose <= 6; ++purpose) {
    for (const std::uint32_t item : items) {
      for (const std::uint32_t step : steps) {
        for (const std::uint64_t sequence : sequences) {
          const PhiloxCounter counter =
              random_counter({static_cast<RandomPurpose>(purpose), sequence, step, item});
          cells.emplace(counter.word[0], counter.word[1],
                        std::uint64_t{counter.word[3]} << 32 | counter.word[2], item & 3);
          ++addresses;
        }
      }
    }
  }
  EXPECT_EQ(cells.size(), addresses);
}

}  // namespace
}  // namespace cadenza
