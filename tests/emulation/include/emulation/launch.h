// SPDX-License-Identifier: Apache-2.0
// The templates of the runtime's host side.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "cuda_runtime_api.h"

namespace cadenza::emulation {

/// Runs one thread of a kernel.
using ThreadBody = std::function<void()>;

/// Queues a launch in its stream, or records it in the graph being captured.
cudaError_t enqueue_launch(const cudaLaunchConfig_t& config, const void* kernel, ThreadBody body);

cudaError_t copy_to_symbol(void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                           cudaStream_t stream);

}  // namespace cadenza::emulation

/// Parameters are copied once and given by value to every thread, as on the device.
template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  auto values =
      std::make_shared<const std::tuple<Parameters...>>(std::forward<Arguments>(arguments)...);
  return cadenza::emulation::enqueue_launch(
      *config, reinterpret_cast<const void*>(kernel), [kernel, values] {
        std::apply([kernel](const Parameters&... value) { kernel(value...); }, *values);
      });
}

template <typename T>
cudaError_t cudaMalloc(T** memory, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(memory), bytes);
}
template <typename T>
cudaError_t cudaMallocHost(T** memory, std::size_t bytes) {
  return cudaMallocHost(reinterpret_cast<void**>(memory), bytes);
}
template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
template <typename... Parameters>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, void (*kernel)(Parameters...)) {
  return cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
template <typename... Parameters>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks,
                                                          void (*kernel)(Parameters...),
                                                          int threads, std::size_t shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessor(
      blocks, reinterpret_cast<const void*>(kernel), threads, shared_bytes);
}
template <typename... Parameters>
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, void (*kernel)(Parameters...),
                                           const cudaLaunchConfig_t* config) {
  return cudaOccupancyMaxActiveClusters(clusters, reinterpret_cast<const void*>(kernel), config);
}
template <typename T>
cudaError_t cudaMemcpyToSymbol(T& symbol, const void* from, std::size_t bytes,
                               std::size_t offset = 0, cudaMemcpyKind = cudaMemcpyHostToDevice) {
  return cadenza::emulation::copy_to_symbol(&symbol, from, bytes, offset, nullptr);
}
template <typename T>
cudaError_t cudaMemcpyToSymbolAsync(T& symbol, const void* from, std::size_t bytes,
                                    std::size_t offset, cudaMemcpyKind, cudaStream_t stream) {
  return cadenza::emulation::copy_to_symbol(&symbol, from, bytes, offset, stream);
}
