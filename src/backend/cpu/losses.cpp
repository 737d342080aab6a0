// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/simd_targets.h"
#include "backend/reference/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/losses.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

float maximum_of(const float* x, std::int64_t count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  float maximum = x[0];
  std::int64_t i = 0;
  if (count >= lanes) {
    auto best = hn::LoadU(d, x);
    for (; i + lanes <= count; i += lanes) best = hn::Max(best, hn::LoadU(d, x + i));
    maximum = hn::GetLane(hn::MaxOfLanes(d, best));
  }
  for (; i < count; ++i) maximum = std::max(maximum, x[i]);
  return maximum;
}

/// One row of the softmax loss: returns log(sum(exp(x))) and, unless `gradient` is null, leaves
/// factor * softmax(x) there.
float softmax_row(const float* x, std::int64_t count, float factor, float* gradient) {
  const float maximum = maximum_of(x, count);
  double sum = 0.0;
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto e = Exp(d, hn::Sub(hn::LoadU(d, x + i), hn::Set(d, maximum)));
    if (gradient != nullptr) hn::StoreU(e, d, gradient + i);
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, e)));
  });
  if (gradient != nullptr) {
    const auto scale = static_cast<float>(static_cast<double>(factor) / sum);
    for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
      hn::StoreU(hn::Mul(hn::LoadU(d, gradient + i), hn::Set(d, scale)), d, gradient + i);
    });
  }
  return static_cast<float>(static_cast<double>(maximum) + std::log(sum));
}

/// One row of the Bernoulli loss, its gradient times `factor` into `gradient` unless that is null.
float bernoulli_row(const float* x, const float* target, std::int64_t count, float factor,
                    float* gradient) {
  double sum = 0.0;
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto logit = hn::LoadU(d, x + i);
    const auto wanted = hn::LoadU(d, target + i);
    const auto loss = Fma(d, hn::Neg(wanted), logit, Softplus(d, logit));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, loss)));
    if (gradient != nullptr) {
      hn::StoreU(hn::Mul(hn::Sub(Sigmoid(d, logit), wanted), hn::Set(d, factor)), d, gradient + i);
    }
  });
  return static_cast<float>(sum);
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza {
namespace cpu {
HWY_EXPORT(softmax_row);
HWY_EXPORT(bernoulli_row);

namespace {

float weight_of(const TensorView& weights, std::int64_t row) {
  return weights.empty() ? 1.0F : weights.as<float>()[row];
}

float* row_of(const TensorView& view, std::int64_t row) {
  return view.empty() ? nullptr : view.as<float>() + row * view.shape[1];
}

void softmax_loss_of_row(const SoftmaxLossArgs& args, std::int64_t row) {
  const std::int64_t width = args.logits.shape[1];
  const std::int32_t target = args.targets.as<std::int32_t>()[row];
  reference::check_id("softmax_loss", target, row, width);
  float* const gradient = row_of(args.d_logits, row);
  float& loss = args.row_loss.as<float>()[row];
  if (target < 0) {
    loss = 0.0F;
    if (gradient != nullptr) std::fill_n(gradient, width, 0.0F);
    return;
  }
  const float* const logits = row_of(args.logits, row);
  const float logit = logits[target];  // before the gradient may take its place
  const float weight = weight_of(args.weights, row);
  const float factor = static_cast<float>(args.scale) * weight;
  loss = weight * (HWY_DYNAMIC_DISPATCH(softmax_row)(logits, width, factor, gradient) - logit);
  if (gradient != nullptr) gradient[target] -= factor;
}

}  // namespace
}  // namespace cpu
using namespace cpu;  // dispatch takes plain names where there is one instruction set

void CpuBackend::do_softmax_loss(const SoftmaxLossArgs& args) {
  pool_.parallel_for(args.logits.shape[0], cpu::worth_a_thread(64 * args.logits.shape[1]),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       for (std::int64_t row = begin; row < end; ++row) {
                         cpu::softmax_loss_of_row(args, row);
                       }
                     });
}

void CpuBackend::do_bernoulli_loss(const BernoulliLossArgs& args) {
  pool_.parallel_for(args.logits.shape[0], cpu::worth_a_thread(128 * args.logits.shape[1]),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       for (std::int64_t row = begin; row < end; ++row) {
                         const float weight = cpu::weight_of(args.weights, row);
                         args.row_loss.as<float>()[row] =
                             weight * HWY_DYNAMIC_DISPATCH(bernoulli_row)(
                                          cpu::row_of(args.logits, row),
                                          cpu::row_of(args.targets, row), args.logits.shape[1],
                                          static_cast<float>(args.scale) * weight,
                                          cpu::row_of(args.d_logits, row));
                       }
                     });
}

}  // namespace cadenza
#endif  // HWY_ONCE
