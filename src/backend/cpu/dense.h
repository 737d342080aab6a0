// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "backend/cpu/panel_gemm.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/thread_pool.h"

// Products and sums over all threads. Their bits do not depend on the number of threads.

namespace cadenza::cpu {

/// What an operation computes with.
struct Workers {
  ThreadPool& pool;
  Scratch& scratch;
  const Gemm& gemm = kPanelGemm;
};

/// c = a * b (+ bias) (+ c).
void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c);

/// What one of several products with the same b takes and where it goes.
struct Product {
  Matrix a;
  Output c;
};
void multiply(const Workers& workers, std::span<const Product> products, const Matrix& b);

/// b [K, N], packed in the memory of a frame for products with up to `rows` rows.
class PackedFactor {
 public:
  PackedFactor(const Workers& workers, const Scratch::Frame& frame, const Matrix& b,
               std::int64_t rows);
  /// c = a * b (+ bias) (+ c), on the caller's thread; the rows of `a`, which are contiguous, are
  /// those from `first` on.
  void multiply(const Matrix& a, std::int64_t first, const Output& c) const;

 private:
  const Gemm& gemm_;
  std::int64_t columns_;
  std::int64_t row_scratch_;  // bytes for each row
  std::byte* packed_;
  std::byte* scratch_;
};

/// y [N] += sum over the rows of x [M, N], whose rows are contiguous.
void add_column_sums(const Workers& workers, const Matrix& x, float* y);
/// to [N, M], contiguous, += x^T, x [M, N] with contiguous rows.
void add_transposed(const Workers& workers, const Matrix& x, float* to);
/// The same on the caller's thread, rows of `to` `stride` apart.
void add_transposed(const Matrix& x, float* to, std::int64_t stride);
/// y += alpha * x, on the caller's thread.
void add_multiple(float alpha, const float* x, float* y, std::int64_t count);

}  // namespace cadenza::cpu
