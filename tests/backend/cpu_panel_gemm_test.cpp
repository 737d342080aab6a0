// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "backend/cpu/dense.h"
#include "backend/cpu_targets.h"
#include "backend/gemm_fixture.h"

namespace cadenza::cpu {
namespace {

using test::Layout;
using test::matrix;
using test::ProductSize;

std::vector<float> random_values(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(generator() % 2000) / 1000.0F - 1.0F;
  }
  return values;
}

/// The definition of the order of summation.
float defined_element(const Matrix& a, const Matrix& b, std::int64_t m, std::int64_t n,
                      float start) {
  for (std::int64_t k = 0; k < a.columns; ++k) start = std::fma(*a.at(m, k), *b.at(k, n), start);
  return start;
}

constexpr ProductSize kCases[] = {{1, 1, 1},     {1, 40, 7},     {3, 32, 300},
                                  {12, 33, 16},  {13, 70, 64},   {29, 9, 257},
                                  {400, 50, 20}, {70, 300, 130}, {900, 40, 70}};

TEST(PanelGemm, SumsInTheDefinedOrderOnEveryTarget) {
  test::expect_defined_products(kCases, kPanelGemm, random_values, defined_element);
}

TEST(PanelGemm, PackedOnceGivesTheSameBits) {
  test::expect_the_same_packed(kCases, kPanelGemm, random_values);
}

TEST(PanelGemm, ProductsTogetherGiveTheSameBits) {
  test::expect_the_same_together(kPanelGemm, random_values);
}

TEST(AddTransposed, AddsEachElementWhereItBelongs) {
  constexpr std::int64_t kRows = 300, kColumns = 241, kStride = 250;
  auto x = random_values(kRows * kStride, 9);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i % kStride >= kColumns) x[i] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto before = random_values(kColumns * kRows, 10);
  test::for_each_target([&](const char* target) {
    ThreadPool pool(2);
    Scratch scratch;
    std::vector<float> to = before;
    add_transposed({pool, scratch}, {x.data(), kRows, kColumns, kStride, 1}, to.data());
    for (std::int64_t i = 0; i < kRows; ++i) {
      for (std::int64_t j = 0; j < kColumns; ++j) {
        const auto at = static_cast<std::size_t>(j * kRows + i);
        ASSERT_EQ(to[at], before[at] + x[static_cast<std::size_t>(i * kStride + j)])
            << target << ' ' << i << ", " << j;
      }
    }
  });
}

TEST(PanelGemm, AnEmptySumIsTheStartValue) {
  ThreadPool pool(1);
  Scratch scratch;
  std::vector<float> c = {1.0F, 2.0F};
  multiply({pool, scratch}, {nullptr, 1, 0, 0, 1}, {nullptr, 0, 2, 2, 1},
           {c.data(), 2, nullptr, Accumulate::add});
  EXPECT_EQ(c, (std::vector<float>{1.0F, 2.0F}));
}

TEST(AddColumnSums, AreTheSameForAnyNumberOfThreads) {
  const auto x = random_values(300 * 150, 7);
  const auto sums_with = [&](int threads) {
    ThreadPool pool(threads);
    Scratch scratch;
    std::vector<float> y(150, 0.5F);
    add_column_sums({pool, scratch}, {x.data(), 300, 150, 150, 1}, y.data());
    return y;
  };
  EXPECT_EQ(sums_with(1), sums_with(4));
}

}  // namespace
}  // namespace cadenza::cpu
