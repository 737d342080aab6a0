// SPDX-License-Identifier: Apache-2.0
// Filters, winner and outputs of RowState. Included once per instruction set by Highway's
// foreach_target.

#if defined(CADENZA_BACKEND_CPU_ROW_DRAW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_ROW_DRAW_INL_H_
#undef CADENZA_BACKEND_CPU_ROW_DRAW_INL_H_
#else
#define CADENZA_BACKEND_CPU_ROW_DRAW_INL_H_
#endif

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "backend/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu {
namespace HWY_NAMESPACE {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Maps floats to integers of the same order, and back.
inline std::int32_t OrderedBits(float x) {
  const auto bits = static_cast<std::int32_t>(float_bits(x));
  return bits ^ ((bits >> 31) & 0x7FFFFFFF);
}
inline float FromOrderedBits(std::int32_t ordered) {
  return bits_float(static_cast<std::uint32_t>(ordered ^ ((ordered >> 31) & 0x7FFFFFFF)));
}

/// Keeps the tokens before which the order has less than `limit` in count and mass. The value at
/// the boundary is found by bisection over the floats up to `top`, the largest value of the order;
/// tokens of that very value are taken by rank.
inline void RowState::KeepPrefix(const float* order, float top, Above limit) {
  const auto within = [limit](const Above& above) {
    return above.count < limit.count && above.mass < limit.mass;
  };
  std::int64_t low = OrderedBits(-std::numeric_limits<float>::max());
  std::int64_t high = OrderedBits(top);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const float value = FromOrderedBits(static_cast<std::int32_t>(middle));
    if (within(Before(order, {value, 0}))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const float boundary = FromOrderedBits(static_cast<std::int32_t>(high));
  Above above = Before(order, {boundary, 0});
  std::vector<std::size_t> ties;
  for (std::size_t i = 0; i < size_; ++i) {
    if (order[i] == boundary) ties.push_back(i);
  }
  std::stable_sort(ties.begin(), ties.end(),
                   [this](std::size_t a, std::size_t b) { return x_[a] > x_[b]; });
  for (std::size_t i = 0; i < size_; ++i) {
    if (order[i] < boundary) x_[i] = -kInfinity;
  }
  for (const std::size_t i : ties) {
    if (!within(above)) x_[i] = -kInfinity;
    ++above.count;
    above.mass += (std::uint64_t{high_[i]} << 20) + low_[i];
  }
}

inline void RowState::KeepMinP() {
  const FloatTag df;
  const Floats none = hn::Set(df, -kInfinity);
  const Floats lowest = hn::Set(df, exact_add(maximum, params_.log_min_p));
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const Floats x = hn::LoadU(df, x_ + i);
    hn::StoreU(hn::IfThenElse(hn::Ge(x, lowest), x, none), df, x_ + i);
  }
}

inline void RowState::KeepTypical() {
  const std::uint64_t total = Total();
  const float mean = draw::mean_surprise(SurpriseSum(), total);
  for (std::size_t i = 0; i < padded_; ++i) {
    score_[i] =
        x_[i] == -kInfinity ? -kInfinity : -draw::atypicality(exact_add(x_[i], -maximum), mean);
  }
  KeepPrefix(score_, 0.0F, {kNoLimit, draw::mass_limit(params_.typical_p, total)});
}

inline void RowState::ComputeScores() {
  const FloatTag df;
  const WideTag dw;
  const std::size_t lanes = hn::Lanes(df);
  const Wide offsets = CounterOffsets();
  for (std::size_t i = 0; i < padded_; i += 2 * lanes) {
    const WordPair words = Philox(hn::Add(offsets, hn::Set(dw, i / 4)), key_);
    hn::StoreU(Scores(hn::LoadU(df, x_ + i), words.first, key_, i), df, score_ + i);
    const std::size_t next = i + lanes;
    hn::StoreU(Scores(hn::LoadU(df, x_ + next), words.second, key_, next), df, score_ + next);
  }
}

/// The largest score, then lowest id, of the candidates that rank before `alive`.
inline std::int32_t RowState::Winner(Place alive) const {
  const FloatTag df;
  const IntTag di;
  const std::size_t lanes = hn::Lanes(df);
  const Floats value = hn::Set(df, alive.value);
  const Ints token = hn::Set(di, alive.token);
  Floats best = hn::Set(df, -kInfinity);
  Ints best_id = hn::Set(di, std::numeric_limits<std::int32_t>::max());
  for (std::size_t i = 0; i < padded_; i += lanes) {
    const Floats x = hn::LoadU(df, x_ + i);
    const Floats score = hn::LoadU(df, score_ + i);
    const Ints id = hn::Iota(di, static_cast<std::int32_t>(i));
    const auto before =
        hn::Or(hn::Gt(x, value), hn::And(hn::Eq(x, value), hn::RebindMask(df, hn::Lt(id, token))));
    const auto better = hn::And(before, hn::Gt(score, best));
    best = hn::IfThenElse(better, score, best);
    best_id = hn::IfThenElse(hn::RebindMask(di, better), id, best_id);
  }
  HWY_ALIGN float scores[16];
  HWY_ALIGN std::int32_t ids[16];
  hn::Store(best, df, scores);
  hn::Store(best_id, di, ids);
  std::size_t winner = 0;
  for (std::size_t i = 1; i < lanes; ++i) {
    if (scores[i] > scores[winner] || (scores[i] == scores[winner] && ids[i] < ids[winner])) {
      winner = i;
    }
  }
  return ids[winner];
}

/// Takes the winner of all; while a filter drops it, the winner of those ranked before it.
inline std::int32_t RowState::DrawByLoop(Above limit) const {
  Place alive;
  for (;;) {
    const std::int32_t token = Winner(alive);
    const Place place = {x_[token], token};
    const Above above = Before(x_, place);
    if (above.count < limit.count && above.mass < limit.mass) return token;
    alive = place;
  }
}

inline std::int32_t RowState::Draw() {
  const bool top_k = params_.top_k > 0 && static_cast<std::size_t>(params_.top_k) < size_;
  const bool top_p = params_.top_p != 0;
  const bool typical = params_.typical_p != 0;
  if (top_p || typical || row_.scores) Weigh();
  // The loop tests one filter on the winner alone; outputs and later filters need the kept set.
  const bool loop = (top_k != top_p) && !typical && !row_.scores;
  Above limit = {top_k ? static_cast<std::uint64_t>(params_.top_k) : kNoLimit, kNoLimit};
  if (top_k && !loop) {
    KeepPrefix(x_, maximum, limit);
    limit.count = kNoLimit;
  }
  if (top_p) {
    limit.mass = draw::mass_limit(params_.top_p, Total());
    if (!loop) KeepPrefix(x_, maximum, limit);
  }
  if (params_.has_min_p != 0) KeepMinP();
  if (typical) KeepTypical();
  ComputeScores();
  return loop ? DrawByLoop(limit) : Winner({});
}

inline void RowState::Score(SampleResult& result) const {
  const std::uint64_t total = Total();
  result.log_probability = draw::log_probability(exact_add(x_[result.token], -maximum), total);
  result.entropy = draw::entropy(SurpriseSum(), total);
}

/// Of the logits as given. Uses the row's working memory: nothing else may follow.
inline float RowState::RawLogProbability(std::int32_t token) {
  maximum = -kInfinity;
  for (std::size_t i = 0; i < size_; ++i) {
    x_[i] = row_.logits[i] > -kInfinity ? row_.logits[i] : -kInfinity;
    maximum = std::max(maximum, x_[i]);
  }
  if (maximum == kInfinity) {
    KeepInfinite(x_);
    maximum = 0.0F;
  }
  if (x_[token] == -kInfinity) return -kInfinity;
  Weigh();
  return draw::log_probability(exact_add(x_[token], -maximum), Total());
}

}  // namespace HWY_NAMESPACE
}  // namespace cadenza::cpu
HWY_AFTER_NAMESPACE();

#endif
