// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "backend/cpu/relay.h"

namespace cadenza::cpu {
namespace {

constexpr std::int64_t kPhases = 500;

constexpr std::int64_t kMostParts = 7;

std::int64_t parts_of(std::int64_t phase) { return 1 + phase % kMostParts; }

TEST(Relay, RunsEveryPartOnceAfterTheWholePhaseBefore) {
  for (const int threads : {1, 2, 5}) {
    Relay relay(kPhases, kMostParts);
    std::vector<std::atomic<int>> runs(kPhases);
    std::atomic<int> early{0};
    const auto work = [&](std::int64_t thread) {
      relay.work(thread, parts_of, [&](std::int64_t phase, std::int64_t part) {
        if (phase % 100 == 0 && part == 0) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));  // others fall asleep
        }
        if (phase > 0 && runs[static_cast<std::size_t>(phase - 1)] != parts_of(phase - 1)) ++early;
        ++runs[static_cast<std::size_t>(phase)];
      });
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work, i);
    work(0);
    for (std::thread& other : others) other.join();
    EXPECT_EQ(early, 0) << threads << " threads";
    for (std::int64_t phase = 0; phase < kPhases; ++phase) {
      ASSERT_EQ(runs[static_cast<std::size_t>(phase)], parts_of(phase)) << "phase " << phase;
    }
  }
}

TEST(Relay, AThreadBeginsWithThePartOfItsNumber) {
  Relay relay(2, kMostParts);
  std::vector<std::int64_t> order;
  relay.work(
      5, [](std::int64_t phase) { return phase == 0 ? kMostParts : 2; },
      [&](std::int64_t, std::int64_t part) { order.push_back(part); });
  EXPECT_EQ(order, (std::vector<std::int64_t>{5, 6, 0, 1, 2, 3, 4, 1, 0}));
}

TEST(Relay, DoesNotNeedEveryThread) {
  Relay relay(kPhases, kMostParts);
  std::int64_t runs = 0;
  relay.work(0, parts_of, [&](std::int64_t, std::int64_t) { ++runs; });
  std::int64_t expected = 0;
  for (std::int64_t phase = 0; phase < kPhases; ++phase) expected += parts_of(phase);
  EXPECT_EQ(runs, expected);
  relay.work(0, parts_of, [&](std::int64_t, std::int64_t) { ++runs; });  // a late one finds nothing
  EXPECT_EQ(runs, expected);
}

}  // namespace
}  // namespace cadenza::cpu
