// SPDX-License-Identifier: Apache-2.0
#include "bench/cpu_peak.h"

#include <chrono>
#include <thread>
#include <vector>

#include "backend/cpu/simd_targets.h"
#include "backend/cpu/thread_pool.h"

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

}  // namespace cadenza::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::bench {

HWY_EXPORT(multiply_add);

namespace {

/// FLOP per second of the calling thread.
double flops_per_second() {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kTime{20};
  const Clock::time_point begin = Clock::now();
  double flops = 0.0;
  volatile float sink = 0.0F;
  std::chrono::duration<double> spent{};
  while (spent < kTime) {
    float result = 0.0F;
    flops += HWY_DYNAMIC_DISPATCH(multiply_add)(100000, &result);
    sink = result;
    spent = Clock::now() - begin;
  }
  static_cast<void>(sink);
  return flops / spent.count();
}

}  // namespace

DevicePeak measure_cpu_peak() {
  std::vector<double> rates(static_cast<std::size_t>(cpu::available_cores()));
  std::vector<std::thread> threads;
  for (double& rate : rates) threads.emplace_back([&rate] { rate = flops_per_second(); });
  for (std::thread& thread : threads) thread.join();
  DevicePeak peak;
  for (const double rate : rates) peak.flops_per_second += rate;
  return peak;
}

}  // namespace cadenza::bench
#endif  // HWY_ONCE
