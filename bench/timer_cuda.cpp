// SPDX-License-Identifier: Apache-2.0
// The timer of a build with CUDA: events for the backends of the GPU, the host's for the others.
#include <algorithm>

#include "backend/cuda/cuda_backend.h"
#include "bench/cuda_timer.h"

namespace cadenza::bench {
namespace {

bool on_gpu(const Backend& backend) {
  return backend.name() == "cuda" || backend.name() == "cudnn";
}

cuda::Event make_timing_event() {
  cudaEvent_t event = nullptr;
  CADENZA_CUDA_CHECK(cudaEventCreate(&event));
  return cuda::Event(event);
}

int attribute(cudaDeviceAttr which) {
  int device = 0;
  int value = 0;
  CADENZA_CUDA_CHECK(cudaGetDevice(&device));
  CADENZA_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, device));
  return value;
}

/// FLOP of dense products per clock and multiprocessor: vendor tables of the architectures.
double flops_per_clock(int major, int minor, Precision precision) {
  if (precision == Precision::fp32) return 256.0;  // 128 fused multiply-adds
  double half = 1024.0;                            // consumer parts
  if (major == 8 && minor == 0) half = 2048.0;
  if (major == 9) half = 4096.0;
  if (major == 10) half = 8192.0;
  return precision == Precision::tf32 ? half / 2.0 : half;
}

}  // namespace

CudaTimer::CudaTimer(cudaStream_t stream)
    : stream_(stream), begin_(make_timing_event()), end_(make_timing_event()) {}

void CudaTimer::start() { CADENZA_CUDA_CHECK(cudaEventRecord(begin_.get(), stream_)); }

double CudaTimer::stop() {
  CADENZA_CUDA_CHECK(cudaEventRecord(end_.get(), stream_));
  CADENZA_CUDA_CHECK(cudaEventSynchronize(end_.get()));
  float milliseconds = 0.0F;
  CADENZA_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()));
  return 1e-3 * static_cast<double>(milliseconds);
}

std::unique_ptr<Timer> make_timer(Backend& backend) {
  if (!on_gpu(backend)) return make_host_timer(backend);
  return std::make_unique<CudaTimer>(static_cast<const CudaBackend&>(backend).stream());
}

DevicePeak device_peak(const Backend& backend, Precision precision) {
  if (!on_gpu(backend)) return host_peak(backend, precision);
  const double clock = 1e3 * attribute(cudaDevAttrClockRate);
  const double memory_clock = 1e3 * attribute(cudaDevAttrMemoryClockRate);
  const double bus_bytes = attribute(cudaDevAttrGlobalMemoryBusWidth) / 8.0;
  const double per_clock = flops_per_clock(attribute(cudaDevAttrComputeCapabilityMajor),
                                           attribute(cudaDevAttrComputeCapabilityMinor), precision);
  return {.bytes_per_second = 2.0 * memory_clock * bus_bytes,
          .flops_per_second = clock * attribute(cudaDevAttrMultiProcessorCount) * per_clock,
          .cache_bytes = static_cast<std::size_t>(std::max(attribute(cudaDevAttrL2CacheSize), 1))};
}

}  // namespace cadenza::bench
