// SPDX-License-Identifier: Apache-2.0
// What is said where a GPU, its driver or its memory do not suffice, on an emulated device.
#include <gmock/gmock.h>

#include "backend/emulated_limits.h"
#include "emulation/cudnn/stand_in.h"

namespace cadenza {
namespace {

using test::CudaLimits;
using test::memory_error;
using testing::HasSubstr;
using testing::MatchesRegex;

using CudnnLimits = test::EmulatedLimits;

TEST_P(CudaLimits, NoObstacleOnAGoodDevice) { EXPECT_EQ(obstacle(), ""); }

TEST_P(CudaLimits, NoDevice) {
  emulation::config().device_count = 0;
  EXPECT_EQ(obstacle(),
            "CUDA finds no GPU (no CUDA-capable device is detected); see whether nvidia-smi lists "
            "one and CUDA_VISIBLE_DEVICES hides it");
}

TEST_P(CudaLimits, NoCodeForTheDevice) {
  emulation::config().has_code = false;
  EXPECT_EQ(obstacle(),
            "this build has no code for emulated device (compute capability 9.0); configure with "
            "-DCMAKE_CUDA_ARCHITECTURES=90");
}

TEST_P(CudaLimits, DriverTooOld) {
  emulation::config().driver_version = 12040;
  EXPECT_EQ(obstacle(),
            "the NVIDIA driver supports CUDA 12.4, this build needs CUDA 13.0; install a newer "
            "driver");
}

TEST_P(CudaLimits, NoDriver) {  // as a program meets it that holds the backends itself
  emulation::config().driver_version = 0;
  EXPECT_EQ(obstacle(),
            "no NVIDIA driver was found; where there is a GPU, install its driver, R580 or newer");
}

TEST_F(CudnnLimits, AnotherMajorVersion) {
  const auto obstacle_with = [](std::size_t version) {
    const cudnn_stand_in::Version loaded(version);
    return cadenza_cudnn_entry()->obstacle();
  };
  EXPECT_EQ(obstacle_with(90000), "");
  EXPECT_EQ(obstacle_with(92001), "");
  EXPECT_EQ(obstacle_with(8907),
            "cuDNN 8.9.7 was loaded, this build needs cuDNN 9; install cuDNN 9");
  EXPECT_EQ(obstacle_with(100102),
            "cuDNN 10.1.2 was loaded, this build needs cuDNN 9; install cuDNN 9");
}

TEST_P(CudaLimits, NoRoomForATensor) {
  const auto backend = make();
  leave(1000);
  EXPECT_THAT(memory_error([&] { const Tensor tensor(*backend, {300}, DType::f32); }),
              HasSubstr("the GPU has no room for 1200 more bytes: 1000 of "));
  const Tensor smaller(*backend, {250}, DType::f32);
}

// The planner has memory of its own.
TEST_F(CudnnLimits, NoRoomForAPlan) {
  const auto backend = cadenza_cudnn_entry()->make({});
  leave(1000);
  const RecurrentSpec spec = {CellKind::lstm, 8, 16};
  const auto plan = [&] { return backend->recurrent_reserve_bytes(spec, 30, 4, DType::f32); };
  EXPECT_THAT(memory_error(plan),
              MatchesRegex("the GPU has no room for [0-9]+ more bytes to plan lstm I=8 H=16 T=30 "
                           "B=4 fp32: 1000 of [0-9]+ bytes are free"));
  leave(1 << 20);
  EXPECT_GT(plan(), 0U);
}

// Memory that a step has given back while it was recorded is still the graph's.
TEST_P(CudaLimits, KeepsTheMemoryOfARecordedStep) {
  const auto backend = make();
  const Tensor kept(*backend, {100}, DType::f32);
  leave(1000);
  EXPECT_THAT(memory_error([&] {
                backend->submit([&] {
                  {
                    const Tensor scratch(*backend, {200}, DType::f32);
                    backend->fill(scratch, 1.0F);
                  }
                  const Tensor other(*backend, {240}, DType::f32);
                  backend->fill(other, 2.0F);
                });
              }),
              HasSubstr("no room for 960 more bytes"));
  const Tensor afterwards(*backend, {240}, DType::f32);
}

INSTANTIATE_TEST_SUITE_P(Backends, CudaLimits, testing::Values("cuda", "cudnn"),
                         test::name_of_backend);

}  // namespace
}  // namespace cadenza
