// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention_tile.cuh"
// The device layer comes first.
#include "kernels/attention.h"
#include "kernels/attention_parts.h"
#include "kernels/cells/elementary.h"
#include "kernels/reduce.cuh"

// Attention as three kinds of kernel, for both directions: a number for every pair of a query and a
// memory step, the softmax of rows of them, and sums of rows weighted by them.

namespace cadenza::kernels {
namespace {

using attention_tile::length_of;

constexpr int kRowThreads = 256;

/// Rows [T, B] of S numbers.
struct Rows {
  std::int64_t rows, batch, memory;  // T * B, B, S
  const std::int32_t* lengths;
  const float* weights;  // [T, B, S], backward
  float* x;              // [T, B, S], in place
};

// Mapping: a warp a row, 8 rows a block.
// Memory: the row is read three times, mostly from the L1 cache.
// Numerics: f32, maximum subtracted first; a lane sums in order, lanes in a tree.
// Limits: none. Zero beyond the length.
__global__ void __launch_bounds__(kRowThreads) softmax_kernel(Rows args) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= args.rows) return;
  const std::int64_t length = length_of(args.lengths, row % args.batch, args.memory);
  float* x = args.x + row * args.memory;
  float maximum = -INFINITY;
  for (std::int64_t s = threadIdx.x; s < length; s += kWarpSize) maximum = Max()(maximum, x[s]);
  maximum = warp_max(maximum);
  float sum = 0.0F;
  for (std::int64_t s = threadIdx.x; s < length; s += kWarpSize) {
    x[s] = elementary::exp(x[s] - maximum);
    sum += x[s];
  }
  sum = warp_sum(sum);
  for (std::int64_t s = threadIdx.x; s < args.memory; s += kWarpSize) {
    x[s] = s < length ? x[s] / sum : 0.0F;
  }
}

// Mapping: a warp a row, 8 rows a block: x = weights * (x - sum of weights * x).
// Memory: the row is read twice, mostly from the L1 cache.
// Numerics: f32; a lane sums in order, lanes in a tree.
// Limits: none. Beyond the length nothing is touched.
__global__ void __launch_bounds__(kRowThreads) softmax_backward_kernel(Rows args) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= args.rows) return;
  const std::int64_t length = length_of(args.lengths, row % args.batch, args.memory);
  const float* weights = args.weights + row * args.memory;
  float* x = args.x + row * args.memory;
  float mean = 0.0F;
  for (std::int64_t s = threadIdx.x; s < length; s += kWarpSize) mean += weights[s] * x[s];
  mean = warp_sum(mean);
  for (std::int64_t s = threadIdx.x; s < length; s += kWarpSize) x[s] = weights[s] * (x[s] - mean);
}

void launch_rows(void (*kernel)(Rows), const Rows& rows, cudaStream_t stream) {
  constexpr unsigned kRows = kRowThreads / kWarpSize;
  launch({.kernel = "attention",
          .shape = {rows.rows, rows.memory},
          .grid = dim3(blocks_for(rows.rows, kRows)),
          .block = dim3(kWarpSize, kRows),
          .stream = stream},
         kernel, rows);
}

}  // namespace

void attention(const Attention& args, cudaStream_t stream) {
  attention_pairs(args.kind,
                  {.steps = args.steps,
                   .batch = args.batch,
                   .memory = args.memory,
                   .width = args.width,
                   .x = args.queries,
                   .y = args.keys,
                   .v = args.v,
                   .lengths = args.lengths,
                   .scale = args.scale,
                   .out = args.weights},
                  stream);
  launch_rows(softmax_kernel,
              {.rows = args.steps * args.batch,
               .batch = args.batch,
               .memory = args.memory,
               .lengths = args.lengths,
               .weights = nullptr,
               .x = args.weights},
              stream);
  attention_sums(AttentionKind::dot, AttentionOver::memory,
                 {.steps = args.steps,
                  .batch = args.batch,
                  .memory = args.memory,
                  .columns = args.value_width,
                  .x = args.weights,
                  .lengths = args.lengths,
                  .other = args.values,
                  .own = nullptr,
                  .v = nullptr,
                  .scale = 1.0F,
                  .out = args.context,
                  .tanh_sums = nullptr},
                 stream);
}

void attention_backward(const Attention& args, const AttentionGradients& gradients,
                        cudaStream_t stream) {
  attention_pairs(AttentionKind::dot,
                  {.steps = args.steps,
                   .batch = args.batch,
                   .memory = args.memory,
                   .width = args.value_width,
                   .x = gradients.d_context,
                   .y = args.values,
                   .v = nullptr,
                   .lengths = args.lengths,
                   .scale = 1.0F,
                   .out = gradients.d_scores},
                  stream);
  launch_rows(softmax_backward_kernel,
              {.rows = args.steps * args.batch,
               .batch = args.batch,
               .memory = args.memory,
               .lengths = args.lengths,
               .weights = args.weights,
               .x = gradients.d_scores},
              stream);
  AttentionSums sums = {.steps = args.steps,
                        .batch = args.batch,
                        .memory = args.memory,
                        .columns = args.value_width,
                        .x = args.weights,
                        .lengths = args.lengths,
                        .other = gradients.d_context,
                        .own = nullptr,
                        .v = args.v,
                        .scale = 1.0F,
                        .out = gradients.d_values,
                        .tanh_sums = nullptr};
  attention_sums(AttentionKind::dot, AttentionOver::queries, sums, stream);
  sums.columns = args.width;
  sums.x = gradients.d_scores;
  sums.scale = args.scale;
  sums.other = args.queries;
  sums.own = args.keys;
  sums.out = gradients.d_keys;
  attention_sums(args.kind, AttentionOver::queries, sums, stream);
  sums.other = args.keys;
  sums.own = args.queries;
  sums.out = gradients.d_queries;
  sums.tanh_sums = gradients.d_v_parts;
  attention_sums(args.kind, AttentionOver::memory, sums, stream);
}

}  // namespace cadenza::kernels
