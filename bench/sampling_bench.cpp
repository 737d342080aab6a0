// SPDX-License-Identifier: Apache-2.0
// Draws per second of whole batches on one thread: sample_rows() of the CPU backend beside
// sample_row(). Arguments: V, B, filter (0 none, 1 top_p 0.95, 2 top_k 40, 3 both, 4 typical 0.9,
// 5 greedy), scores.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "backend/cpu/sampler.h"
#include "cadenza/random.h"
#include "cadenza/sampling.h"

namespace {

using namespace cadenza;

const SamplingParams kFilters[] = {{},
                                   {.top_p = 0.95},
                                   {.top_k = 40},
                                   {.top_k = 40, .top_p = 0.95},
                                   {.typical_p = 0.9},
                                   {.temperature = 0.0}};

struct Batch {
  explicit Batch(const benchmark::State& state)
      : logits(static_cast<std::size_t>(state.range(0) * state.range(1))),
        rows(static_cast<std::size_t>(state.range(1))),
        results(rows.size()) {
    const auto v = static_cast<std::size_t>(state.range(0));
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const RandomAddress address = {RandomPurpose::initialize, i, 0, 0};
      logits[i] = 12.0F * static_cast<float>(uniform_double(random_bits(1, address)));
    }
    for (std::size_t b = 0; b < rows.size(); ++b) {
      rows[b] = {.logits = std::span<const float>(logits).subspan(b * v, v),
                 .params = pack(kFilters[state.range(2)]),
                 .seed = 7,
                 .sequence = b,
                 .scores = state.range(3) != 0};
    }
  }
  void advance() {
    for (SampleRow& row : rows) ++row.step;
  }

  std::vector<float> logits;
  std::vector<SampleRow> rows;
  std::vector<SampleResult> results;
};

void vectorised(benchmark::State& state) {
  Batch batch(state);
  for (auto _ : state) {
    cpu::sample_rows(batch.rows, batch.results);
    batch.advance();
    benchmark::DoNotOptimize(batch.results.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.SetLabel(cpu::sampler_target());
}

void reference(benchmark::State& state) {
  Batch batch(state);
  for (auto _ : state) {
    for (std::size_t b = 0; b < batch.rows.size(); ++b) {
      batch.results[b] = sample_row(batch.rows[b]);
    }
    batch.advance();
    benchmark::DoNotOptimize(batch.results.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

void grid(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"V", "B", "filter", "scores"});
  for (const int v : {128, 388, 1024}) {
    for (int filter = 0; filter < 6; ++filter) bench->Args({v, 256, filter, 0});
    bench->Args({v, 256, 0, 1});
    bench->Args({v, 256, 1, 1});
  }
}

BENCHMARK(vectorised)->Apply(grid);
BENCHMARK(reference)->Apply(grid);

}  // namespace
