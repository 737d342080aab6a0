// SPDX-License-Identifier: Apache-2.0
// Properties of the emulated device, and errors.
#include <cstring>

#include "emulation/config.h"
#include "occupancy.h"
#include "stream.h"

namespace cadenza::emulation {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

struct ErrorName {
  cudaError_t error;
  const char* name;
  const char* words;
};

constexpr ErrorName kErrorNames[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidDevicePointer, "cudaErrorInvalidDevicePointer", "invalid device pointer"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "the capture was not begun on this stream"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined",
     "capturing stream has unjoined work"},
    {cudaErrorGraphExecUpdateFailure, "cudaErrorGraphExecUpdateFailure",
     "the graph update was not performed because it included changes which violated constraints "
     "specific to instantiated graph update"},
    {cudaErrorInvalidClusterSize, "cudaErrorInvalidClusterSize", "invalid cluster size"},
};

const ErrorName& name_of(cudaError_t error) {
  static constexpr ErrorName kUnknown = {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};
  for (const ErrorName& name : kErrorNames) {
    if (name.error == error) return name;
  }
  return kUnknown;
}

cudaError_t check_device(int device) {
  int count = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) return error;
  return device >= 0 && device < count ? cudaSuccess : remember(cudaErrorInvalidDevice);
}

}  // namespace

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

}  // namespace cadenza::emulation

using cadenza::emulation::check_device;
using cadenza::emulation::config;
using cadenza::emulation::remember;

const char* cudaGetErrorName(cudaError_t error) { return cadenza::emulation::name_of(error).name; }

// For launches, what the emulation knows, which is more than CUDA's words.
const char* cudaGetErrorString(cudaError_t error) {
  const bool of_launch =
      error == cudaErrorLaunchFailure || error == cudaErrorInvalidConfiguration ||
      error == cudaErrorInvalidClusterSize || error == cudaErrorCooperativeLaunchTooLarge;
  if (of_launch && !cadenza::emulation::last_report().empty()) {
    return cadenza::emulation::last_report().c_str();
  }
  return cadenza::emulation::name_of(error).words;
}

cudaError_t cudaPeekAtLastError() { return cadenza::emulation::last_error; }

cudaError_t cudaGetLastError() {
  return std::exchange(cadenza::emulation::last_error, cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = config().driver_version;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (config().driver_version < CUDART_VERSION) return remember(cudaErrorInsufficientDriver);
  if (config().device_count == 0) return remember(cudaErrorNoDevice);
  *count = config().device_count;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) { return check_device(device); }

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return check_device(0);
}

cudaError_t cudaDeviceReset() { return cudaDeviceSynchronize(); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const cudaError_t error = check_device(device); error != cudaSuccess) return error;
  *properties = {};
  std::strcpy(properties->name, "emulated device");
  properties->totalGlobalMem = config().memory_bytes;
  properties->sharedMemPerBlock = config().default_shared_bytes;
  properties->sharedMemPerBlockOptin = config().max_shared_bytes;
  properties->sharedMemPerMultiprocessor = config().shared_bytes_per_processor;
  properties->reservedSharedMemPerBlock = 1024;
  properties->totalConstMem = 65536;
  properties->regsPerBlock = properties->regsPerMultiprocessor = 65536;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = static_cast<int>(config().max_threads);
  properties->maxThreadsPerMultiProcessor = static_cast<int>(config().max_threads_per_processor);
  properties->multiProcessorCount = static_cast<int>(config().processors);
  properties->major = config().compute_major;
  properties->l2CacheSize = 50 << 20;
  properties->memoryBusWidth = 5120;
  properties->asyncEngineCount = 2;
  properties->cooperativeLaunch = 1;
  properties->clusterLaunch = config().compute_major >= 9 ? 1 : 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  const cudaError_t status = cudaGetDeviceProperties(&properties, device);
  if (status != cudaSuccess) return status;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = properties.maxThreadsPerBlock;
      break;
    case cudaDevAttrClockRate:
      *value = 1980000;  // kHz
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      break;
    case cudaDevAttrL2CacheSize:
      *value = properties.l2CacheSize;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = properties.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = static_cast<int>(properties.sharedMemPerMultiprocessor);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(properties.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrCooperativeLaunch:
      *value = properties.cooperativeLaunch;
      break;
    case cudaDevAttrClusterLaunch:
      *value = properties.clusterLaunch;
      break;
  }
  return cudaSuccess;
}
