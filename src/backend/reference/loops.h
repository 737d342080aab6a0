// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "cadenza/dtype.h"
#include "cadenza/error.h"

// What the loops of the reference share.

namespace cadenza::reference {

/// Calls `run` with a zero of the C++ type that `dtype` stands for, f32 or f64.
template <typename Run>
void with_real(DType dtype, const Run& run) {
  if (dtype == DType::f64) {
    run(double{});
  } else {
    run(float{});
  }
}

/// Sum of products in double. Eight interleaved partial sums, so that the processor need not wait
/// for each addition; their order depends on `count` alone.
template <typename A, typename B>
double dot(const A* a, const B* b, std::int64_t count) {
  constexpr std::int64_t kLanes = 8;
  double partial[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      partial[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
    }
  }
  for (; i < count; ++i) {
    partial[i % kLanes] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  double sum = 0.0;
  for (const double part : partial) sum += part;
  return sum;
}

/// y += factor * x, in double.
template <typename X>
void add_multiple(double factor, const X* x, double* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] += factor * static_cast<double>(x[i]);
}

/// y += x, rounded to the type of y.
template <typename Y>
void add_to(const double* x, Y* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<Y>(static_cast<double>(y[i]) + x[i]);
}

inline double sigmoid(double x) {
  return x >= 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x));
}

/// log(1 + exp(x)) without overflow.
inline double softplus(double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

/// ArgumentError unless `id`, entry `position` of an operation's ids, is -1 or below `count`.
inline void check_id(std::string_view operation, std::int32_t id, std::int64_t position,
                     std::int64_t count) {
  check(id >= -1 && id < count, operation, ": id ", id, " at position ", position,
        ", expected in [-1, ", count, ")");
}

}  // namespace cadenza::reference
