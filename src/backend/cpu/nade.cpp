// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/nade.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/nade.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

/// Sum of a[k] b[k], `count` a multiple of 16: sixteen chains of fused multiply-adds, added as a
/// tree. So the order depends on `count` alone, on every target.
HWY_INLINE float dot(const float* a, const float* b, std::int64_t count) {
  const hn::CappedTag<float, 16> d;
  constexpr std::int64_t kLanes = hn::MaxLanes(hn::CappedTag<float, 16>());
  constexpr std::int64_t kVectors = 16 / kLanes;
  hn::Vec<decltype(d)> sums[kVectors];
  for (auto& sum : sums) sum = hn::Zero(d);
  for (std::int64_t k = 0; k < count; k += 16) {
    for (std::int64_t v = 0; v < kVectors; ++v) {
      const std::int64_t at = k + v * kLanes;
      sums[v] = Fma(d, hn::LoadU(d, a + at), hn::LoadU(d, b + at), sums[v]);
    }
  }
  HWY_ALIGN float lanes[16];
  for (std::int64_t v = 0; v < kVectors; ++v) hn::Store(sums[v], d, lanes + v * kLanes);
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/// One row while its keys are visited in order. A run is a range of keys that see the same hidden
/// units; a key that is on is the last of its run.
class Row {
 public:
  Row(const NadeWeights& weights, float* scratch)
      : weights_(weights), padded_(weights.padded()), sums_(scratch), hidden_(sums_ + padded_) {
    run_begins_.reserve(static_cast<std::size_t>(weights.keys) + 1);
  }

  void start(const float* hidden_bias) {
    std::fill(std::copy_n(hidden_bias, weights_.units, sums_), sums_ + padded_, 0.0F);
    run_begins_.assign(1, 0);
    compute_hidden();
  }

  float logit(std::int64_t key, float visible_bias) const {
    return visible_bias + dot(weights_.u + key * padded_, hidden(last_run()), padded_);
  }

  /// Key `key` has `value`, not 0: the later keys see other hidden units.
  void turn_on(std::int64_t key, float value) {
    const float* const w = weights_.w + key * padded_;
    for_each_vector(padded_, [&](auto d, std::int64_t k) HWY_ATTR {
      hn::StoreU(Fma(d, hn::Set(d, value), hn::LoadU(d, w + k), hn::LoadU(d, sums_ + k)), d,
                 sums_ + k);
    });
    run_begins_.push_back(key + 1);
    compute_hidden();
  }

  /// Adds the gradients of the weights for those of the logits, after all keys were visited.
  void go_back(const float* target, const float* d_logits, float* d_w, float* d_u) {
    std::fill_n(sums_, padded_, 0.0F);  // from here on their gradient
    std::int64_t end = weights_.keys;
    for (std::int64_t run = last_run(); run >= 0; --run) {
      const std::int64_t begin = run_begins_[static_cast<std::size_t>(run)];
      add_run(run, begin, end, d_logits, d_u);
      if (begin > 0) add_multiple(target[begin - 1], sums_, d_w + (begin - 1) * padded_);
      end = begin;
    }
  }

  /// Gradient of the hidden bias after go_back().
  const float* d_sums() const { return sums_; }

 private:
  std::int64_t last_run() const { return static_cast<std::int64_t>(run_begins_.size()) - 1; }
  float* hidden(std::int64_t run) const { return hidden_ + run * padded_; }

  void compute_hidden() const {
    float* const h = hidden(last_run());
    for_each_vector(padded_, [&](auto d, std::int64_t k) HWY_ATTR {
      hn::StoreU(Sigmoid(d, hn::LoadU(d, sums_ + k)), d, h + k);
    });
  }

  void add_multiple(float factor, const float* x, float* y) const {
    for_each_vector(padded_, [&](auto d, std::int64_t k) HWY_ATTR {
      hn::StoreU(Fma(d, hn::Set(d, factor), hn::LoadU(d, x + k), hn::LoadU(d, y + k)), d, y + k);
    });
  }

  /// Keys [begin, end) of a run: d_u += d_logit h and sums += (sum of d_logit u) h (1 - h).
  void add_run(std::int64_t run, std::int64_t begin, std::int64_t end, const float* d_logits,
               float* d_u) const {
    for_each_vector(padded_, [&](auto d, std::int64_t k) HWY_ATTR {
      const auto h = hn::LoadU(d, hidden(run) + k);
      auto d_hidden = hn::Zero(d);
      for (std::int64_t key = begin; key < end; ++key) {
        const auto d_logit = hn::Set(d, d_logits[key]);
        float* const row = d_u + key * padded_ + k;
        hn::StoreU(Fma(d, d_logit, h, hn::LoadU(d, row)), d, row);
        d_hidden = Fma(d, d_logit, hn::LoadU(d, weights_.u + key * padded_ + k), d_hidden);
      }
      hn::StoreU(Fma(d, d_hidden, sigmoid_slope(d, h), hn::LoadU(d, sums_ + k)), d, sums_ + k);
    });
  }

  const NadeWeights& weights_;
  std::int64_t padded_;
  float* sums_;    // [K]
  float* hidden_;  // [runs, K]
  std::vector<std::int64_t> run_begins_;
};

void loss_rows(const NadeLossArgs& args, const NadeWeights& weights, const NadeRange& range) {
  const std::int64_t keys = weights.keys;
  float* const logits = range.scratch;
  Row row(weights, range.scratch + (keys + 15) / 16 * 16);
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    const float* const target = args.targets.as<float>() + n * keys;
    const float* const visible_bias = args.visible_bias.as<float>() + n * keys;
    row.start(args.hidden_bias.as<float>() + n * weights.units);
    double loss = 0.0;
    for (std::int64_t key = 0; key < keys; ++key) {
      logits[key] = row.logit(key, visible_bias[key]);
      if (target[key] != 0.0F) row.turn_on(key, target[key]);
    }
    for_each_vector(keys, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto logit = hn::LoadU(d, logits + i);
      const auto element = Fma(d, hn::Neg(hn::LoadU(d, target + i)), logit, Softplus(d, logit));
      loss += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, element)));
    });
    const float weight = args.weights.empty() ? 1.0F : args.weights.as<float>()[n];
    args.row_loss.as<float>()[n] = static_cast<float>(static_cast<double>(weight) * loss);
    if (args.d_visible_bias.empty()) continue;
    float* const d_logits = args.d_visible_bias.as<float>() + n * keys;
    const float factor = static_cast<float>(args.scale) * weight;
    for_each_vector(keys, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto error = hn::Sub(Sigmoid(d, hn::LoadU(d, logits + i)), hn::LoadU(d, target + i));
      hn::StoreU(hn::Mul(hn::Set(d, factor), error), d, d_logits + i);
    });
    row.go_back(target, d_logits, range.d_w, range.d_u);
    std::copy_n(row.d_sums(), weights.units, args.d_hidden_bias.as<float>() + n * weights.units);
  }
}

void sample_nade_range(const SampleNadeArgs& args, const NadeWeights& weights,
                       const NadeRange& range) {
  const std::int64_t keys = weights.keys;
  Row row(weights, range.scratch);
  for (std::int64_t n = range.begin; n < range.end; ++n) {
    RowSampling params;
    std::memcpy(&params, args.rows.params.at(n).data, sizeof params);
    const auto sequence = static_cast<std::uint64_t>(args.rows.sequences.as<std::int64_t>()[n]);
    const auto step = static_cast<std::uint32_t>(args.rows.steps.as<std::int32_t>()[n]);
    row.start(args.hidden_bias.as<float>() + n * weights.units);
    double log_probability = 0.0;
    for (std::int64_t key = 0; key < keys; ++key) {
      const float logit = row.logit(key, args.visible_bias.as<float>()[n * keys + key]);
      const bool on = sample_key(logit, params.inverse_temperature, args.rows.seed, sequence, step,
                                 static_cast<std::uint32_t>(key));
      args.keys.as<float>()[n * keys + key] = on ? 1.0F : 0.0F;
      const auto toward = static_cast<double>(on ? -logit : logit);
      log_probability -= std::fmax(toward, 0.0) + std::log1p(std::exp(-std::fabs(toward)));
      if (on) row.turn_on(key, 1.0F);
    }
    if (!args.log_probability.empty()) {
      args.log_probability.as<float>()[n] = static_cast<float>(log_probability);
    }
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza {
namespace cpu {
HWY_EXPORT(loss_rows);
HWY_EXPORT(sample_nade_range);

namespace {

/// [D, K] with rows padded by zeros.
const float* padded_copy(const Scratch::Frame& frame, const NadeWeights& weights,
                         const TensorView& from) {
  const std::int64_t padded = weights.padded();
  float* const copy = frame.floats(weights.keys * padded);
  for (std::int64_t key = 0; key < weights.keys; ++key) {
    float* const row = copy + key * padded;
    std::fill(std::copy_n(from.as<float>() + key * weights.units, weights.units, row), row + padded,
              0.0F);
  }
  return copy;
}

}  // namespace

NadeWeights padded_weights(const Scratch::Frame& frame, const TensorView& w, const TensorView& u) {
  NadeWeights weights{w.shape[0], w.shape[1]};
  weights.w = padded_copy(frame, weights, w);
  weights.u = padded_copy(frame, weights, u);
  return weights;
}

std::int64_t scratch_of_row(const NadeWeights& weights) {
  // Logits, sums and the hidden units of all runs.
  return (weights.keys + 15) / 16 * 16 + (weights.keys + 2) * weights.padded();
}

void sample_nade_rows(const SampleNadeArgs& args, const NadeWeights& weights,
                      const NadeRange& range) {
  HWY_DYNAMIC_DISPATCH(sample_nade_range)(args, weights, range);
}

namespace {

/// to [D, K] += the parts, [D, padded K] each and `stride` floats apart, in order.
void add_parts(const NadeWeights& weights, const float* parts, std::int64_t stride,
               std::int64_t count, const TensorView& to) {
  auto* out = to.as<float>();
  for (std::int64_t key = 0; key < weights.keys; ++key) {
    for (std::int64_t k = 0; k < weights.units; ++k, ++out) {
      float sum = 0.0F;
      for (std::int64_t part = 0; part < count; ++part) {
        sum += parts[part * stride + key * weights.padded() + k];
      }
      *out += sum;
    }
  }
}

// Gradients are summed in parts of the rows, which depend on their number alone: so threads do not
// change a bit.
constexpr std::int64_t kPartRows = 32;
constexpr std::int64_t kMaxParts = 16;

}  // namespace
}  // namespace cpu
using namespace cpu;  // dispatch takes plain names where there is one instruction set

void CpuBackend::do_nade_loss(const NadeLossArgs& args) {
  const cpu::Scratch::Frame frame(scratch_);
  const cpu::NadeWeights weights = cpu::padded_weights(frame, args.w, args.u);
  const std::int64_t rows = args.row_loss.count();
  const std::int64_t parts = std::clamp<std::int64_t>(rows / cpu::kPartRows, 1, cpu::kMaxParts);
  const std::int64_t row_size = cpu::scratch_of_row(weights);
  const std::int64_t size = weights.keys * weights.padded();
  const bool backward = !args.d_visible_bias.empty();
  float* const scratch = frame.floats(row_size * pool_.size());
  float* const d_w = frame.floats(backward ? size * parts : 0);
  float* const d_u = frame.floats(backward ? size * parts : 0);
  pool_.parallel_for(parts, cpu::worth_a_thread(4 * size * rows / parts),
                     [&](std::int64_t begin, std::int64_t end, int thread) {
                       for (std::int64_t part = begin; part < end; ++part) {
                         float* const part_d_w = d_w + part * size;
                         float* const part_d_u = d_u + part * size;
                         if (backward) {
                           std::fill_n(part_d_w, size, 0.0F);
                           std::fill_n(part_d_u, size, 0.0F);
                         }
                         HWY_DYNAMIC_DISPATCH(loss_rows)
                         (args, weights,
                          {rows * part / parts, rows * (part + 1) / parts,
                           scratch + thread * row_size, part_d_w, part_d_u});
                       }
                     });
  if (!backward) return;
  cpu::add_parts(weights, d_w, size, parts, args.d_w);
  cpu::add_parts(weights, d_u, size, parts, args.d_u);
}

void CpuBackend::do_sample_nade(const SampleNadeArgs& args) {
  const cpu::Scratch::Frame frame(scratch_);
  const cpu::NadeWeights weights = cpu::padded_weights(frame, args.w, args.u);
  const std::int64_t row_size = cpu::scratch_of_row(weights);
  const std::int64_t size = weights.keys * weights.padded();
  float* const scratch = frame.floats(row_size * pool_.size());
  pool_.parallel_for(args.keys.shape[0], cpu::worth_a_thread(size),
                     [&](std::int64_t begin, std::int64_t end, int part) {
                       cpu::sample_nade_rows(
                           args, weights,
                           {begin, end, scratch + part * row_size, nullptr, nullptr});
                     });
}

}  // namespace cadenza
#endif  // HWY_ONCE
