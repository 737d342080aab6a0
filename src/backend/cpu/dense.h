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
struct Product {
  Matrix a;
  Output c;
};
/// Several with the same b.
void multiply(const Workers& workers, std::span<const Product> products, const Matrix& b);
void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c);
/// to [N, M], contiguous, += x^T, x [M, N] with contiguous rows.
void add_transposed(const Workers& workers, const Matrix& x, float* to);

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
/// y [N] += sum over the rows of x [M, N], contiguous.
void add_column_sums(const Workers& workers, const Matrix& x, float* y);
/// y += alpha * x, on the caller's thread.
void add_multiple(float alpha, const float* x, float* y, std::int64_t count);

}  // namespace cadenza::cpu
