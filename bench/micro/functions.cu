// SPDX-License-Identifier: Apache-2.0
// 7: how many results a clock the approximate functions give, and how far off they are, above all
// near saturation, where a forget gate of a long memory lives.
#include <algorithm>
#include <cmath>

#include "bench/micro/benchmarks.h"
#include "bench/micro/ptx.h"

namespace cadenza::micro {
namespace {

struct Tanh {
  static constexpr const char* kName = "tanh.approx.f32";
  static __device__ __forceinline__ float apply(float x) {
    asm volatile("tanh.approx.f32 %0, %0;" : "+f"(x));
    return x;
  }
  static double exact(double x) { return std::tanh(x); }
  static double rest(double x) { return 2.0 / (1.0 + std::exp(2.0 * x)); }
};

struct SigmoidByTanh {
  static constexpr const char* kName = "sigmoid by tanh.approx.f32";
  static __device__ __forceinline__ float apply(float x) {
    return fmaf(0.5F, Tanh::apply(0.5F * x), 0.5F);
  }
  static double exact(double x) { return 1.0 / (1.0 + std::exp(-x)); }
  static double rest(double x) { return 1.0 / (1.0 + std::exp(x)); }
};

struct SigmoidByExponential {
  static constexpr const char* kName = "sigmoid by ex2.approx.f32 and rcp.approx.f32";
  static __device__ __forceinline__ float apply(float x) {
    float y = -1.4426950408889634F * x;
    asm volatile("ex2.approx.f32 %0, %0;" : "+f"(y));
    y += 1.0F;
    asm volatile("rcp.approx.f32 %0, %0;" : "+f"(y));
    return y;
  }
  static double exact(double x) { return SigmoidByTanh::exact(x); }
  static double rest(double x) { return SigmoidByTanh::rest(x); }
};

constexpr int kChains = 8;
constexpr int kRounds = 512;
constexpr unsigned kThreads = 1024;
constexpr int kValues = 1 << 21;
constexpr float kLow = -20.0F;
constexpr float kStep = 40.0F / kValues;

/// mapping: thread = kChains independent chains. memory: registers.
template <typename Function>
__global__ void __launch_bounds__(kThreads, 1) rate_kernel(Mark* marks) {
  float x[kChains];
  for (int i = 0; i < kChains; ++i) {
    x[i] = 0.1F + 0.001F * static_cast<float>(threadIdx.x * kChains + i);
  }
  __syncthreads();
  Span span;
  span.start();
#pragma unroll 4
  for (int round = 0; round < kRounds; ++round) {
#pragma unroll
    for (float& value : x) value = Function::apply(value);
  }
  __syncthreads();
  if (threadIdx.x == 0) span.stop(marks[blockIdx.x]);
  float sum = 0.0F;
  for (const float value : x) sum += value;
  if (sum == 77.0F) marks[blockIdx.x].sink = 1;
}

/// mapping: thread = values in turn.
template <typename Function>
__global__ void values_kernel(float* values) {
  const unsigned stride = gridDim.x * blockDim.x;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < kValues; i += stride) {
    values[i] = Function::apply(fmaf(static_cast<float>(i), kStep, kLow));
  }
}

template <typename Function>
void run_rate(const char* expected) {
  Row row("functions");
  row.add("function", Function::kName).add("what", "rate");
  attempt(row, [&] {
    const kernels::LaunchConfig config = {.kernel = "functions",
                                          .shape = {kRounds},
                                          .grid = dim3(static_cast<unsigned>(sm_count())),
                                          .block = dim3(kThreads)};
    const Sample sample = measure(
        sm_count(), 5, [&](Mark* marks) { kernels::launch(config, rate_kernel<Function>, marks); });
    print_sample(row, sample, 1.0 * kChains * kThreads * kRounds / sample.cycles, "results/clk/SM",
                 expected);
  });
}

struct Range {
  float from, to;
};

/// Largest and mean error over a range; where x > 0 also the mean error of the distance to 1.
template <typename Function>
void print_errors(const std::vector<float>& values, const Range& range) {
  double largest = 0.0;
  double sum = 0.0;
  double rest = 0.0;
  int count = 0;
  for (int i = 0; i < kValues; ++i) {
    const float x = std::fmaf(static_cast<float>(i), kStep, kLow);
    if (x < range.from || x >= range.to) continue;
    const double error = static_cast<double>(values[static_cast<std::size_t>(i)]) -
                         Function::exact(static_cast<double>(x));
    largest = std::max(largest, std::fabs(error));
    sum += error;
    rest += Function::rest(static_cast<double>(x));
    ++count;
  }
  Row row("functions");
  row.add("function", Function::kName).add("from", range.from).add("to", range.to);
  Row(row).add("what", "largest error").value(largest, "", "4.9e-4 for tanh");
  Row(row).add("what", "mean error").value(sum / count, "", "0 if unbiased");
  if (range.from < 0.0F) return;
  Row(row).add("what", "mean error of 1 - f, relative").value(-sum / rest, "", "0 if unbiased");
}

template <typename Function>
void run_errors() {
  Row row("functions");
  row.add("function", Function::kName).add("what", "errors");
  attempt(row, [] {
    const DeviceArray<float> values(kValues);
    const kernels::LaunchConfig config = {
        .kernel = "functions", .shape = {kValues}, .grid = dim3(1024), .block = dim3(256)};
    kernels::launch(config, values_kernel<Function>, values.get());
    const std::vector<float> host = values.download();
    for (const Range range : {Range{-20, 20}, {0, 2}, {2, 4}, {4, 6}, {6, 9}}) {
      print_errors<Function>(host, range);
    }
  });
}

}  // namespace

void bench_functions() {
  run_rate<Tanh>("16");
  run_rate<SigmoidByTanh>("16");
  run_rate<SigmoidByExponential>("8");
  run_errors<Tanh>();
  run_errors<SigmoidByTanh>();
  run_errors<SigmoidByExponential>();
}

}  // namespace cadenza::micro
