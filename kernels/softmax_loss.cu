// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "kernels/cells/elementary.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/reduce.cuh"
#include "kernels/softmax_loss.h"

namespace cadenza::kernels {
namespace {

constexpr int kBlockThreads = 256;
constexpr int kLargeThreads = 512;
constexpr float kLowest = -INFINITY;

/// One row, seen by the threads that work on it.
struct Row {
  __device__ Row(const SoftmaxLoss& loss, std::int64_t row)
      : index(row),
        target(loss.targets[row]),
        weight(loss.weights == nullptr ? 1.0F : loss.weights[row]),
        factor(loss.scale * weight),
        logits(loss.logits + row * loss.vocabulary),
        gradient(loss.d_logits == nullptr ? nullptr : loss.d_logits + row * loss.vocabulary) {}

  /// The row has no target: no loss and no gradient. `thread` of `threads`.
  __device__ void clear(const SoftmaxLoss& loss, int thread, int threads) const {
    if (thread == 0) loss.row_loss[index] = 0.0F;
    if (gradient == nullptr) return;
    for (std::int64_t v = thread; v < loss.vocabulary; v += threads) gradient[v] = 0.0F;
  }

  __device__ float loss_of(float logit, float maximum, float sum) const {
    return weight * ((maximum - logit) + exact_log(sum));
  }

  std::int64_t index;
  std::int32_t target;
  float weight, factor;
  const float* logits;
  float* gradient;
};

// Mapping: kThreads along x share a row: a warp with 8 rows a block, or the whole block.
// Memory: kItems logits a thread in registers; blocks exchange 8 floats; each logit is read once.
// Numerics: f32, maximum subtracted first, the sum in a fixed tree; exp and log within 2e-7.
// Limits: V <= kThreads * kItems. The thread that owns the target's logit writes the loss.
template <int kThreads, int kItems>
__global__ void __launch_bounds__(kBlockThreads, 2) softmax_loss_kernel(SoftmaxLoss loss) {
  const std::int64_t index = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (index >= loss.rows) return;
  const Row row(loss, index);
  const auto thread = static_cast<int>(threadIdx.x);
  if (row.target < 0) {
    row.clear(loss, thread, kThreads);
    return;
  }
  const auto vocabulary = static_cast<int>(loss.vocabulary);
  float x[kItems];
  float maximum = kLowest;
#pragma unroll
  for (int item = 0; item < kItems; ++item) {
    const int v = item * kThreads + thread;
    x[item] = v < vocabulary ? row.logits[v] : kLowest;
    maximum = Max()(maximum, x[item]);
  }
  maximum = block_max<kThreads>(maximum, kLowest);
  float target_logit = 0.0F;
  float sum = 0.0F;
#pragma unroll
  for (int item = 0; item < kItems; ++item) {
    const int v = item * kThreads + thread;
    if (v == row.target) target_logit = x[item];
    x[item] = elementary::exp(x[item] - maximum);  // e^-87 at the lowest
    if (v < vocabulary) sum += x[item];
  }
  sum = block_sum<kThreads>(sum);
  if (row.target % kThreads == thread) {
    loss.row_loss[index] = row.loss_of(target_logit, maximum, sum);
  }
  if (row.gradient == nullptr) return;
  const float share = row.factor / sum;
#pragma unroll
  for (int item = 0; item < kItems; ++item) {
    const int v = item * kThreads + thread;
    if (v < vocabulary) row.gradient[v] = x[item] * share - (v == row.target ? row.factor : 0.0F);
  }
}

// Mapping: one block a row.
// Memory: 16 floats exchanged; each logit is read three times, mostly from the L2 cache.
// Numerics: as above.
// Limits: any V. Threads read and write the same elements in each pass, so in place is safe.
__global__ void __launch_bounds__(kLargeThreads) softmax_loss_large_kernel(SoftmaxLoss loss) {
  const Row row(loss, blockIdx.x);
  const auto thread = static_cast<int>(threadIdx.x);
  if (row.target < 0) {
    row.clear(loss, thread, kLargeThreads);
    return;
  }
  float maximum = kLowest;
  for (std::int64_t v = thread; v < loss.vocabulary; v += kLargeThreads) {
    maximum = Max()(maximum, row.logits[v]);
  }
  maximum = block_max<kLargeThreads>(maximum, kLowest);
  float sum = 0.0F;
  for (std::int64_t v = thread; v < loss.vocabulary; v += kLargeThreads) {
    sum += elementary::exp(row.logits[v] - maximum);
  }
  sum = block_sum<kLargeThreads>(sum);
  if (row.target % kLargeThreads == thread) {
    loss.row_loss[row.index] = row.loss_of(row.logits[row.target], maximum, sum);
  }
  if (row.gradient == nullptr) return;
  const float share = row.factor / sum;
  for (std::int64_t v = thread; v < loss.vocabulary; v += kLargeThreads) {
    const float e = elementary::exp(row.logits[v] - maximum);
    row.gradient[v] = e * share - (v == row.target ? row.factor : 0.0F);
  }
}

/// The smallest of kItems, 2 kItems, ... that holds the row with kThreads threads.
template <int kThreads, int kItems>
void launch_rows(const SoftmaxLoss& loss, cudaStream_t stream) {
  if constexpr (kItems < 32) {
    if (loss.vocabulary > kThreads * kItems) {
      launch_rows<kThreads, 2 * kItems>(loss, stream);
      return;
    }
  }
  constexpr unsigned kRows = kBlockThreads / kThreads;
  launch({.kernel = "softmax_loss",
          .shape = {loss.rows, loss.vocabulary},
          .grid = dim3(blocks_for(loss.rows, kRows)),
          .block = dim3(kThreads, kRows),
          .stream = stream},
         softmax_loss_kernel<kThreads, kItems>, loss);
}

}  // namespace

void softmax_loss(const SoftmaxLoss& loss, cudaStream_t stream) {
  if (loss.vocabulary <= 32 * 32) {
    launch_rows<32, 4>(loss, stream);
  } else if (loss.vocabulary <= kBlockThreads * 32) {
    launch_rows<kBlockThreads, 8>(loss, stream);
  } else {
    launch({.kernel = "softmax_loss",
            .shape = {loss.rows, loss.vocabulary},
            .grid = dim3(static_cast<unsigned>(loss.rows)),
            .block = dim3(kLargeThreads),
            .stream = stream},
           softmax_loss_large_kernel, loss);
  }
}

}  // namespace cadenza::kernels
