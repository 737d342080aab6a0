// SPDX-License-Identifier: Apache-2.0
// Draws per second of whole batches: sample_tokens() of every backend, beside the memory that it
// must read; and on one thread sample_rows() of the CPU backend beside sample_row(), with arguments
// V, B, filter (0 none, 1 top_p 0.95, 2 top_k 40, 3 both, 4 typical 0.9, 5 greedy), scores.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <vector>

#include "backend/cpu/sampler.h"
#include "bench/draw_rows.h"
#include "bench/measure.h"
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

struct Filter {
  const char* name;
  SamplingParams params;
};

const std::array<Filter, 3> kContractFilters = {{{"plain", {.temperature = 0.9}},
                                                 {"top_k", {.temperature = 0.9, .top_k = 10}},
                                                 {"top_p", {.temperature = 0.9, .top_p = 0.9}}}};

void through_the_contract(benchmark::State& state, bench::Place& place, std::int64_t vocabulary,
                          std::int64_t batch, const Filter& filter) {
  Backend& backend = *place.backend;
  const Tensor logits(backend, {batch, vocabulary}, DType::f32);
  const Tensor tokens(backend, {batch}, DType::i32);
  bench::fill_uniform(backend, logits, 4.0F);
  const bench::DrawRowTensors rows(backend, filter.params, batch);
  const double row_bytes =
      static_cast<double>(4 * vocabulary) + static_cast<double>(sizeof(RowSampling)) + 8 + 4 + 4;
  const bench::Cost cost = {.bytes = static_cast<double>(batch) * row_bytes,
                            .items = static_cast<double>(batch),
                            .item = "draws",
                            .cache = bench::Cache::flushed};
  bench::measure(state, place, cost, [&] {
    backend.sample_tokens({.logits = logits, .rows = rows.rows(), .tokens = tokens});
  });
}

const bool kRegistered = [] {
  constexpr std::int64_t kMostLogits = std::int64_t{1} << 27;
  for (const std::int64_t vocabulary : {128, 256, 388, 512, 1024, 32768}) {
    for (const std::int64_t batch : {1024, 4096, 16384, 65536}) {
      if (vocabulary * batch > kMostLogits) continue;
      for (const Filter& filter : kContractFilters) {
        // A logit is worth about a thousand operations in the time of a processor.
        bench::register_case("sample_tokens",
                             message("V:", vocabulary, "/B:", batch, '/', filter.name),
                             1e3 * static_cast<double>(vocabulary * batch),
                             [=, &filter](benchmark::State& state, bench::Place& place) {
                               through_the_contract(state, place, vocabulary, batch, filter);
                             });
      }
    }
  }
  return true;
}();

}  // namespace
