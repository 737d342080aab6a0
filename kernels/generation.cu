// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/generation.h"
#include "kernels/grid.h"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 4096;

/// The oldest token leaves the window [W] of one row, `token` enters it; by one warp.
__device__ void shift_window(std::int32_t* window, std::int64_t slots, std::int32_t token) {
  const auto lane = static_cast<std::int64_t>(threadIdx.x % kWarpSize);
  for (std::int64_t start = 0; start < slots; start += kWarpSize) {
    const std::int64_t i = start + lane;
    std::int32_t entering = token;
    if (i + 1 < slots) entering = window[i + 1];
    __syncwarp(kFullMask);  // all have read before any overwrites
    if (i < slots) window[i] = entering;
  }
}

/// What the rest of the row's work needs to know.
struct Drawn {
  std::int32_t token;
  bool finished;
};

/// The part of one row that one thread does.
__device__ Drawn advance_row(const AdvanceTokens& args, std::int64_t row) {
  const bool finished = args.finished != nullptr && args.finished[row] != 0;
  const std::int32_t token = finished ? -1 : args.tokens[row];
  const std::int64_t to = args.positions[row] * args.batch + row;
  args.all_tokens[to] = token;
  if (args.all_log_probability != nullptr) {
    args.all_log_probability[to] = finished ? 0.0F : args.log_probability[row];
  }
  if (finished) args.tokens[row] = -1;
  if (args.finished != nullptr && args.end_token >= 0 && token == args.end_token) {
    args.finished[row] = 1;
  }
  ++args.positions[row];
  ++args.steps[row];
  return {token, finished};
}

// Mapping: a thread per row, rows in a grid-stride loop.
// Memory: no shared memory; every array is read and written once.
// Numerics: copies.
// Limits: any batch.
__global__ void __launch_bounds__(kThreads) advance_tokens_kernel(AdvanceTokens args) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  std::int64_t row = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; row < args.batch; row += stride) advance_row(args, row);
}

// Mapping: a warp per row, rows in a grid-stride loop; lanes <-> slots of the window.
// Memory: no shared memory; the window is read and written once.
// Numerics: copies.
// Limits: any batch and window.
__global__ void __launch_bounds__(kThreads) advance_window_kernel(AdvanceTokens args) {
  const std::int64_t stride = std::int64_t{gridDim.x} * (blockDim.x / kWarpSize);
  std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarpSize;
  for (; row < args.batch; row += stride) {
    Drawn drawn = {};
    if (threadIdx.x % kWarpSize == 0) drawn = advance_row(args, row);
    const std::int32_t token = __shfl_sync(kFullMask, drawn.token, 0);
    const bool finished = __any_sync(kFullMask, drawn.finished ? 1 : 0) != 0;
    if (!finished) shift_window(args.window + row * args.window_slots, args.window_slots, token);
  }
}

// Mapping: a warp per row, rows in a grid-stride loop; lanes <-> keys of the frame.
// Memory: no shared memory; frames are read and written once, coalesced.
// Numerics: copies.
// Limits: any batch and width.
__global__ void __launch_bounds__(kThreads) advance_frames_kernel(AdvanceFrames args) {
  const std::int64_t stride = std::int64_t{gridDim.x} * (blockDim.x / kWarpSize);
  const auto lane = static_cast<std::int64_t>(threadIdx.x % kWarpSize);
  std::int64_t row = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarpSize;
  for (; row < args.batch; row += stride) {
    const std::int64_t to = args.positions[row] * args.batch + row;
    for (std::int64_t i = lane; i < args.keys; i += kWarpSize) {
      args.all_frames[to * args.keys + i] = args.frames[row * args.keys + i];
    }
    __syncwarp(kFullMask);  // all have read the position
    if (lane != 0) continue;
    if (args.all_log_probability != nullptr) {
      args.all_log_probability[to] = args.log_probability[row];
    }
    ++args.positions[row];
    ++args.steps[row];
  }
}

}  // namespace

void advance_tokens(const AdvanceTokens& args, cudaStream_t stream) {
  const bool shifts = args.window != nullptr && args.window_slots > 0;
  launch(
      {.kernel = "advance_tokens",
       .shape = {args.batch, args.window_slots},
       .grid = dim3(blocks_for(shifts ? args.batch * kWarpSize : args.batch, kThreads, kMaxBlocks)),
       .block = dim3(kThreads),
       .stream = stream},
      shifts ? advance_window_kernel : advance_tokens_kernel, args);
}

void advance_frames(const AdvanceFrames& args, cudaStream_t stream) {
  launch({.kernel = "advance_frames",
          .shape = {args.batch, args.keys},
          .grid = dim3(blocks_for(args.batch * kWarpSize, kThreads, kMaxBlocks)),
          .block = dim3(kThreads),
          .stream = stream},
         advance_frames_kernel, args);
}

}  // namespace cadenza::kernels
