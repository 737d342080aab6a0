// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "backend/cpu/gemm.h"

// Products of any two matrices in int24 (products.h), for training, as panel_gemm.h has them, but
// that of each element's K products kInt24Depth are summed as integers, whose sum goes to c. Rows
// of a take the least step that holds such a part of them, also below that of [-1, 1], as gradients
// are small; columns of b have theirs.

namespace cadenza::cpu {

/// The more, the fewer sums go to c; rows of codes that meet a panel still have to fit a cache.
inline constexpr std::int64_t kInt24Depth = 1024;

extern const Gemm kInt24Gemm;

}  // namespace cadenza::cpu
