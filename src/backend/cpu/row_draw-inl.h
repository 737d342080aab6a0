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
#include <span>

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

/// A float strictly between, if there is one: the mean, or the middle of the floats, which halves
/// the interval whatever the values are.
inline float Between(float low, float high, bool by_value) {
  const float mean = low / 2 + high / 2;
  if (by_value && low < mean && mean < high) return mean;
  const std::int64_t sum = std::int64_t{OrderedBits(low)} + OrderedBits(high);
  return FromOrderedBits(static_cast<std::int32_t>(sum >> 1));
}

/// Keeps the tokens before which the order has less than `limit` in count and mass. The boundary
/// lies in (low, high]; bisection narrows that to a few tokens, which are then put in order.
inline void RowState::KeepPrefix(const float* order, float top, Above limit) {
  constexpr std::uint64_t kFew = 16;
  constexpr float kProbe = 32.0F;  // nearly always below the boundary, as weights 28 down are 0
  const auto within = [limit](const Above& above) {
    return above.count < limit.count && above.mass < limit.mass;
  };
  constexpr int kSteps = 12;  // by value; then by bits, which ends after 32 more
  float low = -kInfinity;
  float high = top;
  Above above_low = Before(order, {low, 0});
  Above above_high;
  if (within(above_low)) return;
  float middle = exact_add(top, -kProbe);
  for (int step = 0; above_low.count - above_high.count > kFew; ++step) {
    if (!(low < middle && middle < high)) break;
    const Above above = Before(order, {middle, 0});
    (within(above) ? high : low) = middle;
    (within(above) ? above_high : above_low) = above;
    middle = Between(low, high, step < kSteps);
  }
  const std::span<std::int32_t> close = Inside(order, low, high);
  std::sort(close.begin(), close.end(), [this, order](std::int32_t a, std::int32_t b) {
    if (order[a] != order[b]) return order[a] > order[b];
    return x_[a] != x_[b] ? x_[a] > x_[b] : a < b;
  });
  std::size_t kept = 0;
  Above above = above_high;
  for (; kept < close.size() && within(above); ++kept) {
    const std::int32_t token = close[kept];
    ++above.count;
    above.mass += (std::uint64_t{high_[token]} << 20) + low_[token];
  }
  DropUpTo(order, low);
  for (; kept < close.size(); ++kept) x_[close[kept]] = -kInfinity;
}

/// The tokens whose value in the order lies in (low, high], by id; valid until the next call.
inline std::span<std::int32_t> RowState::Inside(const float* order, float low, float high) const {
  const FloatTag df;
  const IntTag di;
  const Floats lower = hn::Set(df, low);
  const Floats upper = hn::Set(df, high);
  std::size_t count = 0;
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const Floats v = hn::LoadU(df, order + i);
    const auto inside = hn::RebindMask(di, hn::And(hn::Gt(v, lower), hn::Le(v, upper)));
    const Ints id = hn::Iota(di, static_cast<std::int32_t>(i));
    count += hn::CompressStore(id, inside, di, scratch_.inside.data() + count);
  }
  return std::span(scratch_.inside).first(count);
}

/// Drops what lies at or below `low` in the order.
inline void RowState::DropUpTo(const float* order, float low) {
  const FloatTag df;
  const Floats bound = hn::Set(df, low);
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const Floats x = hn::LoadU(df, x_ + i);
    const auto keep = hn::Gt(hn::LoadU(df, order + i), bound);
    hn::StoreU(hn::IfThenElse(keep, x, hn::Set(df, -kInfinity)), df, x_ + i);
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
  const FloatTag df;
  const Floats none = hn::Set(df, -kInfinity);
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const Floats x = hn::LoadU(df, x_ + i);
    const Floats difference =
        hn::Add(hn::Sub(x, hn::Set(df, maximum)), hn::Set(df, mean));  // draw::atypicality()
    const Floats order = hn::IfThenElse(hn::Gt(x, none), hn::Neg(hn::Abs(difference)), none);
    hn::StoreU(order, df, score_ + i);
  }
  KeepPrefix(score_, 0.0F, {kNoLimit, draw::mass_limit(params_.typical_p, total)});
}

/// Where all are masked, the scores stay what they were: Winner() looks at candidates only.
inline void RowState::ComputeScores() {
  const FloatTag df;
  const WideTag dw;
  const std::size_t lanes = hn::Lanes(df);
  const Wide offsets = CounterOffsets();
  const Floats none = hn::Set(df, -kInfinity);
  for (std::size_t i = 0; i < padded_; i += 2 * lanes) {
    const std::size_t next = i + lanes;
    const Floats x0 = hn::LoadU(df, x_ + i);
    const Floats x1 = hn::LoadU(df, x_ + next);
    if (hn::AllFalse(df, hn::Gt(hn::Max(x0, x1), none))) continue;
    const WordPair words = Philox(hn::Add(offsets, hn::Set(dw, i / 4)), key_);
    hn::StoreU(Scores(x0, words.first, key_, i), df, score_ + i);
    hn::StoreU(Scores(x1, words.second, key_, next), df, score_ + next);
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
  const FloatTag df;
  const Floats none = hn::Set(df, -kInfinity);
  Floats largest = none;
  std::memcpy(x_, row_.logits.data(), size_ * sizeof(float));
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    Floats x = hn::LoadU(df, x_ + i);
    x = hn::IfThenElse(hn::Gt(x, none), x, none);
    largest = hn::Max(largest, x);
    hn::StoreU(x, df, x_ + i);
  }
  maximum = LargestLane(largest);
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
