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
  bool int24 = false;  ///< products by int24_gemm.h, not panel_gemm.h
};

/// c = a * b (+ bias) (+ c).
void multiply(const Workers& workers, const Matrix& a, const Matrix& b, const Output& c);

/// b [K, N], packed in the memory of a frame for products with up to `rows` rows.
class PackedFactor {
 public:
  PackedFactor(const Workers& workers, const Scratch::Frame& frame, const Matrix& b,
               std::int64_t rows);
  /// c = a * b (+ bias) (+ c), on the caller's thread; the rows of `a`, which are contiguous, are
  /// those from `first` on.
  void multiply(const Matrix& a, std::int64_t first, const Output& c) const;

 private:
  bool int24_;
  std::int64_t columns_;
  std::byte* packed_;
  std::byte* codes_ = nullptr;  // int24_row_bytes() for each row
};
/// y [N] += sum over the rows of x [M, N], contiguous.
void add_column_sums(const Workers& workers, const Matrix& x, float* y);
/// y += alpha * x, on the caller's thread.
void add_multiple(float alpha, const float* x, float* y, std::int64_t count);

}  // namespace cadenza::cpu
