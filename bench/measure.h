// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

#include "cadenza/backend.h"

namespace cadenza::bench {

/// Whether a sample begins with what it reads in the caches of the device.
enum class Cache : std::uint8_t { warm, flushed };

/// What one run of an operation does at least; 0: not counted.
struct Cost {
  double flops = 0.0;  ///< of products
  double bytes = 0.0;  ///< each input read once, each output written once
  double items = 0.0;
  const char* item = "items";  ///< what is counted
  Cache cache = Cache::warm;
};

/// A backend that works here, as a benchmark uses it.
struct Place {
  std::unique_ptr<Backend> backend;
  Precision precision = Precision::fp32;
};

/// Runs `operation` to warm up, then samples it for about CADENZA_BENCH_SECONDS (default 0.25) in
/// one iteration of `state`, whose time is the median. Counters: median_us, p10_us, p90_us,
/// samples; ITEM/s, TFLOP/s and GB/s as far as counted; share_of_peak, floor_us where the device's
/// peak is known.
void measure(benchmark::State& state, Place& place, const Cost& cost,
             const std::function<void()>& operation);

/// Counter read_floor_us: what the cpu backend in fp32 takes at least to read `bytes` of weights
/// `times` times in a run, by what its cores read of so much at this moment.
void report_reading(benchmark::State& state, const Place& place, double bytes, double times);

/// Whether precisions count that a backend does not train in.
enum class Precisions : std::uint8_t { of_training, all };

/// Registers `run` as NAME/BACKEND/PRECISION/CASE for every backend that works here, except those
/// for which one run of `flops` would take seconds.
void register_case(const std::string& name, const std::string& label, double flops,
                   const std::function<void(benchmark::State&, Place&)>& run,
                   Precisions precisions = Precisions::of_training);

/// Fills an f32 array with values uniform in (-bound, bound), the same every time.
void fill_uniform(Backend& backend, const TensorView& to, float bound);

}  // namespace cadenza::bench
