// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bench/micro/probe.h"
#include "cadenza/error.h"

namespace cadenza::micro {

int attribute(cudaDeviceAttr which) {
  int value = 0;
  CADENZA_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, 0));
  return value;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

Sample measure(int blocks, int repetitions, const std::function<void(Mark*)>& launch) {
  check(blocks > 0 && blocks <= kMaxBlocks, "micro: ", blocks, " blocks, expected 1 to ",
        kMaxBlocks);
  DeviceArray<Mark> marks(static_cast<std::size_t>(blocks));
  Sample sample;
  std::vector<double> cycles, nanoseconds, gigahertz;
  for (int repetition = -1; repetition < repetitions; ++repetition) {
    marks.clear();
    launch(marks.get());
    CADENZA_CUDA_CHECK(cudaDeviceSynchronize());
    Mark slowest = {};
    for (const Mark& mark : marks.download()) {
      sample.failures += mark.failures;
      if (mark.cycles > slowest.cycles) slowest = mark;
    }
    if (sample.failures > 0) return sample;
    if (repetition < 0) continue;
    cycles.push_back(static_cast<double>(slowest.cycles));
    nanoseconds.push_back(static_cast<double>(slowest.nanoseconds));
    if (slowest.nanoseconds > 0) gigahertz.push_back(cycles.back() / nanoseconds.back());
  }
  sample.cycles = median(cycles);
  sample.nanoseconds = median(nanoseconds);
  sample.gigahertz = median(gigahertz);
  return sample;
}

void print_sample(Row row, const Sample& sample, double value, const char* unit,
                  const char* expected) {
  if (sample.failures > 0) {
    row.failed(message(sample.failures, " threads waited in vain or read wrong data"));
    return;
  }
  row.add("ghz", sample.gigahertz).value(value, unit, expected);
}

void attempt(const Row& row, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    row.failed(error.what());
    static_cast<void>(cudaGetLastError());
    if (cudaDeviceSynchronize() != cudaSuccess) std::exit(2);
  }
}

int resident_clusters(const void* kernel, const kernels::LaunchConfig& config) {
  kernels::raise_limits(config, kernel);
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {config.cluster, 1, 1};
  cudaLaunchConfig_t launch = {};
  launch.gridDim = dim3(config.cluster);
  launch.blockDim = config.block;
  launch.dynamicSmemBytes = config.shared_bytes;
  launch.attrs = &cluster;
  launch.numAttrs = 1;
  int clusters = 0;
  if (cudaOccupancyMaxActiveClusters(&clusters, kernel, &launch) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return clusters;
}

}  // namespace cadenza::micro
