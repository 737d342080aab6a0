// SPDX-License-Identifier: Apache-2.0
// One row of a draw: its working memory, what the filters and the winner are computed from, and
// the passes over it. Each thread of the group owns the quads of 4 tokens rank, rank + size, ...
#pragma once

#include "core/draw.h"
#include "kernels/sample.h"
#include "kernels/sample_group.cuh"

namespace cadenza::kernels {

inline constexpr float kInfinity = ExactMath::kInfinity;

/// Integers of the same order as the floats, and back.
__device__ inline std::uint32_t ordered(float x) {
  const std::uint32_t bits = float_bits(x);
  return bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
}
__device__ inline float from_ordered(std::uint32_t key) {
  return bits_float(key ^ ((key >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU));
}

struct Quad {
  float value[4];
};

__device__ inline Quad load_quad(const float* from) {
  const float4 v = load_vector(reinterpret_cast<const float4*>(from));
  return {{v.x, v.y, v.z, v.w}};
}
__device__ inline void store_quad(float* to, const Quad& q) {
  store_vector(reinterpret_cast<float4*>(to),
               make_float4(q.value[0], q.value[1], q.value[2], q.value[3]));
}

/// [V], rounded up to whole quads: x and, where a filter asks for them, weights in two parts.
struct RowMemory {
  float* x;             ///< processed logits; -inf: no candidate
  std::uint32_t* high;  ///< weight >> kPartBits
  std::uint32_t* low;   ///< the rest of it; before that, occurrences in the window
};
inline constexpr int kPartBits = 20;

/// The best of some tokens: largest score, then lowest id.
struct Best {
  float score = -kInfinity;
  std::uint32_t token = 0xFFFFFFFFU;

  __device__ void offer(float other, std::uint32_t id) {
    if (other > score || (other == score && id < token)) {
      score = other;
      token = id;
    }
  }
};

struct Mass {
  std::uint64_t total = 0;
  std::uint64_t surprise = 0;
};

template <typename Group>
class Row {
 public:
  __device__ Row(Group& group, const SampleTokens& args, const PhiloxKeys& keys,
                 const RowMemory& memory, std::int64_t row)
      : group_(group),
        args_(args),
        keys_(keys),
        memory_(memory),
        row_(row),
        size_(args.vocabulary),
        params_(args.rows.params[row]),
        logits_(args.logits + row * args.row_stride),
        aligned_(reinterpret_cast<std::uintptr_t>(logits_) % sizeof(float4) == 0) {}

  /// Step 1 of docs/sampling.md; returns status bits.
  __device__ std::uint32_t process();
  /// Step 2: the first token by rank.
  __device__ std::int32_t first_maximum();
  /// Steps 3 and 4, of the candidates left.
  __device__ std::int32_t winner();
  /// Of the logits as given.
  __device__ float raw_log_probability(std::int32_t token);

  /// Sums over the candidates left; surprise only where asked for.
  __device__ Mass mass(bool with_surprise);
  /// Stores the weights of the candidates; returns their sum.
  __device__ std::uint64_t weigh();
  template <typename Keep>
  __device__ void drop_unless(const Keep& keep);
  template <typename Matches>
  __device__ std::uint32_t count(const Matches& matches);

  /// Calls run(first token, x of 4) for each quad of this thread.
  template <typename Run>
  __device__ void for_quads(const Run& run) const {
    const int stride = 4 * static_cast<int>(group_.size());
    for (int i = 4 * static_cast<int>(group_.rank()); i < size_; i += stride) {
      run(i, load_quad(memory_.x + i));
    }
  }

  __device__ const RowSampling& params() const { return params_; }
  __device__ const RowMemory& memory() const { return memory_; }
  __device__ Group& group() const { return group_; }
  __device__ int size() const { return size_; }
  __device__ float maximum() const { return maximum_; }
  /// What the draw sees are the logits as given.
  __device__ bool plain() const {
    return args_.bias == nullptr && args_.allowed == nullptr && !penalized() &&
           (params_.greedy != 0 || params_.inverse_temperature == 1.0F);
  }
  __device__ draw::NoiseKey noise_key() const {
    return {args_.rows.seed, static_cast<std::uint64_t>(args_.rows.sequences[row_]),
            static_cast<std::uint32_t>(args_.rows.steps[row_])};
  }

 private:
  /// Neutral penalties change nothing but the sign of zeros.
  __device__ bool penalized() const {
    return args_.window_slots > 0 && args_.window != nullptr &&
           (params_.repetition_penalty != 1.0F || params_.frequency_penalty != 0.0F ||
            params_.presence_penalty != 0.0F);
  }
  /// Calls run(token, its place in the quad) for the tokens of the quad at `i`.
  template <typename Run>
  __device__ void for_tokens(int i, const Run& run) const {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (i + j < size_) run(i + j, j);
    }
  }
  __device__ Quad load_logits(int i) const;
  __device__ Quad process_quad(int i, bool penalize) const;
  __device__ void count_window();
  __device__ Best best_above(float bar, const draw::NoiseKey& key) const;

  Group& group_;
  const SampleTokens& args_;
  const PhiloxKeys& keys_;
  const RowMemory memory_;
  const std::int64_t row_;
  const int size_;
  const RowSampling params_;
  const float* const logits_;
  const bool aligned_;
  float maximum_ = -kInfinity;
};

/// Behind the end of the row: -inf.
template <typename Group>
__device__ Quad Row<Group>::load_logits(int i) const {
  if (aligned_ && i + 4 <= size_) return load_quad(logits_ + i);
  Quad y = {{-kInfinity, -kInfinity, -kInfinity, -kInfinity}};
  for_tokens(i, [&](int token, int j) { y.value[j] = logits_[token]; });
  return y;
}

/// Occurrences in the window, into memory.low.
template <typename Group>
__device__ void Row<Group>::count_window() {
  std::uint32_t* counts = memory_.low;
  const int stride = 4 * static_cast<int>(group_.size());
  for (int i = 4 * static_cast<int>(group_.rank()); i < size_; i += stride) {
    store_vector(reinterpret_cast<uint4*>(counts + i), make_uint4(0, 0, 0, 0));
  }
  group_.sync();
  const std::int32_t* window = args_.window + row_ * args_.window_slots;
  for (std::int64_t slot = group_.rank(); slot < args_.window_slots; slot += group_.size()) {
    const std::int32_t token = window[slot];
    if (token >= 0 && token < size_) atomicAdd(counts + token, 1U);
  }
  group_.sync();
}

/// Bias, penalties, temperature; a token that is not allowed gets -inf.
template <typename Group>
__device__ Quad Row<Group>::process_quad(int i, bool penalize) const {
  Quad x = load_logits(i);
  if (args_.bias != nullptr) {
    for_tokens(i, [&](int token, int j) { x.value[j] = exact_add(x.value[j], args_.bias[token]); });
  }
  if (penalize) {
    for_tokens(i, [&](int token, int j) {
      const std::uint32_t occurrences = memory_.low[token];
      if (occurrences > 0) x.value[j] = draw::penalize(x.value[j], occurrences, params_);
    });
  }
  // Where 1/T is neither 0 nor infinite, infinities stay what they are in any case.
  if (params_.greedy == 0 && params_.inverse_temperature > 0.0F) {
#pragma unroll
    for (float& y : x.value) y = exact_mul(y, params_.inverse_temperature);
  } else if (params_.greedy == 0) {
#pragma unroll
    for (float& y : x.value) y = draw::temper(y, 0.0F);
  }
  if (args_.allowed != nullptr) {
    const std::uint32_t word = args_.allowed[row_ * ((size_ + 31) / 32) + i / 32];
    for_tokens(i, [&](int, int j) {
      if ((word >> (i % 32 + j) & 1U) == 0) x.value[j] = -kInfinity;
    });
  }
  return x;
}

template <typename Group>
__device__ std::uint32_t Row<Group>::process() {
  const bool penalize = group_.some(penalized());
  if (penalize) count_window();
  bool nan = false;
  float largest = -kInfinity;
  const int stride = 4 * static_cast<int>(group_.size());
  for (int i = 4 * static_cast<int>(group_.rank()); i < size_; i += stride) {
    Quad x = process_quad(i, penalize);
#pragma unroll
    for (float& value : x.value) {
      nan = nan || !(value == value);
      value = value > -kInfinity ? value : -kInfinity;
      largest = fmaxf(largest, value);
    }
    store_quad(memory_.x + i, x);
  }
  std::uint32_t status = group_.any(nan) ? kSampleNan : kSampleOk;
  maximum_ = from_ordered(group_.max(ordered(largest)));
  if (maximum_ == kInfinity) {
    status |= kSampleInfinite;
    maximum_ = 0.0F;
    for_quads([&](int i, Quad x) {
      for (float& value : x.value) value = value == kInfinity ? 0.0F : -kInfinity;
      store_quad(memory_.x + i, x);
    });
  }
  return status;
}

template <typename Group>
__device__ std::int32_t Row<Group>::first_maximum() {
  std::uint32_t first = 0xFFFFFFFFU;
  for_quads([&](int i, const Quad& x) {
#pragma unroll
    for (int j = 3; j >= 0; --j) {
      if (x.value[j] == maximum_ && first > static_cast<std::uint32_t>(i + j)) {
        first = static_cast<std::uint32_t>(i + j);
      }
    }
  });
  return static_cast<std::int32_t>(group_.min(first));
}

template <typename Group>
__device__ Mass Row<Group>::mass(bool with_surprise) {
  Mass sum;
  for_quads([&](int, const Quad& x) {
#pragma unroll
    for (const float value : x.value) {
      const float d = exact_add(value, -maximum_);
      const std::uint64_t w = draw::weight(d);
      sum.total += w;
      if (with_surprise) sum.surprise += draw::surprise(w, d);
    }
  });
  sum.total = group_.sum(sum.total);
  if (with_surprise) sum.surprise = group_.sum(sum.surprise);
  return sum;
}

template <typename Group>
__device__ std::uint64_t Row<Group>::weigh() {
  std::uint64_t total = 0;
  for_quads([&](int i, const Quad& x) {
    std::uint32_t high[4];
    std::uint32_t low[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::uint64_t w = draw::weight(exact_add(x.value[j], -maximum_));
      total += w;
      high[j] = static_cast<std::uint32_t>(w >> kPartBits);
      low[j] = static_cast<std::uint32_t>(w) & ((1U << kPartBits) - 1);
    }
    store_vector(reinterpret_cast<uint4*>(memory_.high + i),
                 make_uint4(high[0], high[1], high[2], high[3]));
    store_vector(reinterpret_cast<uint4*>(memory_.low + i),
                 make_uint4(low[0], low[1], low[2], low[3]));
  });
  return group_.sum(total);
}

template <typename Group>
template <typename Keep>
__device__ void Row<Group>::drop_unless(const Keep& keep) {
  for_quads([&](int i, Quad x) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (!keep(x.value[j], i + j)) x.value[j] = -kInfinity;
    }
    store_quad(memory_.x + i, x);
  });
}

template <typename Group>
template <typename Matches>
__device__ std::uint32_t Row<Group>::count(const Matches& matches) {
  std::uint32_t matched = 0;
  for_quads([&](int i, const Quad& x) {
#pragma unroll
    for (int j = 0; j < 4; ++j) matched += matches(x.value[j], i + j) ? 1 : 0;
  });
  return group_.sum(matched);
}

template <typename Group>
__device__ float Row<Group>::raw_log_probability(std::int32_t token) {
  float largest = -kInfinity;
  const int stride = 4 * static_cast<int>(group_.size());
  const int begin = 4 * static_cast<int>(group_.rank());
  for (int i = begin; i < size_; i += stride) {
    const Quad x = load_logits(i);
#pragma unroll
    for (const float value : x.value) largest = fmaxf(largest, value);  // passes over NaN
  }
  largest = from_ordered(group_.max(ordered(largest)));
  const bool infinite = largest == kInfinity;
  const auto d_of = [&](float x) {
    if (infinite) return x == kInfinity ? 0.0F : -kInfinity;
    return x > -kInfinity ? exact_add(x, -largest) : -kInfinity;
  };
  std::uint64_t total = 0;
  for (int i = begin; i < size_; i += stride) {
    const Quad x = load_logits(i);
#pragma unroll
    for (const float value : x.value) total += draw::weight(d_of(value));
  }
  total = group_.sum(total);
  const float x = logits_[token];
  const bool candidate = infinite ? x == kInfinity : x > -kInfinity;
  return candidate ? draw::log_probability(d_of(x), total) : -kInfinity;
}

}  // namespace cadenza::kernels
