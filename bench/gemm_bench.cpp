// SPDX-License-Identifier: Apache-2.0
// Products through the backends, c [M, N] = a [M, K] * b [N, K]^T: how fast they are, and how far
// off.
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "bench/measure.h"

namespace cadenza::bench {
namespace {

struct Extents {
  std::int64_t m, n, k;
};

/// The arrays of a product.
struct Operands {
  Tensor a, b, c;

  Operands(Backend& backend, const Extents& extents)
      : a(backend, {extents.m, extents.k}, DType::f32),
        b(backend, {extents.n, extents.k}, DType::f32),
        c(backend, {extents.m, extents.n}, DType::f32) {}
};

double flops_of(const Extents& extents) {
  return 2.0 * static_cast<double>(extents.m * extents.n * extents.k);
}

void measure_product(benchmark::State& state, Place& place, const Extents& extents,
                     const Operands& operands) {
  const auto& [a, b, c] = operands;
  const MatmulArgs args{.a = a, .b = b, .c = c, .transpose_b = Transpose::yes};
  measure(state, place, {.flops = flops_of(extents)}, [&] { place.backend->matmul(args); });
}

void multiply(benchmark::State& state, Place& place, const Extents& extents) {
  const Operands operands(*place.backend, extents);
  fill_uniform(*place.backend, operands.a, 1.0F);
  fill_uniform(*place.backend, operands.b, 1.0F);
  measure_product(state, place, extents, operands);
}

/// What the weights of an output are: of a size, as those of trained layers, or of many sizes.
enum class Sizes : std::uint8_t { one, many };

/// Root of the mean square of what c is off by, over that of a * b^T in double.
double relative_error(const Extents& extents, const std::vector<float>& a,
                      const std::vector<float>& b, const std::vector<float>& c) {
  const auto [m, n, k] = extents;
  double error = 0.0;
  double size = 0.0;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum +=
            double{a[static_cast<std::size_t>(i * k + l)]} * b[static_cast<std::size_t>(j * k + l)];
      }
      const double off = c[static_cast<std::size_t>(i * n + j)] - sum;
      error += off * off;
      size += sum * sum;
    }
  }
  return std::sqrt(error / size);
}

/// Counter relative_error. States, tanh of normal numbers, meet weights.
void measure_error(benchmark::State& state, Place& place, const Extents& extents, Sizes sizes) {
  const auto [m, n, k] = extents;
  Backend& backend = *place.backend;
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<std::size_t>(m * k));
  std::vector<float> w(static_cast<std::size_t>(n * k));
  const bool many = sizes == Sizes::many;
  for (float& value : x) value = std::tanh((many ? 0.2F : 1.0F) * normal(generator));
  for (float& value : w) {
    value = 0.1F * normal(generator);
    if (many) value *= std::exp(normal(generator));
  }
  const Operands operands(backend, extents);
  backend.upload(std::as_bytes(std::span(x)), operands.a);
  backend.upload(std::as_bytes(std::span(w)), operands.b);
  measure_product(state, place, extents, operands);
  std::vector<float> result(static_cast<std::size_t>(m * n));
  backend.download(operands.c, std::as_writable_bytes(std::span(result)));
  state.counters["relative_error"] = relative_error(extents, x, w, result);
}

const bool kRegistered = [] {
  for (const std::int64_t rows : {1, 8, 32, 256, 2048, 16384}) {
    for (const Extents extents :
         {Extents{rows, 1024, 256}, {rows, 2048, 512}, {rows, 4096, 1024}}) {
      const auto [m, n, k] = extents;
      register_case(
          "matmul", message("M:", m, "/N:", n, "/K:", k), flops_of(extents),
          [extents](benchmark::State& state, Place& place) { multiply(state, place, extents); });
    }
  }
  for (const Sizes sizes : {Sizes::one, Sizes::many}) {
    for (const std::int64_t depth : {64, 256, 512, 1024}) {
      const Extents extents{64, 256, depth};
      register_case(
          "matmul_error",
          message(sizes == Sizes::one ? "weights_of_a_size" : "weights_of_many_sizes",
                  "/K:", depth),
          flops_of(extents),
          [extents, sizes](benchmark::State& state, Place& place) {
            measure_error(state, place, extents, sizes);
          },
          Precisions::all);
    }
  }
  return true;
}();

}  // namespace
}  // namespace cadenza::bench
