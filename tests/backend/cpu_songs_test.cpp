// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "backend/cpu_targets.h"
#include "backend/generation_fixture.h"

// What the cpu backend draws, as sums over the bits of small songs that were kept: so that machines
// are compared that never meet, an Arm with an x86. They change where the arithmetic is meant to.

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;

/// FNV-1a over the bytes of floats, the lowest first.
class BitSum {
 public:
  void add(const test::HostArray& array) {
    for (const double value : array.values) {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
      for (int shift = 0; shift < 32; shift += 8) {
        sum_ = (sum_ ^ (bits >> shift & 0xFFU)) * 0x100000001B3U;
      }
    }
  }
  std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0xCBF29CE484222325U;
};

/// Draws, their log-probabilities and last states of every cell with every head.
std::uint64_t sum_of_songs(Precision format) {
  std::vector<test::NetworkArrays> networks;
  for (const CellInfo& cell : cells()) {
    networks.push_back(test::make_network(Head::softmax, cell.kind, true, 53));
    networks.push_back(test::make_network(Head::bernoulli, cell.kind, false, 23));
    networks.push_back(test::make_network(Head::nade, cell.kind, false, 23));
    networks.push_back(test::make_network_that_looks_back(cell.kind));
  }
  const auto backend = make_backend("cpu", {.threads = 1, .precision = format});
  BitSum sum;
  for (const test::NetworkArrays& network : networks) {
    test::Generation songs(*backend, network,
                           {.batch = 9,
                            .params = {{},
                                       {.temperature = 0.7, .top_p = 0.9},
                                       {.temperature = 1.3, .top_k = 5},
                                       {.min_p = 0.05, .typical_p = 0.8}}});
    songs.run(24);
    sum.add(songs.drawn());
    sum.add(songs.log_probability());
    for (const TensorView& state : songs.args().states) sum.add(songs.device().get(state));
  }
  return sum.value();
}

constexpr std::pair<Precision, std::uint64_t> kKept[] = {
    {Precision::fp32, 9588807569227128626U},   {Precision::bf16, 955572810765847531U},
    {Precision::int24, 13667903632155522239U}, {Precision::int16, 10145194877854683267U},
    {Precision::int8, 9952721703466079485U},
};

TEST(CpuSongs, AreThoseOfEveryMachine) {
  test::for_each_target([](const char* target) {
    for (const auto& [format, kept] : kKept) {
      EXPECT_EQ(sum_of_songs(format), kept) << target << ", " << name_of(format);
    }
  });
}

}  // namespace
}  // namespace cadenza
