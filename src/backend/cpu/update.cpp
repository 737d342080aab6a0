// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/simd_targets.h"
#include "core/update_factors.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/update.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

template <class D, class V = hn::Vec<D>>
HWY_INLINE V second_moment(D d, const UpdateFactors& f, V gradient, float* second) {
  const V fresh = hn::Mul(hn::Set(d, f.rest2), hn::Mul(gradient, gradient));
  const V moment = Fma(d, hn::Set(d, f.beta2), hn::LoadU(d, second), fresh);
  hn::StoreU(moment, d, second);
  return moment;
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V first_moment(D d, float beta, V fresh, float* first) {
  const V moment = Fma(d, hn::Set(d, beta), hn::LoadU(d, first), fresh);
  hn::StoreU(moment, d, first);
  return moment;
}

/// Null where the optimiser has none.
struct Moments {
  float* first = nullptr;
  float* second = nullptr;
};

/// What a parameter changes by, divided by -rate.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V direction(D d, OptimizerKind kind, const UpdateFactors& f, V gradient,
                       const Moments& moments, std::int64_t i) {
  const V epsilon = hn::Set(d, f.epsilon);
  switch (kind) {
    case OptimizerKind::sgd:
      break;
    case OptimizerKind::momentum:
      return first_moment(d, f.beta1, gradient, moments.first + i);
    case OptimizerKind::rmsprop:
      return hn::Div(gradient,
                     hn::Add(hn::Sqrt(second_moment(d, f, gradient, moments.second + i)), epsilon));
    case OptimizerKind::adam:
    case OptimizerKind::adamw: {
      const V m =
          first_moment(d, f.beta1, hn::Mul(hn::Set(d, f.rest1), gradient), moments.first + i);
      const V v = second_moment(d, f, gradient, moments.second + i);
      return hn::Div(m, Fma(d, hn::Sqrt(v), hn::Set(d, f.root), epsilon));
    }
  }
  return gradient;
}

void update_range(const UpdateArgs& args, double clip, std::int64_t begin, std::int64_t end) {
  const UpdateFactors f = update_factors(args);
  const auto scale = static_cast<float>(clip);
  auto* const parameters = args.parameters.as<float>() + begin;
  const auto* const gradients = args.gradients.as<float>() + begin;
  Moments moments;
  if (!args.first_moment.empty()) moments.first = args.first_moment.as<float>() + begin;
  if (!args.second_moment.empty()) moments.second = args.second_moment.as<float>() + begin;
  for_each_vector(end - begin, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto parameter = hn::Mul(hn::LoadU(d, parameters + i), hn::Set(d, f.keep));
    const auto clipped = hn::Mul(hn::LoadU(d, gradients + i), hn::Set(d, scale));
    const auto gradient = Fma(d, hn::Set(d, f.decay), parameter, clipped);
    const auto change = direction(d, args.kind, f, gradient, moments, i);
    hn::StoreU(Fma(d, hn::Set(d, -f.rate), change, parameter), d, parameters + i);
  });
}

/// Sum of squares in double, in eight interleaved parts.
double sum_of_squares(const float* x, std::int64_t count) {
  double parts[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int j = 0; j < 8; ++j) {
      const auto value = static_cast<double>(x[i + j]);
      parts[j] += value * value;
    }
  }
  for (; i < count; ++i) parts[i % 8] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0.0;
  for (const double part : parts) sum += part;
  return sum;
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza {
namespace cpu {
HWY_EXPORT(update_range);
HWY_EXPORT(sum_of_squares);
}  // namespace cpu
using namespace cpu;  // dispatch takes plain names where there is one instruction set

void CpuBackend::do_squared_norm(const TensorView& x, const TensorView& out) {
  constexpr std::int64_t kBlock = 16384;  // summed on its own, so that threads do not matter
  const auto blocks = static_cast<std::size_t>((x.count() + kBlock - 1) / kBlock);
  std::vector<double> sums(blocks);
  pool_.parallel_for(x.count(), kBlock, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; i += kBlock) {
      sums[static_cast<std::size_t>(i / kBlock)] =
          HWY_DYNAMIC_DISPATCH(sum_of_squares)(x.as<float>() + i, std::min(kBlock, end - i));
    }
  });
  double total = 0.0;
  for (const double sum : sums) total += sum;
  *out.as<double>() = total;
}

void CpuBackend::do_update(const UpdateArgs& args) {
  double clip = 1.0;
  if (args.clip_norm > 0.0) {
    clip = std::min(1.0, args.clip_norm / (std::sqrt(*args.squared_norm.as<double>()) + 1e-6));
  }
  pool_.parallel_for(args.parameters.count(), 16384,
                     [&](std::int64_t begin, std::int64_t end, int) {
                       HWY_DYNAMIC_DISPATCH(update_range)(args, clip, begin, end);
                     });
}

}  // namespace cadenza
#endif  // HWY_ONCE
