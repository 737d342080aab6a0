// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cpu/dense.h"
#include "backend/cpu_targets.h"

// What tests of products of matrices share.

namespace cadenza::test {

enum class Layout { rows, columns };
constexpr Layout kLayouts[] = {Layout::rows, Layout::columns};

inline cpu::Matrix matrix(const std::vector<float>& values, std::int64_t rows, std::int64_t columns,
                          Layout layout) {
  if (layout == Layout::rows) return {values.data(), rows, columns, columns, 1};
  return {values.data(), rows, columns, 1, rows};
}

/// c [rows, columns] of a sum of `depth` products.
struct ProductSize {
  std::int64_t rows, columns, depth;
};

/// On every target and for every layout, with a bias added to what is there: each element is that
/// of defined(a, b, row, column, start). `random(count, seed)` makes the numbers.
template <class Random, class Defined>
void expect_defined_products(std::span<const ProductSize> sizes, const cpu::Gemm& gemm,
                             const Random& random, const Defined& defined) {
  for_each_target([&](const char* target) {
    for (const ProductSize& size : sizes) {
      for (const Layout layout_a : kLayouts) {
        for (const Layout layout_b : kLayouts) {
          const std::vector<float> a_values = random(size.rows * size.depth, 1);
          const std::vector<float> b_values = random(size.depth * size.columns, 2);
          const std::vector<float> bias = random(size.columns, 3);
          const std::vector<float> before = random(size.rows * size.columns, 4);
          const cpu::Matrix a = matrix(a_values, size.rows, size.depth, layout_a);
          const cpu::Matrix b = matrix(b_values, size.depth, size.columns, layout_b);
          cpu::ThreadPool pool(3);
          cpu::Scratch scratch;
          std::vector<float> c = before;
          cpu::multiply({pool, scratch, gemm}, a, b,
                        {c.data(), size.columns, bias.data(), Accumulate::add});
          for (std::int64_t m = 0; m < size.rows; ++m) {
            for (std::int64_t n = 0; n < size.columns; ++n) {
              const auto at = static_cast<std::size_t>(m * size.columns + n);
              ASSERT_EQ(c[at], defined(a, b, m, n, before[at] + bias[static_cast<std::size_t>(n)]))
                  << target << ' ' << size.rows << 'x' << size.columns << 'x' << size.depth
                  << " at " << m << ", " << n;
            }
          }
        }
      }
    }
  });
}

/// A PackedFactor gives the bits of multiply().
template <class Random>
void expect_the_same_packed(std::span<const ProductSize> sizes, const cpu::Gemm& gemm,
                            const Random& random) {
  for (const ProductSize& size : sizes) {
    const std::vector<float> a_values = random(size.rows * size.depth, 5);
    const std::vector<float> b_values = random(size.depth * size.columns, 6);
    const cpu::Matrix a = matrix(a_values, size.rows, size.depth, Layout::rows);
    const cpu::Matrix b = matrix(b_values, size.depth, size.columns, Layout::columns);
    cpu::ThreadPool pool(2);
    cpu::Scratch scratch;
    const cpu::Scratch::Frame frame(scratch);
    const cpu::Workers workers{pool, scratch, gemm};
    const cpu::PackedFactor packed(workers, frame, b, size.rows);
    std::vector<float> expected(static_cast<std::size_t>(size.rows * size.columns));
    std::vector<float> got = expected;
    cpu::multiply(workers, a, b, {expected.data(), size.columns});
    packed.multiply(a, 0, {got.data(), size.columns});
    EXPECT_EQ(got, expected) << size.rows << 'x' << size.columns << 'x' << size.depth;
  }
}

/// Products that share b give the bits of each by itself.
template <class Random>
void expect_the_same_together(const cpu::Gemm& gemm, const Random& random) {
  constexpr std::int64_t kDepth = 1100, kColumns = 70;
  constexpr std::int64_t kRows[] = {5, 400, 33};
  const std::vector<float> a_values = random(400 * kDepth, 7);
  const std::vector<float> b_values = random(kDepth * kColumns, 8);
  const std::vector<float> bias = random(kColumns, 9);
  for (const Layout layout : kLayouts) {
    const cpu::Matrix b = matrix(b_values, kDepth, kColumns, layout);
    cpu::ThreadPool pool(2);
    cpu::Scratch scratch;
    const cpu::Workers workers{pool, scratch, gemm};
    std::vector<float> expected[3], got[3];
    std::vector<cpu::Product> products;
    for (std::size_t i = 0; i < 3; ++i) {
      expected[i].assign(static_cast<std::size_t>(kRows[i] * kColumns), 2.0F);
      got[i] = expected[i];
      const cpu::Matrix a = matrix(a_values, kRows[i], kDepth, kLayouts[i % 2]);
      const Accumulate accumulate = i == 2 ? Accumulate::add : Accumulate::overwrite;
      cpu::multiply(workers, a, b, {expected[i].data(), kColumns, bias.data(), accumulate});
      products.push_back({a, {got[i].data(), kColumns, bias.data(), accumulate}});
    }
    cpu::multiply(workers, products, b);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(got[i], expected[i]) << kRows[i];
  }
}

}  // namespace cadenza::test
