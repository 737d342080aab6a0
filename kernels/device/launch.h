// SPDX-License-Identifier: Apache-2.0
// Host side: the one way kernels are launched.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <utility>

#include "cadenza/error.h"
#include "cadenza/shape.h"

namespace cadenza::kernels {

/// What to launch, for the device and for its error messages.
struct LaunchConfig {
  const char* kernel;            ///< name of the operation
  Shape shape;                   ///< extents the operation works on
  dim3 grid;                     ///< blocks
  dim3 block;                    ///< threads of a block
  std::size_t shared_bytes = 0;  ///< dynamic shared memory, from SharedBytes
  unsigned cluster = 1;          ///< blocks of a cluster, along x
  bool cooperative = false;      ///< all blocks resident, so that grid barriers work
  cudaStream_t stream = nullptr;
};

/// Throws DeviceError that names the launch and CUDA's words for `status`.
[[noreturn]] inline void throw_launch_error(const LaunchConfig& config, cudaError_t status) {
  static_cast<void>(cudaGetLastError());  // the error is reported here, not once more later
  const auto extents = [](dim3 d) { return message("(", d.x, ", ", d.y, ", ", d.z, ")"); };
  throw DeviceError(message(config.kernel, ": kernel over ", config.shape.to_string(), ", grid ",
                            extents(config.grid), ", block ", extents(config.block), ", cluster ",
                            config.cluster, ", ", config.shared_bytes,
                            " bytes of shared memory failed: ", cudaGetErrorString(status)));
}

/// Raises the limits that a kernel keeps unless asked: 48 KiB of shared memory, clusters of 8.
inline void raise_limits(const LaunchConfig& config, const void* kernel) {
  constexpr std::size_t kDefaultShared = 48 * 1024;
  constexpr unsigned kPortableCluster = 8;
  cudaError_t status = cudaSuccess;
  if (config.shared_bytes > kDefaultShared) {
    status = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(config.shared_bytes));
  }
  if (status == cudaSuccess && config.cluster > kPortableCluster) {
    status = cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  }
  if (status != cudaSuccess) throw_launch_error(config, status);
}

/// Builds without NDEBUG wait for the kernel, so that its errors appear where it was launched.
inline void check_finished([[maybe_unused]] const LaunchConfig& config) {
#ifndef NDEBUG
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  cudaError_t status = cudaStreamIsCapturing(config.stream, &capture);
  if (status == cudaSuccess && capture == cudaStreamCaptureStatusNone) {
    status = cudaStreamSynchronize(config.stream);
  }
  if (status != cudaSuccess) throw_launch_error(config, status);
#endif
}

/// Launches `kernel` with `arguments` converted to its parameters. Throws DeviceError if CUDA
/// refuses. A grid without blocks does nothing.
template <typename... Parameters, typename... Arguments>
void launch(const LaunchConfig& config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  if (config.grid.x == 0 || config.grid.y == 0 || config.grid.z == 0) return;
  raise_limits(config, reinterpret_cast<const void*>(kernel));
  std::array<cudaLaunchAttribute, 2> attributes{};
  unsigned count = 0;
  if (config.cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count].val.clusterDim.x = config.cluster;
    attributes[count].val.clusterDim.y = 1;
    attributes[count].val.clusterDim.z = 1;
    ++count;
  }
  if (config.cooperative) {
    attributes[count].id = cudaLaunchAttributeCooperative;
    attributes[count].val.cooperative = 1;
    ++count;
  }
  cudaLaunchConfig_t launch_config{};
  launch_config.gridDim = config.grid;
  launch_config.blockDim = config.block;
  launch_config.dynamicSmemBytes = config.shared_bytes;
  launch_config.stream = config.stream;
  launch_config.attrs = attributes.data();
  launch_config.numAttrs = count;
  const cudaError_t status =
      cudaLaunchKernelEx(&launch_config, kernel, std::forward<Arguments>(arguments)...);
  if (status != cudaSuccess) throw_launch_error(config, status);
  check_finished(config);
}

}  // namespace cadenza::kernels
