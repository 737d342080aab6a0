// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "backend/cpu/thread_pool.h"
#include "cadenza/error.h"

namespace cadenza::cpu {
namespace {

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 2, 6, 7, 100, 1001}) {
      for (const std::int64_t grain : {1, 3, 64}) {
        std::vector<int> visits(static_cast<std::size_t>(count));
        pool.parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end, int part) {
          EXPECT_EQ(begin % grain, 0);
          EXPECT_LT(part, threads);
          for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        EXPECT_EQ(visits, std::vector<int>(visits.size(), 1))
            << threads << " threads, count " << count << ", grain " << grain;
      }
    }
  }
}

TEST(ThreadPool, SplitsTheSameWayEachTime) {
  ThreadPool pool(3);
  const auto split = [&] {
    std::vector<int> part_of(50);
    pool.parallel_for(50, 4, [&](std::int64_t begin, std::int64_t end, int part) {
      for (std::int64_t i = begin; i < end; ++i) part_of[static_cast<std::size_t>(i)] = part;
    });
    return part_of;
  };
  const std::vector<int> first = split();
  for (int repeat = 0; repeat < 20; ++repeat) EXPECT_EQ(split(), first);
}

TEST(ThreadPool, RethrowsTheErrorOfTheLowestPart) {
  ThreadPool pool(4);
  try {
    pool.parallel_for(4, 1, [](std::int64_t, std::int64_t, int part) {
      if (part > 0) throw std::runtime_error("part " + std::to_string(part));
    });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "part 1");
  }
}

TEST(ThreadPool, WorksAfterAnError) {
  ThreadPool pool(2);
  const auto fail = [](std::int64_t, std::int64_t, int) { throw std::runtime_error("no"); };
  EXPECT_THROW(pool.parallel_for(2, 1, fail), std::runtime_error);
  std::atomic<int> sum = 0;
  pool.parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end, int) {
    sum += static_cast<int>(end - begin);
  });
  EXPECT_EQ(sum, 10);
}

TEST(ThreadPool, RunsManyShortLoops) {
  ThreadPool pool(4);
  std::int64_t total = 0;
  for (int loop = 0; loop < 500; ++loop) {
    std::int64_t parts[4] = {};
    pool.parallel_for(
        4, 1, [&](std::int64_t begin, std::int64_t end, int part) { parts[part] += end - begin; });
    total += parts[0] + parts[1] + parts[2] + parts[3];
  }
  EXPECT_EQ(total, 500 * 4);
}

TEST(ThreadPool, RefusesToBeEmpty) { EXPECT_THROW(ThreadPool(0), ArgumentError); }

}  // namespace
}  // namespace cadenza::cpu
