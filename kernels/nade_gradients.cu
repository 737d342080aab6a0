// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include <algorithm>

#include "kernels/cells/elementary.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/nade_gradients.h"

// Given the gradients of the logits, the hidden units are independent of each other: each thread
// follows one unit through the keys of its rows, forth and back.

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 64;
constexpr std::int64_t kPartRows = 8;
constexpr std::int64_t kMaxParts = 256;

/// How the rows are split.
std::int64_t parts_for(std::int64_t rows) {
  return std::clamp<std::int64_t>(rows / kPartRows, 1, kMaxParts);
}

/// What the threads of one part and unit own of the scratch memory; elements of one array are
/// `stride` floats apart.
struct UnitMemory {
  float* d_w;     // [D]
  float* d_u;     // [D]
  float* hidden;  // [D + 1]: one for each run of keys that see the same units
  std::int64_t stride;
};

/// One row of one unit; returns the gradient of its hidden bias.
__device__ float follow_unit(const NadeGradients& args, std::int64_t row, std::int64_t unit,
                             const UnitMemory& memory) {
  const std::int64_t keys = args.weights.keys;
  const float* targets = args.targets + row * keys;
  const float* d_logits = args.d_visible_bias + row * keys;
  float sum = args.hidden_bias[row * memory.stride + unit];
  float h = elementary::sigmoid(sum);
  float* run = memory.hidden;
  *run = h;
  for (std::int64_t key = 0; key < keys; ++key) {
    const float target = targets[key];
    if (target == 0.0F) continue;
    sum = exact_fma(target, args.weights.w[key * memory.stride + unit], sum);
    h = elementary::sigmoid(sum);
    run += memory.stride;
    *run = h;
  }
  float d_sum = 0.0F;
  float d_hidden = 0.0F;
  for (std::int64_t key = keys - 1; key >= 0; --key) {
    const std::int64_t at = key * memory.stride;
    const float target = targets[key];
    if (target != 0.0F) {  // the keys above this one saw `run`, it and those below the run before
      d_sum = exact_fma(d_hidden, elementary::sigmoid_slope(h), d_sum);
      d_hidden = 0.0F;
      memory.d_w[at] = exact_fma(target, d_sum, memory.d_w[at]);
      run -= memory.stride;
      h = *run;
    }
    memory.d_u[at] = exact_fma(d_logits[key], h, memory.d_u[at]);
    d_hidden = exact_fma(d_logits[key], args.weights.u[at + unit], d_hidden);
  }
  return exact_fma(d_hidden, elementary::sigmoid_slope(h), d_sum);
}

// Mapping: a thread for each part of the rows and each unit; neighbours have neighbouring units.
// Memory: no shared memory; sums and units of the runs in scratch, touched by one thread alone.
// Numerics: f32, rows of a part in order.
// Limits: none.
__global__ void __launch_bounds__(kThreads)
    nade_gradients_kernel(NadeGradients args, std::int64_t parts) {
  const std::int64_t keys = args.weights.keys;
  const std::int64_t units = args.weights.units;
  const std::int64_t tiles = ceil_div(units, kThreads);
  const std::int64_t part = blockIdx.x / tiles;
  const std::int64_t unit = blockIdx.x % tiles * kThreads + threadIdx.x;
  if (unit < units) {
    const std::int64_t size = keys * units;
    const UnitMemory memory = {
        .d_w = args.scratch + part * size + unit,
        .d_u = args.scratch + (parts + part) * size + unit,
        .hidden = args.scratch + (2 * parts + part) * size + part * units + unit,
        .stride = units};
    for (std::int64_t at = 0; at < size; at += units) {
      memory.d_w[at] = 0.0F;
      memory.d_u[at] = 0.0F;
    }
    const std::int64_t end = args.rows * (part + 1) / parts;
    for (std::int64_t row = args.rows * part / parts; row < end; ++row) {
      args.d_hidden_bias[row * units + unit] = follow_unit(args, row, unit, memory);
    }
  }
}

// Mapping: a thread an element.
// Memory: each part is read once, coalesced.
// Numerics: f32, parts in order.
// Limits: none.
__global__ void __launch_bounds__(kThreads)
    add_parts_kernel(const float* from, std::int64_t parts, std::int64_t size, float* to) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < size) {
    float sum = 0.0F;
    for (std::int64_t part = 0; part < parts; ++part) sum += from[part * size + at];
    to[at] += sum;
  }
}

}  // namespace

std::int64_t nade_gradient_scratch(std::int64_t rows, const NadeWeights& weights) {
  return parts_for(rows) * (3 * weights.keys + 1) * weights.units;
}

void nade_gradients(const NadeGradients& gradients, cudaStream_t stream) {
  const std::int64_t parts = parts_for(gradients.rows);
  const std::int64_t size = gradients.weights.keys * gradients.weights.units;
  launch({.kernel = "nade_gradients",
          .shape = {gradients.rows, gradients.weights.keys, gradients.weights.units},
          .grid = dim3(static_cast<unsigned>(parts * ceil_div(gradients.weights.units, kThreads))),
          .block = dim3(kThreads),
          .stream = stream},
         nade_gradients_kernel, gradients, parts);
  const LaunchConfig sums = {.kernel = "nade_gradients",
                             .shape = {parts, size},
                             .grid = dim3(blocks_for(size, kThreads)),
                             .block = dim3(kThreads),
                             .stream = stream};
  launch(sums, add_parts_kernel, gradients.scratch, parts, size, gradients.d_w);
  launch(sums, add_parts_kernel, gradients.scratch + parts * size, parts, size, gradients.d_u);
}

}  // namespace cadenza::kernels
