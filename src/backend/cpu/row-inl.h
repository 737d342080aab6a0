// SPDX-License-Identifier: Apache-2.0
// One row of sample_rows(): its working memory and the steps over it. Included once per instruction
// set by Highway's foreach_target.

#if defined(CADENZA_BACKEND_CPU_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CADENZA_BACKEND_CPU_ROW_INL_H_
#undef CADENZA_BACKEND_CPU_ROW_INL_H_
#else
#define CADENZA_BACKEND_CPU_ROW_INL_H_
#endif

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "backend/cpu/draw-inl.h"
#include "backend/cpu/sampler.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu {
namespace HWY_NAMESPACE {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Highway's MaxOfLanes() starts from the lowest finite float on the portable target.
inline float LargestLane(Floats x) {
  const FloatTag df;
  HWY_ALIGN float lanes[16];
  hn::Store(x, df, lanes);
  return *std::max_element(lanes, lanes + hn::Lanes(df));
}

/// Tokens strictly before this place of an order: larger value, then lower id.
struct Place {
  float value = -kInfinity;
  std::int32_t token = 0;
};

struct Above {
  std::uint64_t count = 0;
  std::uint64_t mass = 0;
};

class RowState {
 public:
  RowState(const SampleRow& row, SampleScratch& scratch)
      : row_(row),
        params_(row.params),
        key_{row.seed, row.sequence, row.step},
        size_(row.logits.size()),
        padded_((size_ + SampleScratch::kPadding - 1) / SampleScratch::kPadding *
                SampleScratch::kPadding),
        scratch_(scratch),
        x_(scratch.x.data()),
        score_(scratch.score.data()),
        high_(scratch.high.data()),
        low_(scratch.low.data()) {}

  std::uint32_t Process();
  std::int32_t FirstMaximum() const;
  std::int32_t Draw();
  void Score(SampleResult& result) const;
  float RawLogProbability(std::int32_t token);

  float maximum = -kInfinity;

 private:
  void AddBias();
  void Penalize();
  std::uint32_t TemperAndMask();
  void KeepInfinite(float* x);
  void Weigh();
  Above Before(const float* order, Place place) const;
  std::uint64_t Total() const { return Before(x_, {}).mass; }
  std::uint64_t SurpriseSum() const;
  void KeepPrefix(const float* order, float top, Above limit);
  std::span<std::int32_t> Inside(const float* order, float low, float high) const;
  void DropUpTo(const float* order, float low);
  void KeepMinP();
  void KeepTypical();
  void ComputeScores();
  std::int32_t Winner(Place alive) const;
  std::int32_t DrawByLoop(Above limit) const;

  const SampleRow& row_;
  const RowSampling& params_;
  const draw::NoiseKey key_;
  const std::size_t size_;
  const std::size_t padded_;
  SampleScratch& scratch_;
  float* const x_;
  float* const score_;
  std::uint32_t* const high_;
  std::uint32_t* const low_;
};

inline void RowState::AddBias() {
  const FloatTag df;
  const std::size_t lanes = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + lanes <= row_.bias.size(); i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(df, x_ + i), hn::LoadU(df, row_.bias.data() + i)), df, x_ + i);
  }
  for (; i < row_.bias.size(); ++i) x_[i] = exact_add(x_[i], row_.bias[i]);
}

inline void RowState::Penalize() {
  std::vector<std::uint32_t>& counts = scratch_.counts;
  const auto in_row = [this](std::int32_t token) {
    return token >= 0 && static_cast<std::size_t>(token) < size_;
  };
  for (const std::int32_t token : row_.window) {
    if (in_row(token)) ++counts[static_cast<std::size_t>(token)];
  }
  for (const std::int32_t token : row_.window) {
    if (!in_row(token)) continue;
    const auto i = static_cast<std::size_t>(token);
    if (counts[i] > 0) x_[i] = draw::penalize(x_[i], counts[i], params_);
    counts[i] = 0;
  }
}

inline std::uint32_t RowState::TemperAndMask() {
  const FloatTag df;
  const WordTag du;
  const std::size_t lanes = hn::Lanes(df);
  const Floats infinity = hn::Set(df, kInfinity);
  const Floats none = hn::Set(df, -kInfinity);
  const Floats factor = hn::Set(df, params_.greedy != 0 ? 1.0F : params_.inverse_temperature);
  const Words lane_bit = hn::Shl(hn::Set(du, 1), hn::Iota(du, 0));
  Floats largest = none;
  FloatMask nan = hn::MaskFromVec(hn::Zero(df));
  for (std::size_t i = 0; i < padded_; i += lanes) {
    Floats x = hn::LoadU(df, x_ + i);
    x = hn::IfThenElse(hn::Lt(hn::Abs(x), infinity), hn::Mul(x, factor), x);
    if (!row_.allowed.empty() && i < size_) {
      const Words word = hn::Set(du, row_.allowed[i >> 5] >> (i & 31));
      const auto allowed = hn::TestBit(word, lane_bit);
      x = hn::IfThenElse(hn::RebindMask(df, allowed), x, none);
    }
    nan = hn::Or(nan, hn::IsNaN(x));
    x = hn::IfThenElse(hn::Gt(x, none), x, none);
    largest = hn::Max(largest, x);
    hn::StoreU(x, df, x_ + i);
  }
  maximum = LargestLane(largest);
  return hn::AllFalse(df, nan) ? kSampleOk : kSampleNan;
}

inline void RowState::KeepInfinite(float* x) {
  for (std::size_t i = 0; i < padded_; ++i) x[i] = x[i] == kInfinity ? 0.0F : -kInfinity;
}

inline std::uint32_t RowState::Process() {
  std::memcpy(x_, row_.logits.data(), size_ * sizeof(float));
  std::fill(x_ + size_, x_ + padded_, -kInfinity);
  AddBias();
  Penalize();
  std::uint32_t status = TemperAndMask();
  if (maximum == kInfinity) {
    status |= kSampleInfinite;
    KeepInfinite(x_);
    maximum = 0.0F;
  }
  return status;
}

inline std::int32_t RowState::FirstMaximum() const {
  return static_cast<std::int32_t>(std::find(x_, x_ + size_, maximum) - x_);
}

inline void RowState::Weigh() {
  const FloatTag df;
  const WordTag du;
  const Floats top = hn::Set(df, maximum);
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const WeightParts w = Weight(hn::Sub(hn::LoadU(df, x_ + i), top));
    hn::StoreU(w.high, du, high_ + i);
    hn::StoreU(w.low, du, low_ + i);
  }
}

/// Counts the candidates that come strictly before `place` in the order, and their mass.
inline Above RowState::Before(const float* order, Place place) const {
  const FloatTag df;
  const WordTag du;
  const IntTag di;
  const std::size_t lanes = hn::Lanes(df);
  const Floats value = hn::Set(df, place.value);
  const Ints token = hn::Set(di, place.token);
  Above above;
  // Parts stay below 2^20 + 1, so 2^11 of them fit a lane.
  for (std::size_t start = 0; start < padded_; start += lanes << 11) {
    const std::size_t end = std::min(padded_, start + (lanes << 11));
    Words high = hn::Zero(du);
    Words low = hn::Zero(du);
    for (std::size_t i = start; i < end; i += lanes) {
      const Floats v = hn::LoadU(df, order + i);
      const Ints id = hn::Iota(di, static_cast<std::int32_t>(i));
      const auto before = hn::Or(hn::Gt(v, value),
                                 hn::And(hn::Eq(v, value), hn::RebindMask(df, hn::Lt(id, token))));
      above.count += hn::CountTrue(df, before);
      const auto mask = hn::RebindMask(du, before);
      high = hn::Add(high, hn::IfThenElseZero(mask, hn::LoadU(du, high_ + i)));
      low = hn::Add(low, hn::IfThenElseZero(mask, hn::LoadU(du, low_ + i)));
    }
    above.mass += SumParts(high, low);
  }
  return above;
}

inline std::uint64_t RowState::SurpriseSum() const {
  const FloatTag df;
  const WordTag du;
  const Floats top = hn::Set(df, maximum);
  Wide sum = hn::Zero(WideTag());
  for (std::size_t i = 0; i < padded_; i += hn::Lanes(df)) {
    const WeightParts w = {hn::LoadU(du, high_ + i), hn::LoadU(du, low_ + i)};
    const Floats x = hn::LoadU(df, x_ + i);
    const auto candidate = hn::RebindMask(du, hn::Gt(x, hn::Set(df, -kInfinity)));
    const Wide part =
        Surprise({hn::IfThenElseZero(candidate, w.high), hn::IfThenElseZero(candidate, w.low)},
                 hn::Sub(x, top));
    sum = hn::Add(sum, part);
  }
  return hn::GetLane(hn::SumOfLanes(WideTag(), sum));
}

}  // namespace HWY_NAMESPACE
}  // namespace cadenza::cpu
HWY_AFTER_NAMESPACE();

#endif
