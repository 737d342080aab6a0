// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/column_sums.h"
#include "kernels/device_array.h"
#include "kernels/embedding.h"

// Embeddings and sums over rows at sizes that leave rests, fill several
// blocks, or are empty. Sums are of whole numbers, so they are compared exactly.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::size_of;
using test::whole_numbers;
using EmbeddingKernel = test::KernelTest;
using ColumnSums = test::KernelTest;

struct TableCase {
  std::int64_t rows, width;
  std::int32_t vocabulary;
  std::size_t offset = 0;
};
constexpr TableCase kTables[] = {
    {0, 5, 3},      {1, 1, 1},         {7, 5, 3},      {1000, 33, 17},
    {1000, 132, 2}, {1000, 132, 2, 1}, {70001, 1, 90}, {40, 4, 300},
};

/// Ids in [-1, vocabulary), half of them the last.
std::vector<std::int32_t> ids_of(const TableCase& table) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(table.rows));
  for (std::size_t n = 0; n < ids.size(); ++n) {
    const auto spread = static_cast<std::int32_t>(n * 2654435761U % 1000003U);
    ids[n] = n % 2 == 0 ? table.vocabulary - 1 : spread % (table.vocabulary + 1) - 1;
  }
  return ids;
}

TEST_F(EmbeddingKernel, PicksRows) {
  for (const TableCase& table : kTables) {
    const std::vector<std::int32_t> ids = ids_of(table);
    const std::vector<float> values = whole_numbers(size_of(table.vocabulary, table.width), 99, 1);
    const DeviceArray<std::int32_t> device_ids(ids);
    const DeviceArray<float> device_table(values, table.offset);
    const DeviceArray<float> y(size_of(table.rows, table.width));
    embedding({.ids = device_ids.data(),
               .table = device_table.data(),
               .y = y.data(),
               .rows = table.rows,
               .width = table.width},
              nullptr);
    std::vector<float> expected(size_of(table.rows, table.width));
    for (std::int64_t n = 0; n < table.rows; ++n) {
      const std::int32_t id = ids[static_cast<std::size_t>(n)];
      if (id < 0) continue;
      std::copy_n(values.begin() + id * table.width, table.width,
                  expected.begin() + n * table.width);
    }
    EXPECT_EQ(y.values(), expected) << table.rows << " x " << table.width;
  }
}

TEST_F(EmbeddingKernel, AddsTheRowsOfEachId) {
  for (const TableCase& table : kTables) {
    for (const TableLayout layout : {TableLayout::rows, TableLayout::transposed}) {
      const std::vector<std::int32_t> ids = ids_of(table);
      const std::vector<float> dy = whole_numbers(size_of(table.rows, table.width), 20, 2);
      std::vector<float> expected = whole_numbers(size_of(table.vocabulary, table.width), 20, 3);
      const DeviceArray<std::int32_t> device_ids(ids);
      const DeviceArray<float> device_dy(dy, table.offset);
      const DeviceArray<float> d_table(expected);
      const DeviceArray<std::byte> workspace(
          embedding_backward_workspace(table.rows, table.vocabulary));
      embedding_backward({.ids = device_ids.data(),
                          .dy = device_dy.data(),
                          .d_table = d_table.data(),
                          .rows = table.rows,
                          .width = table.width,
                          .vocabulary = table.vocabulary,
                          .layout = layout},
                         workspace.data(), nullptr);
      for (std::int64_t n = 0; n < table.rows; ++n) {
        const std::int32_t id = ids[static_cast<std::size_t>(n)];
        if (id < 0) continue;
        for (std::int64_t c = 0; c < table.width; ++c) {
          const std::int64_t at =
              layout == TableLayout::rows ? id * table.width + c : c * table.vocabulary + id;
          expected[static_cast<std::size_t>(at)] +=
              dy[static_cast<std::size_t>(n * table.width + c)];
        }
      }
      EXPECT_EQ(d_table.values(), expected)
          << table.rows << " x " << table.width << " into " << table.vocabulary;
    }
  }
}

TEST_F(ColumnSums, AddsEveryRowOnce) {
  for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{0, 3},
                                      {3, 0},
                                      {1, 1},
                                      {5, 33},
                                      {127, 4},
                                      {128, 31},
                                      {129, 32},
                                      {1000, 65},
                                      {70001, 2},
                                      {3, 5000}}) {
    const std::vector<float> x = whole_numbers(size_of(rows, columns), 9, 4);
    std::vector<float> expected = whole_numbers(static_cast<std::size_t>(columns), 9, 5);
    const DeviceArray<float> device_x(x);
    const DeviceArray<float> y(expected);
    const DeviceArray<float> scratch(column_sums_scratch(rows, columns));
    add_column_sums(device_x.data(), rows, columns, scratch.data(), y.data(), nullptr);
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected[i % static_cast<std::size_t>(columns)] += x[i];
    }
    EXPECT_EQ(y.values(), expected) << rows << " x " << columns;
  }
}

}  // namespace
}  // namespace cadenza::kernels
