// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/dense.h"
#include "backend/cpu/simd_targets.h"
#include "cadenza/random.h"
#include "core/first_kept.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/elementwise.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

void activate(Activation kind, const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(Activate(d, kind, hn::LoadU(d, x + i)), d, y + i);
  });
}

void activate_back(Activation kind, const float* y, const float* dy, float* dx,
                   std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    const auto value = hn::LoadU(d, y + i);
    auto gradient = hn::LoadU(d, dy + i);
    switch (kind) {
      case Activation::identity:
        break;
      case Activation::sigmoid:
        gradient = hn::Mul(gradient, sigmoid_slope(d, value));
        break;
      case Activation::tanh:
        gradient = hn::Mul(gradient, tanh_slope(d, value));
        break;
      case Activation::relu:
        gradient = hn::IfThenElseZero(hn::Gt(value, hn::Zero(d)), gradient);
        break;
    }
    hn::StoreU(gradient, d, dx + i);
  });
}

void add_multiple(float alpha, const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
    hn::StoreU(Fma(d, hn::Set(d, alpha), hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  });
}

/// philox() of random.h for kBlock counters in a row, in arrays so that the compiler makes vectors.
constexpr std::int64_t kBlock = 32;

void philox_block(PhiloxCounter first, std::uint64_t key, std::uint32_t (&words)[4][kBlock]) {
  for (std::uint32_t i = 0; i < kBlock; ++i) {
    words[0][i] = first.word[0] + i;
    words[1][i] = first.word[1];
    words[2][i] = first.word[2];
    words[3][i] = first.word[3];
  }
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * words[0][i];
      const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * words[2][i];
      words[0][i] = static_cast<std::uint32_t>(product1 >> 32) ^ words[1][i] ^ key0;
      words[2][i] = static_cast<std::uint32_t>(product0 >> 32) ^ words[3][i] ^ key1;
      words[1][i] = static_cast<std::uint32_t>(product1);
      words[3][i] = static_cast<std::uint32_t>(product0);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/// Elements [begin, end) of a dropout; `begin` is a multiple of 4 * kBlock. An element is kept if
/// its word is above `last_dropped`.
void drop(const DropoutArgs& args, std::uint32_t last_dropped, std::int64_t begin,
          std::int64_t end) {
  constexpr std::int64_t kItems = std::int64_t{1} << 26;
  const auto* x = args.x.as<float>();
  auto* y = args.y.as<float>();
  const auto factor = static_cast<float>(1.0 / (1.0 - args.rate));
  std::uint32_t words[4][kBlock];
  float factors[4 * kBlock];
  for (std::int64_t block = begin; block < end; block += 4 * kBlock) {
    const std::uint64_t sequence = args.stream << 32 | static_cast<std::uint64_t>(block / kItems);
    const auto item = static_cast<std::uint32_t>(block % kItems);
    philox_block(
        {{static_cast<std::uint32_t>(RandomPurpose::dropout) << 24 | item >> 2, args.step,
          static_cast<std::uint32_t>(sequence), static_cast<std::uint32_t>(sequence >> 32)}},
        args.seed, words);
    for (std::int64_t i = 0; i < kBlock; ++i) {
      for (std::int64_t w = 0; w < 4; ++w) {
        factors[4 * i + w] = words[w][i] > last_dropped ? factor : 0.0F;
      }
    }
    const std::int64_t count = std::min(end - block, 4 * kBlock);
    for (std::int64_t i = 0; i < count; ++i) {
      y[block + i] = factors[i] == 0.0F ? 0.0F : x[block + i] * factors[i];
    }
  }
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza {
namespace cpu {
namespace {

HWY_EXPORT(activate);
HWY_EXPORT(activate_back);
HWY_EXPORT(add_multiple);
HWY_EXPORT(drop);

/// Smaller pieces are not worth another thread.
constexpr std::int64_t kGrain = 16384;

}  // namespace

void add_multiple(float alpha, const float* x, float* y, std::int64_t count) {
  HWY_DYNAMIC_DISPATCH(add_multiple)(alpha, x, y, count);
}

}  // namespace cpu
using namespace cpu;  // dispatch takes plain names where there is one instruction set

void CpuBackend::do_activation(const ActivationArgs& args) {
  pool_.parallel_for(args.x.count(), cpu::kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(activate)
    (args.kind, args.x.as<float>() + begin, args.y.as<float>() + begin, end - begin);
  });
}

void CpuBackend::do_activation_backward(const ActivationBackwardArgs& args) {
  pool_.parallel_for(args.y.count(), cpu::kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(activate_back)
    (args.kind, args.y.as<float>() + begin, args.dy.as<float>() + begin,
     args.dx.as<float>() + begin, end - begin);
  });
}

void CpuBackend::do_add(const TensorView& x, const TensorView& y, double alpha) {
  pool_.parallel_for(x.count(), cpu::kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    cpu::add_multiple(static_cast<float>(alpha), x.as<float>() + begin, y.as<float>() + begin,
                      end - begin);
  });
}

void CpuBackend::do_dropout(const DropoutArgs& args) {
  const std::uint64_t threshold = first_kept(args.rate);
  if (threshold == 0) {
    if (args.x.data != args.y.data) do_copy(args.x, args.y);
    return;
  }
  const auto last_dropped = static_cast<std::uint32_t>(threshold - 1);
  pool_.parallel_for(args.x.count(), cpu::kGrain, [&](std::int64_t begin, std::int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(drop)(args, last_dropped, begin, end);
  });
}

}  // namespace cadenza
#endif  // HWY_ONCE
