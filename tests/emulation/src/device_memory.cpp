// SPDX-License-Identifier: Apache-2.0
// Device and pinned memory, and transfers. Allocations have exactly the size asked for, so that
// AddressSanitizer sees overruns, and device memory begins as all ones, a NaN everywhere.
#include "device_memory.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>

#include "emulation/config.h"
#include "emulation/launch.h"
#include "sanitizers.h"
#include "stream.h"

namespace cadenza::emulation {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr int kContent = 0xFF;

/// Sizes by address. Never destroyed: objects of the host may free memory when the process ends.
std::map<const char*, std::size_t>& device_allocations() {
  static auto* all = new std::map<const char*, std::size_t>;
  return *all;
}
std::map<const char*, std::size_t>& pinned_allocations() {
  static auto* all = new std::map<const char*, std::size_t>;
  return *all;
}

int open_count = 0;

bool contains(const std::map<const char*, std::size_t>& allocations, const void* address) {
  const auto* byte = static_cast<const char*>(address);
  auto next = allocations.upper_bound(byte);
  if (next == allocations.begin()) return false;
  --next;
  return byte < next->first + next->second;
}

/// Whether a transfer returns before it is done.
bool runs_beside_host(const void* address) {
  return contains(device_allocations(), address) || contains(pinned_allocations(), address);
}

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, bytes == 0 ? 1 : bytes) != 0) return nullptr;
  return memory;
}

cudaError_t copy(const Operation& operation, cudaStream_t stream, const void* to,
                 const void* from) {
  if (state_of(stream)->capture != nullptr) return enqueue(stream, operation);
  const cudaError_t status = enqueue(stream, operation);
  // Transfers of ordinary memory keep the host waiting.
  if (status != cudaSuccess || (runs_beside_host(to) && runs_beside_host(from))) return status;
  return finish_stream(stream);
}

}  // namespace

OpenDeviceMemory::OpenDeviceMemory() {
  if (!kPoisons || open_count++ > 0) return;
  for (const auto& [memory, bytes] : device_allocations()) unpoison(memory, bytes);
}

OpenDeviceMemory::~OpenDeviceMemory() {
  if (!kPoisons || --open_count > 0) return;
  for (const auto& [memory, bytes] : device_allocations()) poison(memory, bytes);
}

cudaError_t copy_to_symbol(void* symbol, const void* from, std::size_t bytes, std::size_t offset,
                           cudaStream_t stream) {
  return copy({.kind = OperationKind::kCopy,
               .run =
                   [=] {
                     std::memcpy(static_cast<char*>(symbol) + offset, from, bytes);
                     return cudaSuccess;
                   }},
              stream, symbol, from);
}

}  // namespace cadenza::emulation

using cadenza::emulation::config;
using cadenza::emulation::device_allocations;
using cadenza::emulation::enqueue;
using cadenza::emulation::OperationKind;
using cadenza::emulation::pinned_allocations;
using cadenza::emulation::remember;
using cadenza::emulation::statistics;

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = nullptr;
  if (const cudaError_t error = cadenza::emulation::check_no_capture(); error != cudaSuccess) {
    return error;
  }
  if (bytes == 0) return cudaSuccess;
  if (bytes > config().memory_bytes - statistics().device_bytes) {
    return remember(cudaErrorMemoryAllocation);
  }
  void* allocated = cadenza::emulation::allocate(bytes);
  if (allocated == nullptr) return remember(cudaErrorMemoryAllocation);
  std::memset(allocated, cadenza::emulation::kContent, bytes);
  cadenza::emulation::poison(allocated, bytes);
  device_allocations()[static_cast<const char*>(allocated)] = bytes;
  statistics().device_bytes += bytes;
  *memory = allocated;
  return cudaSuccess;
}

// Waits for the device, which may still use the memory.
cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const auto found = device_allocations().find(static_cast<const char*>(memory));
  if (found == device_allocations().end()) return remember(cudaErrorInvalidValue);
  const cudaError_t status = cadenza::emulation::finish_all_streams();
  cadenza::emulation::unpoison(memory, found->second);
  statistics().device_bytes -= found->second;
  device_allocations().erase(found);
  std::free(memory);
  return status;
}

cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) {
  return cudaMalloc(memory, bytes);
}

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  return enqueue(stream, {.run = [memory] { return cudaFree(memory); }});
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = cadenza::emulation::allocate(bytes);
  if (*memory == nullptr) return remember(cudaErrorMemoryAllocation);
  pinned_allocations()[static_cast<const char*>(*memory)] = bytes;
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  return cudaMallocHost(memory, bytes);
}

cudaError_t cudaFreeHost(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  if (pinned_allocations().erase(static_cast<const char*>(memory)) == 0) {
    return remember(cudaErrorInvalidValue);
  }
  const cudaError_t status = cadenza::emulation::finish_all_streams();
  std::free(memory);
  return status;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = config().memory_bytes;
  *free = *total - statistics().device_bytes;
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind, cudaStream_t stream) {
  return cadenza::emulation::copy(
      {.kind = OperationKind::kCopy,
       .run =
           [=] {
             for (std::size_t row = 0; row < height; ++row) {
               std::memcpy(static_cast<char*>(to) + row * to_pitch,
                           static_cast<const char*>(from) + row * from_pitch, width);
             }
             return cudaSuccess;
           }},
      stream, to, from);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const cudaError_t status = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return status == cudaSuccess ? cadenza::emulation::finish_stream(nullptr) : status;
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return enqueue(stream, {.kind = OperationKind::kSet, .run = [=] {
                            if (bytes > 0) std::memset(memory, value, bytes);
                            return cudaSuccess;
                          }});
}

cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  return cudaMemsetAsync(memory, value, bytes, nullptr);
}
