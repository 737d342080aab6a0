// SPDX-License-Identifier: Apache-2.0
#include "kernels/device/kernel.h"
// The device layer comes first.
#include "core/draw.h"
#include "kernels/cells/elementary.h"
#include "kernels/device/launch.h"
#include "kernels/grid.h"
#include "kernels/nade.h"
#include "kernels/reduce.cuh"

namespace cadenza::kernels {
namespace {

constexpr int kLanes = 16;  // of a row: the chains of the cpu backend's sums
constexpr unsigned kBlockRows = 8;

/// Which row the 16 lanes of a thread work on. The last warp may have an idle half, which computes
/// the row before it once more and writes nothing.
struct RowIndex {
  __device__ explicit RowIndex(std::int64_t rows)
      : slot(std::int64_t{blockIdx.x} * kBlockRows + threadIdx.y),
        row(slot < rows ? slot : rows - 1),
        exists(slot < rows),
        warp_exists((slot & ~std::int64_t{1}) < rows) {}

  std::int64_t slot;  // of the scratch memory
  std::int64_t row;
  bool exists, warp_exists;
};

/// The hidden units of one row while its keys are visited in ascending order. Lane l owns units l,
/// l + 16, ..., so nothing is exchanged through memory.
class HiddenUnits {
 public:
  __device__ HiddenUnits(const NadeWeights& weights, float* scratch)
      : weights_(weights), sums_(scratch), hidden_(scratch + weights.units) {}

  __device__ void start(const float* bias) {
    for (std::int64_t k = threadIdx.x; k < weights_.units; k += kLanes) set(k, bias[k]);
  }

  /// u . h of a key, on every lane: one chain of fused multiply-adds a lane, then a tree.
  __device__ float dot(std::int64_t key) const {
    const float* u = weights_.u + key * weights_.units;
    float sum = 0.0F;
    for (std::int64_t k = threadIdx.x; k < weights_.units; k += kLanes) {
      sum = exact_fma(u[k], hidden_[k], sum);
    }
    return warp_sum<kLanes>(sum);
  }

  /// The key has a value other than 0: the later ones see other units.
  __device__ void turn_on(std::int64_t key, float value) {
    const float* w = weights_.w + key * weights_.units;
    for (std::int64_t k = threadIdx.x; k < weights_.units; k += kLanes) {
      set(k, exact_fma(value, w[k], sums_[k]));
    }
  }

 private:
  __device__ void set(std::int64_t k, float sum) {
    sums_[k] = sum;
    hidden_[k] = elementary::sigmoid(sum);
  }

  NadeWeights weights_;
  float* sums_;    // [K]
  float* hidden_;  // [K]
};

/// Visits the keys of a row, 16 at a time, of which each lane looks after one:
/// `visitor.load(key)` reads what belongs to it, `visitor.value(lane, logit)` tells on all lanes
/// the value of the key of `lane`, `visitor.store(key, logit)` ends it.
template <typename Visitor>
__device__ void visit_keys(HiddenUnits& units, std::int64_t keys, const float* visible_bias,
                           Visitor& visitor) {
  const auto lane = static_cast<int>(threadIdx.x);
  for (std::int64_t begin = 0; begin < keys; begin += kLanes) {
    const std::int64_t own = begin + lane;
    const float bias = own < keys ? visible_bias[own] : 0.0F;
    if (own < keys) visitor.load(own);
    float own_logit = 0.0F;
    for (int i = 0; i < kLanes && begin + i < keys; ++i) {
      const float logit = exact_add(__shfl_sync(kFullMask, bias, i, kLanes), units.dot(begin + i));
      const float value = visitor.value(i, logit);
      if (i == lane) own_logit = logit;
      if (value != 0.0F) units.turn_on(begin + i, value);
    }
    if (own < keys) visitor.store(own, own_logit);
  }
}

/// Keys that are known: sums their losses and leaves the gradients of their logits.
struct LossVisitor {
  const float* targets;  // [D]
  float* d_logits;       // [D] or null
  float factor;
  float target = 0.0F;
  float sum = 0.0F;

  __device__ void load(std::int64_t key) { target = targets[key]; }
  __device__ float value(int lane, float) const {
    return __shfl_sync(kFullMask, target, lane, kLanes);
  }
  __device__ void store(std::int64_t key, float logit) {
    sum += elementary::softplus(logit) - target * logit;
    if (d_logits != nullptr) d_logits[key] = factor * (elementary::sigmoid(logit) - target);
  }
};

// Mapping: 16 lanes a row, two rows a warp, 8 rows a block; the keys one after the other.
// Memory: no shared memory; the row's units in scratch, each touched by one lane, mostly in L1.
// Numerics: f32; sums over units in 16 chains and a tree.
// Limits: none.
__global__ void __launch_bounds__(kLanes* kBlockRows, 8) nade_loss_kernel(NadeLoss loss) {
  const RowIndex index(loss.rows);
  if (!index.warp_exists) return;
  const std::int64_t keys = loss.weights.keys;
  const std::int64_t units = loss.weights.units;
  const float weight = loss.row_weights == nullptr ? 1.0F : loss.row_weights[index.row];
  HiddenUnits hidden(loss.weights, loss.scratch + index.slot * 2 * units);
  hidden.start(loss.hidden_bias + index.row * units);
  LossVisitor visitor = {.targets = loss.targets + index.row * keys,
                         .d_logits = loss.d_visible_bias == nullptr || !index.exists
                                         ? nullptr
                                         : loss.d_visible_bias + index.row * keys,
                         .factor = loss.scale * weight};
  visit_keys(hidden, keys, loss.visible_bias + index.row * keys, visitor);
  const float sum = warp_sum<kLanes>(visitor.sum);
  if (threadIdx.x == 0 && index.exists) loss.row_loss[index.row] = weight * sum;
}

/// Keys that are drawn, by the definition of sample_key().
struct DrawVisitor {
  draw::NoiseKey noise_key;
  float inverse_temperature;
  float* keys;  // [D] or null
  float noise = 0.0F;
  std::uint32_t drawn = 0;  // bit i: the key of lane i is on
  float log_probability = 0.0F;

  __device__ void load(std::int64_t key) {
    drawn = 0;
    noise = draw::key_noise(noise_key, static_cast<std::uint32_t>(key));
  }
  __device__ float value(int lane, float logit) {
    const float x = exact_add(draw::temper(logit, inverse_temperature),
                              __shfl_sync(kFullMask, noise, lane, kLanes));
    const bool on = (inverse_temperature == INFINITY ? logit : x) > 0.0F;
    if (on) drawn |= 1U << lane;
    return on ? 1.0F : 0.0F;
  }
  __device__ void store(std::int64_t key, float logit) {
    const bool on = (drawn >> threadIdx.x & 1U) != 0;
    if (keys != nullptr) keys[key] = on ? 1.0F : 0.0F;
    log_probability -= elementary::softplus(on ? -logit : logit);
  }
};

// Mapping: 16 lanes a row, two rows a warp, 8 rows a block; the keys one after the other.
// Memory: no shared memory; the row's units in scratch, each touched by one lane, mostly in L1.
// Numerics: logits and draws in the order and with the functions of the cpu backend, bit by bit.
// Limits: D < 2^26, the items of a random address.
__global__ void __launch_bounds__(kLanes* kBlockRows, 8) sample_nade_kernel(NadeDraw args) {
  const RowIndex index(args.rows);
  if (!index.warp_exists) return;
  const std::int64_t keys = args.weights.keys;
  const std::int64_t units = args.weights.units;
  HiddenUnits hidden(args.weights, args.scratch + index.slot * 2 * units);
  hidden.start(args.hidden_bias + index.row * units);
  DrawVisitor visitor = {
      .noise_key = {args.noise.seed, static_cast<std::uint64_t>(args.noise.sequences[index.row]),
                    static_cast<std::uint32_t>(args.noise.steps[index.row])},
      .inverse_temperature = args.noise.params[index.row].inverse_temperature,
      .keys = index.exists ? args.keys + index.row * keys : nullptr};
  visit_keys(hidden, keys, args.visible_bias + index.row * keys, visitor);
  const float sum = warp_sum<kLanes>(visitor.log_probability);
  if (threadIdx.x == 0 && index.exists && args.log_probability != nullptr) {
    args.log_probability[index.row] = sum;
  }
}

}  // namespace

std::int64_t nade_row_scratch(std::int64_t rows, std::int64_t units) {
  return (rows + 1) / 2 * 2 * 2 * units;  // whole warps; sums and hidden units
}

void nade_loss(const NadeLoss& loss, cudaStream_t stream) {
  launch({.kernel = "nade_loss",
          .shape = {loss.rows, loss.weights.keys, loss.weights.units},
          .grid = dim3(blocks_for(loss.rows, kBlockRows)),
          .block = dim3(kLanes, kBlockRows),
          .stream = stream},
         nade_loss_kernel, loss);
}

void sample_nade(const NadeDraw& draw, cudaStream_t stream) {
  launch({.kernel = "sample_nade",
          .shape = {draw.rows, draw.weights.keys, draw.weights.units},
          .grid = dim3(blocks_for(draw.rows, kBlockRows)),
          .block = dim3(kLanes, kBlockRows),
          .stream = stream},
         sample_nade_kernel, draw);
}

}  // namespace cadenza::kernels
