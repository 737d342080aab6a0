// SPDX-License-Identifier: Apache-2.0
// Products through the backends: c [M, N] = a [M, K] * b [N, K]^T.
#include <benchmark/benchmark.h>

#include <string>

#include "cadenza/backend.h"

namespace {

using cadenza::DType;
using cadenza::Shape;
using cadenza::Tensor;

void multiply(benchmark::State& state, const std::string& name, int threads) {
  const auto backend = cadenza::make_backend(name, {.threads = threads});
  const std::int64_t m = state.range(0);
  const std::int64_t n = state.range(1);
  const std::int64_t k = state.range(2);
  const Tensor a(*backend, {m, k}, DType::f32);
  const Tensor b(*backend, {n, k}, DType::f32);
  const Tensor c(*backend, {m, n}, DType::f32);
  for (auto _ : state) {
    backend->matmul({.a = a, .b = b, .c = c, .transpose_b = cadenza::Transpose::yes});
  }
  state.counters["FLOP/s"] = benchmark::Counter(static_cast<double>(2 * m * n * k),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  for (const std::string name : {"cpu", "reference"}) {
    for (const int threads : {1, 2}) {
      if (name == "reference" && threads > 1) continue;
      const std::string label = name + "/threads:" + std::to_string(threads) + "/MNK";
      auto* const bench = benchmark::RegisterBenchmark(
          label.c_str(),
          [name, threads](benchmark::State& state) { multiply(state, name, threads); });
      bench->UseRealTime();
      for (const std::int64_t rows : {1, 8, 32, 256, 2048}) {
        if (name == "reference" && rows > 32) continue;
        bench->Args({rows, 1024, 256})->Args({rows, 2048, 512});
      }
    }
  }
  return true;
}();

}  // namespace
