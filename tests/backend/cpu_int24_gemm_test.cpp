// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "backend/codes.h"
#include "backend/cpu/dense.h"
#include "backend/cpu/int24_gemm.h"
#include "backend/cpu_targets.h"
#include "backend/gemm_fixture.h"

namespace cadenza::cpu {
namespace {

using test::Codes;
using test::codes_at;
using test::Layout;
using test::matrix;
using test::ProductSize;

constexpr float kInt24Levels = 8323072.0F;

/// A few of them 0.
std::vector<float> values_of_many_sizes(std::int64_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) {
    value = generator() % 16 == 0 ? 0.0F : normal(generator) * std::exp2(normal(generator));
  }
  return values;
}

float most_of(const std::vector<float>& x) {
  float most = 0.0F;
  for (const float value : x) most = std::max(most, std::fabs(value));
  return most;
}

/// Of a part of a row of a.
Codes codes_of_row(const std::vector<float>& x) {
  const float most = most_of(x);
  int exponent = most == 0.0F ? 0 : -100;
  while (most > std::ldexp(1.0F, exponent)) ++exponent;
  return codes_at(x, std::ldexp(kInt24Levels, -exponent),
                  std::ldexp(1.0F, exponent) / kInt24Levels);
}

/// Of a part of a column of b.
Codes codes_of_column(const std::vector<float>& x) {
  const float step = std::max(most_of(x) / kInt24Levels, 0x1p-100F);
  return codes_at(x, 1.0F / step, step);
}

float defined_in_digits(const Matrix& a, const Matrix& b, std::int64_t m, std::int64_t n,
                        float start) {
  for (std::int64_t k = 0; k < a.columns; k += kInt24Depth) {
    std::vector<float> row, column;
    for (std::int64_t i = k; i < std::min(a.columns, k + kInt24Depth); ++i) {
      row.push_back(*a.at(m, i));
      column.push_back(*b.at(i, n));
    }
    const Codes factors = codes_of_row(row);
    const Codes weights = codes_of_column(column);
    start = std::fma(test::sum_by_digits(factors.values, weights.values),
                     factors.step * (weights.step * 65536.0F), start);
  }
  return start;
}

constexpr ProductSize kInt24Sizes[] = {{1, 1, 1},    {2, 40, 7},    {3, 32, 300}, {12, 33, 16},
                                       {16, 64, 64}, {33, 9, 1500}, {300, 35, 5}, {70, 130, 40},
                                       {600, 7, 20}, {290, 3, 1100}};

TEST(Int24Gemm, GivesTheBitsOfItsDefinitionOnEveryTarget) {
  test::expect_defined_products(kInt24Sizes, kInt24Gemm, values_of_many_sizes, defined_in_digits);
}

TEST(Int24Gemm, PackedOnceGivesTheSameBits) {
  std::vector<ProductSize> sizes(std::begin(kInt24Sizes), std::end(kInt24Sizes));
  sizes.push_back({20, 70, 1100});  // several panels of several parts
  test::expect_the_same_packed(sizes, kInt24Gemm, values_of_many_sizes);
}

TEST(Int24Gemm, ProductsTogetherGiveTheSameBits) {
  test::expect_the_same_together(kInt24Gemm, values_of_many_sizes);
}

/// Root of the mean square of what a product is off by.
double error_of(const Gemm& gemm, const Matrix& a, const Matrix& b) {
  ThreadPool pool(1);
  Scratch scratch;
  std::vector<float> c(static_cast<std::size_t>(a.rows * b.columns));
  multiply({pool, scratch, gemm}, a, b, {c.data(), b.columns});
  double sum = 0.0;
  for (std::int64_t m = 0; m < a.rows; ++m) {
    for (std::int64_t n = 0; n < b.columns; ++n) {
      double exact = 0.0;
      for (std::int64_t k = 0; k < a.columns; ++k) {
        exact += static_cast<double>(*a.at(m, k)) * *b.at(k, n);
      }
      const double error = c[static_cast<std::size_t>(m * b.columns + n)] - exact;
      sum += error * error;
    }
  }
  return std::sqrt(sum / static_cast<double>(c.size()));
}

TEST(Int24Gemm, ErrsLessThanFp32WhereALayerIsWide) {
  constexpr std::int64_t kRows = 40, kColumns = 64;
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  for (const std::int64_t depth : {256, 512, 2000}) {
    std::vector<float> h(static_cast<std::size_t>(kRows * depth));
    std::vector<float> w(static_cast<std::size_t>(depth * kColumns));
    for (float& value : h) value = std::tanh(normal(generator));
    for (float& value : w) value = 0.1F * normal(generator);
    const Matrix a = matrix(h, kRows, depth, Layout::rows);
    const Matrix b = matrix(w, depth, kColumns, Layout::columns);
    EXPECT_LT(error_of(kInt24Gemm, a, b), error_of(kPanelGemm, a, b)) << depth;
  }
}

TEST(Int24Gemm, SmallNumbersKeepTheirPrecision) {
  const auto a_values = values_of_many_sizes(20 * 100, 8);
  const auto b_values = values_of_many_sizes(100 * 20, 9);
  std::vector<float> small_a = a_values;
  std::vector<float> small_b = b_values;
  for (float& value : small_a) value *= 0x1p-60F;
  for (float& value : small_b) value *= 0x1p-40F;
  ThreadPool pool(1);
  Scratch scratch;
  std::vector<float> c(400), small(400);
  const Workers workers{pool, scratch, kInt24Gemm};
  multiply(workers, matrix(a_values, 20, 100, Layout::rows),
           matrix(b_values, 100, 20, Layout::rows), {c.data(), 20});
  multiply(workers, matrix(small_a, 20, 100, Layout::rows), matrix(small_b, 100, 20, Layout::rows),
           {small.data(), 20});
  for (float& value : c) value *= 0x1p-100F;
  EXPECT_EQ(small, c);
}

TEST(Int24Gemm, WhatIsNotFiniteIsNotFiniteAfterIt) {
  ThreadPool pool(1);
  Scratch scratch;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{130}}) {
      std::vector<float> ones(5 * 131, 1.0F);
      std::vector<float> broken = ones;
      broken[place] = bad;  // row 0
      std::vector<float> c(25);
      const Workers workers{pool, scratch, kInt24Gemm};
      multiply(workers, matrix(broken, 5, 131, Layout::rows), matrix(ones, 131, 5, Layout::columns),
               {c.data(), 5});
      for (std::size_t i = 0; i < c.size(); ++i) EXPECT_EQ(std::isfinite(c[i]), i >= 5) << i;
      multiply(workers, matrix(ones, 5, 131, Layout::rows), matrix(broken, 131, 5, Layout::columns),
               {c.data(), 5});
      for (std::size_t i = 0; i < c.size(); ++i) EXPECT_EQ(std::isfinite(c[i]), i % 5 > 0) << i;
    }
  }
}

TEST(Int24Gemm, AnEmptySumIsTheStartValue) {
  ThreadPool pool(1);
  Scratch scratch;
  std::vector<float> c = {1.0F, 2.0F};
  multiply({pool, scratch, kInt24Gemm}, {nullptr, 1, 0, 0, 1}, {nullptr, 0, 2, 2, 1},
           {c.data(), 2, nullptr, Accumulate::add});
  EXPECT_EQ(c, (std::vector<float>{1.0F, 2.0F}));
}

}  // namespace
}  // namespace cadenza::cpu
