// SPDX-License-Identifier: Apache-2.0
// Products through the backends: c [M, N] = a [M, K] * b [N, K]^T.
#include "bench/measure.h"

namespace cadenza::bench {
namespace {

struct Extents {
  std::int64_t m, n, k;
};

void multiply(benchmark::State& state, Place& place, const Extents& extents) {
  const auto [m, n, k] = extents;
  Backend& backend = *place.backend;
  const Tensor a(backend, {m, k}, DType::f32);
  const Tensor b(backend, {n, k}, DType::f32);
  const Tensor c(backend, {m, n}, DType::f32);
  fill_uniform(backend, a, 1.0F);
  fill_uniform(backend, b, 1.0F);
  measure(state, place, {.flops = 2.0 * static_cast<double>(m * n * k)},
          [&] { backend.matmul({.a = a, .b = b, .c = c, .transpose_b = Transpose::yes}); });
}

const bool kRegistered = [] {
  for (const std::int64_t rows : {1, 8, 32, 256, 2048, 16384}) {
    for (const Extents extents :
         {Extents{rows, 1024, 256}, {rows, 2048, 512}, {rows, 4096, 1024}}) {
      const auto [m, n, k] = extents;
      register_case(
          "matmul", message("M:", m, "/N:", n, "/K:", k), 2.0 * static_cast<double>(m * n * k),
          [extents](benchmark::State& state, Place& place) { multiply(state, place, extents); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace cadenza::bench
