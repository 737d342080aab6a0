// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <vector>

#include "bench/cpu_peak.h"
#include "bench/quantile.h"
#include "bench/timer.h"
#include "cadenza/error.h"

namespace cadenza::bench {
namespace {

constexpr std::size_t kLeastSamples = 5;
constexpr std::size_t kMostSamples = 2000;

double seconds_per_case() {
  const char* const text = std::getenv("CADENZA_BENCH_SECONDS");
  return text == nullptr ? 0.25 : std::strtod(text, nullptr);
}

/// FLOP that a backend is asked for at most in one run, so that no case takes minutes.
double most_flops(std::string_view backend) {
  if (backend == "reference") return 2e8;
  return backend == "cpu" ? 1.2e11 : 1e15;
}

/// Overwrites more memory than the caches hold.
class CacheFlusher {
 public:
  CacheFlusher(Backend& backend, Cache cache, std::size_t cache_bytes) : backend_(backend) {
    if (cache == Cache::warm) return;
    memory_ = Tensor(backend, {static_cast<std::int64_t>(cache_bytes)}, DType::f32);
  }
  void flush() {
    if (memory_.view().empty()) return;
    backend_.fill(memory_, value_);
    value_ = 1.0 - value_;
  }

 private:
  Backend& backend_;
  Tensor memory_;
  double value_ = 0.0;
};

std::vector<double> sample(Place& place, const Cost& cost, std::size_t cache_bytes,
                           const std::function<void()>& operation) {
  Backend& backend = *place.backend;
  CacheFlusher flusher(backend, cost.cache, cache_bytes);
  const std::unique_ptr<Timer> timer = make_timer(backend);
  for (int warm_up = 0; warm_up < 2; ++warm_up) operation();
  backend.synchronize();

  std::vector<double> seconds;
  const WallTimer::Clock::time_point begin = WallTimer::Clock::now();
  const double budget = seconds_per_case();
  while (seconds.size() < kMostSamples) {
    const std::chrono::duration<double> spent = WallTimer::Clock::now() - begin;
    if (seconds.size() >= kLeastSamples && spent.count() > budget) break;
    flusher.flush();
    timer->start();
    operation();
    seconds.push_back(timer->stop());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

void report(benchmark::State& state, const Cost& cost, const DevicePeak& peak,
            const std::vector<double>& seconds) {
  const double median = quantile(seconds, 0.5);
  auto& counters = state.counters;
  counters["median_us"] = 1e6 * median;
  counters["p10_us"] = 1e6 * quantile(seconds, 0.1);
  counters["p90_us"] = 1e6 * quantile(seconds, 0.9);
  counters["samples"] = static_cast<double>(seconds.size());
  if (cost.items > 0.0) counters[std::string(cost.item) + "/s"] = cost.items / median;
  if (cost.flops > 0.0) counters["TFLOP/s"] = 1e-12 * cost.flops / median;
  if (cost.bytes > 0.0) counters["GB/s"] = 1e-9 * cost.bytes / median;
  double floor = 0.0;
  if (peak.flops_per_second > 0.0) floor = cost.flops / peak.flops_per_second;
  if (peak.bytes_per_second > 0.0) floor = std::max(floor, cost.bytes / peak.bytes_per_second);
  if (floor > 0.0) {
    counters["floor_us"] = 1e6 * floor;
    counters["share_of_peak"] = floor / median;
  }
  if (cost.bytes > 0.0) counters["bytes"] = cost.bytes;
}

}  // namespace

void measure(benchmark::State& state, Place& place, const Cost& cost,
             const std::function<void()>& operation) {
  const DevicePeak peak = device_peak(*place.backend, place.precision);
  for (auto _ : state) {
    const std::vector<double> seconds = sample(place, cost, peak.cache_bytes, operation);
    state.SetIterationTime(quantile(seconds, 0.5));
    report(state, cost, peak, seconds);
  }
}

void report_reading(benchmark::State& state, const Place& place, double bytes, double times) {
  if (place.backend->name() != "cpu" || place.precision != Precision::fp32) return;
  const double rate = measure_cpu_read(static_cast<std::size_t>(bytes));
  state.counters["read_floor_us"] = 1e6 * times * bytes / rate;
}

void register_case(const std::string& name, const std::string& label, double flops,
                   const std::function<void(benchmark::State&, Place&)>& run,
                   Precisions precisions) {
  for (BackendInfo info : backends()) {
    if (!info.available || flops > most_flops(info.name)) continue;
    if (precisions == Precisions::all) {
      info.precisions.insert(info.precisions.end(), info.inference.begin(), info.inference.end());
    }
    for (const Precision precision : info.precisions) {
      const std::string backend(info.name);
      const std::string full = message(name, '/', backend, '/', name_of(precision), '/', label);
      benchmark::RegisterBenchmark(
          full.c_str(),
          [backend, precision, run](benchmark::State& state) {
            try {
              Place place{make_backend(backend, {.precision = precision}), precision};
              run(state, place);
            } catch (const Error& error) {
              state.SkipWithError(error.what());
            }
          })
          ->UseManualTime()
          ->Iterations(1)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

void fill_uniform(Backend& backend, const TensorView& to, float bound) {
  constexpr std::int64_t kBlock = std::int64_t{1} << 20;
  const std::int64_t count = to.count();
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-bound, bound);
  std::vector<float> values(static_cast<std::size_t>(std::min(count, kBlock)));
  for (float& value : values) value = uniform(generator);
  const TensorView flat = to.reshaped({count});
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t size = std::min(kBlock, count - begin);
    backend.upload(std::as_bytes(std::span(values).first(static_cast<std::size_t>(size))),
                   flat.slice(begin, size));
  }
}

}  // namespace cadenza::bench
