// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backend/cpu/panel_gemm.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/thread_pool.h"

// Products and sums over all threads. Their bits do not depend on the number of threads.

namespace cadenza::cpu {

/// What an operation computes with.
struct Workers {
  ThreadPool& pool;
  Scratch& scratch;
};

/// c = a * b (+ bias) (+ c).
void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c);
/// pack_panels() of a whole matrix.
void pack(const Workers& workers, const Matrix& b, float* packed);
/// y [N] += sum over the rows of x [M, N], contiguous.
void add_column_sums(const Workers& workers, const Matrix& x, float* y);
/// y += alpha * x, on the caller's thread.
void add_multiple(float alpha, const float* x, float* y, std::int64_t count);

}  // namespace cadenza::cpu
