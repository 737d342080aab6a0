// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "backend/cpu/gemm.h"

// Matrix products with one order of summation. Each element of c [M, N] starts at its first value
// (0 or what c holds, plus bias) and takes the K products one after the other, k ascending, each by
// one fused multiply-add. So its bits do not depend on M, N, threads, blocking or instruction set.

namespace cadenza::cpu {

/// The instruction set in use, for people: "AVX2", "AVX3" (AVX-512), "NEON".
std::string_view instruction_set();
extern const Gemm kPanelGemm;
/// to[j * to_stride + i] = from[i * from_stride + j] for rows x columns elements.
void transpose(const float* from, std::int64_t from_stride, std::int64_t rows, std::int64_t columns,
               float* to, std::int64_t to_stride);

}  // namespace cadenza::cpu
