// SPDX-License-Identifier: Apache-2.0
// What the micro-benchmarks share: spans timed inside kernels, and the host side that repeats a
// launch and reads them back.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <vector>

#include "backend/cuda/cuda_check.h"
#include "bench/micro/row.h"
#include "kernels/device/launch.h"

namespace cadenza::micro {

/// What a block says about the part it timed.
struct Mark {
  long long cycles;
  long long nanoseconds;
  int failures;  ///< waits that gave up, or data that was wrong
  int sink;      ///< written so that results count as used
};

inline constexpr int kMaxBlocks = 1024;

__device__ __forceinline__ long long clock_cycles() {
  long long value;
  asm volatile("mov.u64 %0, %%clock64;" : "=l"(value)::"memory");
  return value;
}

__device__ __forceinline__ long long clock_nanoseconds() {
  long long value;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(value)::"memory");
  return value;
}

/// Time between start() and stop() of one thread.
struct Span {
  long long cycles = 0;
  long long nanoseconds = 0;

  __device__ void start() {
    nanoseconds = clock_nanoseconds();
    cycles = clock_cycles();
  }
  __device__ void stop(Mark& mark) const {
    const long long now = clock_cycles();
    mark.nanoseconds = clock_nanoseconds() - nanoseconds;
    mark.cycles = now - cycles;
  }
};

/// Bounds a wait: `while (!condition && patience.left())`. About 20 ms.
class Patience {
 public:
  __device__ bool left() {
    if ((++polls_ & 63u) != 0) return true;
    const long long now = clock_cycles();
    if (begin_ == 0) begin_ = now;
    return now - begin_ < kCycles;
  }

 private:
  static constexpr long long kCycles = 40'000'000;
  long long begin_ = 0;
  unsigned polls_ = 0;
};

/// Spreads the bits of an index, for operands with random contents.
__device__ __forceinline__ std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

int attribute(cudaDeviceAttr which);
inline int sm_count() { return attribute(cudaDevAttrMultiProcessorCount); }
double median(std::vector<double> values);

/// Medians over the repetitions of a launch; of a launch, the slowest block counts.
struct Sample {
  double cycles = 0.0;
  double nanoseconds = 0.0;
  double gigahertz = 0.0;
  int failures = 0;
};

/// Launches once to warm up and `repetitions` times, over `blocks` blocks that each write a mark.
Sample measure(int blocks, int repetitions, const std::function<void(Mark*)>& launch);

/// Prints `value` with the clock, or that blocks failed.
void print_sample(Row row, const Sample& sample, double value, const char* unit,
                  const char* expected);

/// Runs one case; an error becomes its row. A device that no longer works ends the program.
void attempt(const Row& row, const std::function<void()>& body);

/// Clusters of this launch that fit on the device together; 0 where the shape is refused.
int resident_clusters(const void* kernel, const kernels::LaunchConfig& config);

/// Device memory, zero-filled.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) : bytes_(count * sizeof(T)) {
    CADENZA_CUDA_CHECK(cudaMalloc(&data_, bytes_));
    clear();
  }
  ~DeviceArray() { static_cast<void>(cudaFree(data_)); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  void clear() { CADENZA_CUDA_CHECK(cudaMemset(data_, 0, bytes_)); }
  std::vector<T> download() const {
    std::vector<T> values(bytes_ / sizeof(T));
    CADENZA_CUDA_CHECK(cudaMemcpy(values.data(), data_, bytes_, cudaMemcpyDeviceToHost));
    return values;
  }
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t bytes_;
};

}  // namespace cadenza::micro
