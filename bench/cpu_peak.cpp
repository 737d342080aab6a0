// SPDX-License-Identifier: Apache-2.0
#include "bench/cpu_peak.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "backend/cpu/simd_targets.h"
#include "backend/cpu/thread_pool.h"
#include "bench/host_clock.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/cpu_peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cadenza::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Multiply-adds that do not wait for each other: one takes four cycles and two begin in each.
constexpr int kChains = 12;

/// FLOP of `rounds` rounds; what they compute goes to `result`, which keeps them from being left
/// out.
double multiply_add(int rounds, float* result) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 1e-3F);
  hn::Vec<decltype(d)> chains[kChains];
  for (int i = 0; i < kChains; ++i) chains[i] = hn::Set(d, 1.0F + static_cast<float>(i));
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) chains[i] = hn::MulAdd(chains[i], factor, term);
  }
  auto sum = hn::Zero(d);
  for (int i = 0; i < kChains; ++i) sum = hn::Add(sum, chains[i]);
  *result = hn::GetLane(sum);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * rounds;
}

/// Bytes of `rounds` rounds through an array of `count` numbers, to and fro by turns in pieces that
/// are read forwards; their sum goes to `result`. The array begins at a cache line.
double read_array(const float* array, std::size_t count, int rounds, float* result) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kSums = 8;  // more additions at a time than one takes cycles
  constexpr std::size_t kPiece = 4096;
  hn::Vec<decltype(d)> sums[kSums];
  for (auto& sum : sums) sum = hn::Zero(d);
  const std::size_t pieces = count / kPiece;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < pieces; ++i) {
      const float* const piece = array + (round % 2 == 0 ? i : pieces - 1 - i) * kPiece;
      for (std::size_t at = 0; at < kPiece; at += kSums * lanes) {
#pragma GCC unroll 8
        for (std::size_t s = 0; s < kSums; ++s) {
          sums[s] = hn::Add(sums[s], hn::Load(d, piece + at + s * lanes));
        }
      }
    }
  }
  auto total = hn::Zero(d);
  for (const auto& sum : sums) total = hn::Add(total, sum);
  *result = hn::GetLane(total);
  return static_cast<double>(pieces * kPiece * sizeof(float)) * rounds;
}

}  // namespace cadenza::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::bench {

HWY_EXPORT(multiply_add);
HWY_EXPORT(read_array);

namespace {

/// What `work` counts a second, called for a while by the calling thread. Its result is kept from
/// being left out.
template <typename Work>
double rate_of(const Work& work) {
  constexpr double kTime = 0.02;
  volatile float sink = 0.0F;
  double counted = 0.0;
  double spent = 0.0;
  const double begin = thread_seconds();
  while (spent < kTime) {
    float result = 0.0F;
    counted += work(&result);
    sink = result;
    spent = thread_seconds() - begin;
  }
  static_cast<void>(sink);
  return counted / spent;
}

/// The sum of what `measure` gives in a thread for each core, all at a time.
template <typename Measure>
double over_cores(int cores, const Measure& measure) {
  std::vector<double> rates(static_cast<std::size_t>(cores));
  std::vector<std::thread> threads;
  for (double& rate : rates) threads.emplace_back([&rate, &measure] { rate = measure(); });
  for (std::thread& thread : threads) thread.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

DevicePeak measure_cpu_peak() {
  DevicePeak peak;
  peak.flops_per_second = over_cores(cpu::available_cores(), [] {
    return rate_of(
        [](float* result) { return HWY_DYNAMIC_DISPATCH(multiply_add)(100000, result); });
  });
  return peak;
}

double measure_cpu_read(std::size_t bytes) {
  const int cores = cpu::available_cores();
  const std::size_t count = bytes / sizeof(float) / static_cast<std::size_t>(cores);
  // A megabyte at least between looks at the clock; an even number of rounds, to and fro.
  const int rounds =
      2 * (static_cast<int>((std::size_t{1} << 18U) / std::max<std::size_t>(count, 1)) + 1);
  return over_cores(cores, [count, rounds] {
    const auto array = hwy::AllocateAligned<float>(count);
    std::fill_n(array.get(), count, 1e-3F);
    return rate_of([&](float* result) {
      return HWY_DYNAMIC_DISPATCH(read_array)(array.get(), count, rounds, result);
    });
  });
}

}  // namespace cadenza::bench
#endif  // HWY_ONCE
