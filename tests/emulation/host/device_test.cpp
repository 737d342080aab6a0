// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <string>

#include "add_kernel.h"

namespace cadenza::test {
namespace {

using emulation::config;

class Device : public EmulationTest {};

/// The status of launching an empty kernel.
cudaError_t launch(dim3 grid, dim3 block, unsigned cluster = 1, std::size_t shared_bytes = 0,
                   bool cooperative = false) {
  cudaLaunchAttribute attributes[2] = {};
  attributes[0].id = cudaLaunchAttributeClusterDimension;
  attributes[0].val.clusterDim = {cluster, 1, 1};
  attributes[1].id = cudaLaunchAttributeCooperative;
  attributes[1].val.cooperative = cooperative ? 1 : 0;
  const cudaLaunchConfig_t launch_config = {.gridDim = grid,
                                            .blockDim = block,
                                            .dynamicSmemBytes = shared_bytes,
                                            .stream = nullptr,
                                            .attrs = attributes,
                                            .numAttrs = 2};
  return cudaLaunchKernelEx(
      &launch_config, +[] {});
}

TEST_F(Device, RefusesImpossibleLaunches) {
  EXPECT_EQ(launch(1, 1024), cudaSuccess);
  EXPECT_EQ(launch(1, 1025), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(1, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(0, 32), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1, 65536), 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(6, 32, 4), cudaErrorInvalidClusterSize);
  EXPECT_EQ(launch(16, 32, 16), cudaErrorInvalidClusterSize);
  EXPECT_EQ(launch(1, 32, 1, 49153), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(Device, RefusesMoreBlocksThanStayTogether) {
  config().processors = 2;
  EXPECT_EQ(launch(4, 1024, 1, 0, true), cudaSuccess);
  EXPECT_EQ(launch(5, 1024, 1, 0, true), cudaErrorCooperativeLaunchTooLarge);
  EXPECT_NE(std::string(cudaGetErrorString(cudaErrorCooperativeLaunchTooLarge)).find("4 fit"),
            std::string::npos);
  EXPECT_EQ(launch(5, 1024), cudaSuccess);
}

__global__ void raised_kernel() {}

TEST_F(Device, AllowsWhatAKernelAsksFor) {
  EXPECT_EQ(cudaFuncSetAttribute(raised_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 227 * 1024 + 1),
            cudaErrorInvalidValue);
  EXPECT_EQ(
      cudaFuncSetAttribute(raised_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 * 1024),
      cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(raised_kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
            cudaSuccess);
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {16, 1, 1};
  const cudaLaunchConfig_t launch_config = {.gridDim = 16,
                                            .blockDim = 32,
                                            .dynamicSmemBytes = 227 * 1024,
                                            .stream = nullptr,
                                            .attrs = &cluster,
                                            .numAttrs = 1};
  EXPECT_EQ(cudaLaunchKernelEx(&launch_config, raised_kernel), cudaSuccess);
  int count = 0;
  EXPECT_EQ(cudaOccupancyMaxActiveClusters(&count, raised_kernel, &launch_config), cudaSuccess);
  EXPECT_EQ(count, 132 / 16);
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, raised_kernel, 256, 0),
            cudaSuccess);
  EXPECT_EQ(count, 8);
}

TEST_F(Device, CanBeAbsent) {
  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  config().device_count = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
  config().driver_version = 12040;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
}

TEST_F(Device, RunsOutOfMemory) {
  std::size_t before = 0;
  std::size_t total = 0;
  cudaMemGetInfo(&before, &total);
  config().memory_bytes = total - before + 1000;
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 1001), cudaErrorMemoryAllocation);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(cudaMalloc(&memory, 1000), cudaSuccess);
  std::size_t free = 1;
  cudaMemGetInfo(&free, &total);
  EXPECT_EQ(free, 0U);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST_F(Device, FillsNewMemoryWithNan) {
  float* memory = nullptr;
  cudaMalloc(&memory, sizeof(float));
  float value = 0;
  cudaMemcpy(&value, memory, sizeof value, cudaMemcpyDeviceToHost);
  EXPECT_TRUE(std::isnan(value));
  cudaFree(memory);
  EXPECT_EQ(cudaFree(&value), cudaErrorInvalidValue);
}

TEST_F(Device, NamesErrors) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
}

}  // namespace
}  // namespace cadenza::test
