// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <numeric>

#include "kernels/device_array.h"
#include "kernels/device_layer/launchers.h"

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::whole_numbers;
using DeviceWarp = test::KernelTest;

/// Values of the lanes that take part, neighbours in a warp.
using Values = std::vector<int>;

bool is_odd(int value) { return value % 2 != 0; }

/// What lane `lane` of a function's lanes gets, where the first of them is `first`.
using Expected = std::uint32_t (*)(const Values& values, std::size_t lane, std::size_t first);

std::uint32_t bits(int value) { return static_cast<std::uint32_t>(value); }

template <typename T, typename Combine>
std::uint32_t combined(const Values& values, Combine combine) {
  T result = static_cast<T>(values[0]);
  for (std::size_t i = 1; i < values.size(); ++i) {
    result = combine(result, static_cast<T>(values[i]));
  }
  return static_cast<std::uint32_t>(result);
}

/// A bit for each lane whose value `chosen` accepts.
template <typename Chosen>
std::uint32_t lanes_where(const Values& values, std::size_t first, Chosen chosen) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    mask |= (chosen(values[i]) ? 1U : 0U) << (first + i);
  }
  return mask;
}

struct FunctionCase {
  const char* name;
  WarpFunction function;
  Expected expected;
};

constexpr FunctionCase kFunctions[] = {
    {"shuffle", WarpFunction::shuffle,
     [](const Values& v, std::size_t lane, std::size_t first) {
       return bits(v[(3 * (first + lane) + 1) % v.size()]);
     }},
    {"shuffle_up", WarpFunction::shuffle_up,
     [](const Values& v, std::size_t lane, std::size_t) {
       return bits(v[lane >= kUp ? lane - kUp : lane]);
     }},
    {"shuffle_down", WarpFunction::shuffle_down,
     [](const Values& v, std::size_t lane, std::size_t) {
       return bits(v[lane + kDown < v.size() ? lane + kDown : lane]);
     }},
    {"shuffle_xor", WarpFunction::shuffle_xor,
     [](const Values& v, std::size_t lane, std::size_t) { return bits(v[lane ^ kFlip]); }},
    {"shuffle_wide", WarpFunction::shuffle_wide,
     [](const Values& v, std::size_t, std::size_t) { return bits(v[0]); }},
    {"ballot", WarpFunction::ballot,
     [](const Values& v, std::size_t, std::size_t first) { return lanes_where(v, first, is_odd); }},
    {"any", WarpFunction::any,
     [](const Values& v, std::size_t, std::size_t) {
       return std::any_of(v.begin(), v.end(), is_odd) ? 1U : 0U;
     }},
    {"all", WarpFunction::all,
     [](const Values& v, std::size_t, std::size_t) {
       return std::all_of(v.begin(), v.end(), is_odd) ? 1U : 0U;
     }},
    {"match", WarpFunction::match,
     [](const Values& v, std::size_t lane, std::size_t first) {
       return lanes_where(v, first, [&](int value) { return value == v[lane]; });
     }},
    {"reduce_add", WarpFunction::reduce_add,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<std::uint32_t>(v, std::plus<>());
     }},
    {"reduce_min", WarpFunction::reduce_min,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<int>(v, [](int a, int b) { return std::min(a, b); });
     }},
    {"reduce_max", WarpFunction::reduce_max,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<int>(v, [](int a, int b) { return std::max(a, b); });
     }},
    {"reduce_min_unsigned", WarpFunction::reduce_min_unsigned,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<unsigned>(v, [](unsigned a, unsigned b) { return std::min(a, b); });
     }},
    {"reduce_max_unsigned", WarpFunction::reduce_max_unsigned,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<unsigned>(v, [](unsigned a, unsigned b) { return std::max(a, b); });
     }},
    {"reduce_and", WarpFunction::reduce_and,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<unsigned>(v, std::bit_and<>());
     }},
    {"reduce_or", WarpFunction::reduce_or,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<unsigned>(v, std::bit_or<>());
     }},
    {"reduce_xor", WarpFunction::reduce_xor,
     [](const Values& v, std::size_t, std::size_t) {
       return combined<unsigned>(v, std::bit_xor<>());
     }},
    {"exchange", WarpFunction::exchange,
     [](const Values& v, std::size_t lane, std::size_t) { return bits(v[v.size() - 1 - lane]); }},
};

/// Small numbers of both signs, odd ones, even ones, and 32 different ones.
std::vector<Values> examples() {
  Values mixed, odd(32), even(32), different(32);
  for (const float value : whole_numbers(32, 3, 1)) mixed.push_back(static_cast<int>(value));
  std::iota(different.begin(), different.end(), -7);
  for (std::size_t i = 0; i < 32; ++i) {
    odd[i] = 2 * different[i] + 1;
    even[i] = -2 * different[i];
  }
  return {mixed, odd, even, different};
}

TEST_F(DeviceWarp, EvaluatesOverAllLanesAndOverHalvesThatGoDifferentWays) {
  const DeviceArray<std::uint32_t> results(32);
  for (const Values& values : examples()) {
    const DeviceArray<int> device_values(values);
    for (const FunctionCase& c : kFunctions) {
      for (const std::size_t width : {32U, 16U}) {
        evaluate_in_warp(c.function, width == 32 ? WarpMask::whole : WarpMask::halves,
                         device_values.data(), results.data());
        const std::vector<std::uint32_t> found = results.values();
        for (std::size_t lane = 0; lane < 32; ++lane) {
          const std::size_t first = lane / width * width;
          const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
          const Values part(begin, begin + static_cast<std::ptrdiff_t>(width));
          EXPECT_EQ(found[lane], c.expected(part, lane - first, first))
              << c.name << " over " << width << " lanes, lane " << lane;
        }
      }
    }
  }
}

TileResult expected_in_tile(const Values& tile, std::size_t rank) {
  const auto [smallest, greatest] = std::minmax_element(tile.begin(), tile.end());
  return {.rank = static_cast<unsigned>(rank),
          .tile = 0,
          .tiles = 0,
          .ballot = lanes_where(tile, 0, is_odd),
          .any = std::any_of(tile.begin(), tile.end(), is_odd) ? 1 : 0,
          .all = std::all_of(tile.begin(), tile.end(), is_odd) ? 1 : 0,
          .first = tile[0],
          .up = tile[rank >= kUp ? rank - kUp : rank],
          .down = tile[rank + kDown < tile.size() ? rank + kDown : rank],
          .flipped = tile[rank ^ kFlip],
          .sum = std::accumulate(tile.begin(), tile.end(), 0),
          .smallest = *smallest,
          .greatest = *greatest,
          .mirrored = tile[tile.size() - 1 - rank]};
}

TEST_F(DeviceWarp, EvaluatesInTiles) {
  Values values;
  for (const float value : whole_numbers(64, 9, 5)) values.push_back(static_cast<int>(value));
  for (std::size_t i = 0; i < kTileLanes; ++i) values[i] |= 1;  // a tile of odd numbers
  const DeviceArray<int> device_values(values);
  const DeviceArray<TileResult> results(values.size());
  evaluate_in_tiles(device_values.data(), results.data());
  const std::vector<TileResult> found = results.values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i - i % kTileLanes);
    TileResult expected = expected_in_tile(Values(begin, begin + kTileLanes), i % kTileLanes);
    expected.tile = static_cast<unsigned>(i / kTileLanes);
    expected.tiles = static_cast<unsigned>(values.size() / kTileLanes);
    EXPECT_EQ(found[i], expected) << "thread " << i;
  }
}

TEST_F(DeviceWarp, VotesInABlock) {
  constexpr int kThreads = 96;
  for (const int odd : {0, 1, 40, kThreads}) {
    Values values(kThreads, 2);
    std::fill_n(values.end() - odd, odd, 3);
    const DeviceArray<int> device_values(values);
    const DeviceArray<VoteResult> results(values.size());
    vote_in_block(kThreads, device_values.data(), results.data());
    for (const VoteResult& found : results.values()) {
      EXPECT_EQ(found.count, odd);
      EXPECT_EQ(found.all, odd == kThreads ? 1 : 0);
      EXPECT_EQ(found.any, odd > 0 ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace cadenza::kernels
