// SPDX-License-Identifier: Apache-2.0
// The device and its limits, and the bandwidth of its memory.
#include <algorithm>

#include "bench/micro/benchmarks.h"
#include "bench/micro/event_timer.h"
#include "bench/micro/probe.h"

namespace cadenza::micro {
namespace {

void print_attribute(const char* name, cudaDeviceAttr which, double unit, const char* unit_name,
                     const char* expected) {
  Row row("info");
  row.add("what", name);
  attempt(row, [&] { row.value(attribute(which) / unit, unit_name, expected); });
}

}  // namespace

void bench_info() {
  cudaDeviceProp device = {};
  CADENZA_CUDA_CHECK(cudaGetDeviceProperties(&device, 0));
  int driver = 0;
  int runtime = 0;
  CADENZA_CUDA_CHECK(cudaDriverGetVersion(&driver));
  CADENZA_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  Row row("info");
  row.add("what", "device").add("name", device.name);
  row.add("capability", 10 * device.major + device.minor);
  row.add("driver", driver).add("runtime", runtime);
  row.value(device.multiProcessorCount, "multiprocessors", "132");
  print_attribute("clock", cudaDevAttrClockRate, 1e6, "GHz", "1.98");
  print_attribute("memory_clock", cudaDevAttrMemoryClockRate, 1e6, "GHz", "2.6");
  print_attribute("memory_bus", cudaDevAttrGlobalMemoryBusWidth, 1, "bits", "5120");
  print_attribute("l2", cudaDevAttrL2CacheSize, 1 << 20, "MiB", "50");
  print_attribute("shared_memory_of_block", cudaDevAttrMaxSharedMemoryPerBlockOptin, 1, "B",
                  "232448");
  print_attribute("registers", cudaDevAttrMaxRegistersPerMultiprocessor, 1, "registers", "65536");
  print_attribute("cooperative_launch", cudaDevAttrCooperativeLaunch, 1, "", "1");
  print_attribute("cluster_launch", cudaDevAttrClusterLaunch, 1, "", "1");
}

void bench_copy() {
  for (const std::size_t mebibytes : {std::size_t{256}, std::size_t{1024}}) {
    Row row("copy");
    row.add("mebibytes", static_cast<double>(mebibytes));
    attempt(row, [&] {
      const std::size_t bytes = mebibytes << 20;
      const DeviceArray<unsigned char> from(bytes);
      const DeviceArray<unsigned char> to(bytes);
      const EventTimer timer;
      std::vector<double> seconds;
      for (int repetition = -1; repetition < 9; ++repetition) {
        const double time = timer.measure(nullptr, [&] {
          CADENZA_CUDA_CHECK(
              cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice));
        });
        if (repetition >= 0) seconds.push_back(time);
      }
      row.value(2e-9 * static_cast<double>(bytes) / median(seconds), "GB/s",
                "2800-3000 read and written, H100 with HBM3");
    });
  }
}

}  // namespace cadenza::micro
