// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/panel_gemm.h"

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

}  // namespace cadenza::test
