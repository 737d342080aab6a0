// SPDX-License-Identifier: Apache-2.0
// Steps 3 and 4 of docs/sampling.md: the candidate with the largest score x + noise. One Philox
// call serves the 4 tokens of a quad. Noise itself is computed only for the few tokens whose
// bounds let them win (kernels/noise_floor.h), in nearly all threads for none.
#pragma once

#include "kernels/noise_floor.h"
#include "kernels/sample_row.cuh"

namespace cadenza::kernels {

/// A quad of tokens before its noise is known.
struct Contest {
  int first = 0;            ///< id of its first token
  float best = -kInfinity;  ///< largest of `floor`
  float floor[4] = {};      ///< score_floor() of each
  std::uint32_t word[4] = {};
  bool has_tail = false;  ///< a word needs its extension
};

/// The floor of a tail word is that of the least word that is none: a bound as well.
__device__ inline Contest contest(int first, const Quad& x, const draw::NoiseKey& key,
                                  const PhiloxKeys& keys) {
  const auto item = static_cast<std::uint32_t>(first);
  const PhiloxCounter words =
      philox(random_counter({RandomPurpose::sample, key.sequence, key.step, item}), keys);
  Contest c;
  c.first = first;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const bool is_tail = words.word[j] < draw::kTailWords;
    c.has_tail = c.has_tail || is_tail;
    c.word[j] = is_tail ? draw::kTailWords : words.word[j];
    c.floor[j] = score_floor(x.value[j], c.word[j]);
    c.best = fmaxf(c.best, c.floor[j]);
  }
  return c;
}

/// The token of a quad with the largest floor, and the next largest floor.
struct Leader {
  int token = 0;
  std::uint32_t word = 0;
  float floor = -kInfinity;
  float second = -kInfinity;
};

__device__ inline Leader leader_of(const Contest& c) {
  Leader leader;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    const bool better = c.floor[j] > leader.floor;
    leader.second = fmaxf(leader.second, better ? leader.floor : c.floor[j]);
    leader.floor = better ? c.floor[j] : leader.floor;
    leader.word = better ? c.word[j] : leader.word;
    leader.token = better ? c.first + j : leader.token;
  }
  return leader;
}

/// The scores of this thread's tokens that are not beaten, one by one.
template <typename Group>
__device__ Best Row<Group>::best_above(float bar, const draw::NoiseKey& key) const {
  Best best;
  for_quads([&](int i, const Quad& x) {
    const Contest c = contest(i, x, key, keys_);
    unsigned open = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if (x.value[j] > -kInfinity && (c.floor[j] >= bar || c.has_tail)) open |= 1U << j;
    }
    while (open != 0) {
      const int token = i + __ffs(static_cast<int>(open)) - 1;
      const auto id = static_cast<std::uint32_t>(token);
      best.offer(exact_add(memory_.x[token], draw::token_noise(key, id)), id);
      open &= open - 1;
    }
  });
  return best;
}

template <typename Group>
__device__ std::int32_t Row<Group>::winner() {
  const draw::NoiseKey key = noise_key();
  Contest leading;
  float second = -kInfinity;  // best floor of the other quads
  bool has_tail = false;
  for_quads([&](int i, const Quad& x) {
    const Contest c = contest(i, x, key, keys_);
    has_tail = has_tail || c.has_tail;
    second = fmaxf(second, fminf(leading.best, c.best));
    if (c.best > leading.best) leading = c;
  });
  const float bar = losing_floor(from_ordered(group_.max(ordered(leading.best))));
  const Leader leader = leader_of(leading);
  Best best;
  if (has_tail || fmaxf(second, leader.second) >= bar) {
    best = best_above(bar, key);
  } else if (leader.floor >= bar) {
    const float noise = draw::gumbel(draw::unit(leader.word));
    best = {exact_add(memory_.x[leader.token], noise), static_cast<std::uint32_t>(leader.token)};
  }
  const float score = from_ordered(group_.max(ordered(best.score)));
  return static_cast<std::int32_t>(group_.min(best.score == score ? best.token : 0xFFFFFFFFU));
}

}  // namespace cadenza::kernels
