// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/panel_gemm.h"

// Products of any two matrices in int24 (products.h), for training: as panel_gemm.h has them, but
// that of each element's K products kInt24Depth are summed as integers, whose sum goes to c. Rows
// of a take the least step that holds such a part of them, also below that of [-1, 1], as gradients
// are small; columns of b have theirs. Bits depend on the row of a, the column of b and nothing
// else.

namespace cadenza::cpu {

inline constexpr std::int64_t kInt24Depth = 512;
/// Rows of a whose codes the second-level cache holds, whole tiles.
inline constexpr std::int64_t kInt24Rows = 256;

/// Bytes of b [K, N] packed.
std::int64_t int24_packed_bytes(std::int64_t depth, std::int64_t columns);
/// Packs the columns of b into `packed` (64-byte aligned).
void pack_int24(const Matrix& b, std::byte* packed);
/// c = a * b (+ bias) (+ c) with b [K, columns] packed, for the rows `rows` of a and c. `scratch`:
/// int24_row_bytes(K) for each of them, of kInt24Rows at most; 64-byte aligned.
void multiply_packed_int24(const Matrix& a, const std::byte* packed, Range rows,
                           std::int64_t columns, const Output& c, std::byte* scratch);
/// The part rows x columns of c = a * b (+ bias) (+ c), with b packed on the way. `scratch`:
/// int24_scratch_bytes(a), 64-byte aligned. `columns` starts at a multiple of panel_width().
void multiply_int24(const Matrix& a, const Matrix& b, Range rows, Range columns, const Output& c,
                    std::byte* scratch);
std::int64_t int24_row_bytes(std::int64_t depth);
std::int64_t int24_scratch_bytes(const Matrix& a);

}  // namespace cadenza::cpu
