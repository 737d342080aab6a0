// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/products.h"

#include <algorithm>
#include <cmath>
#include <limits>

#define CADENZA_WITH_AVX3_DL
#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/products.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/codes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

std::int64_t bytes_of_integers(Precision format, std::int64_t depth) {
  std::int64_t bytes = 0;
  with_integers(format, [&](auto integers) HWY_ATTR {
    using F = decltype(integers);
    bytes = padded_depth<F>(depth) * kWidth * std::int64_t{sizeof(typename F::Weight)};
  });
  return bytes;
}

std::int64_t panel_bytes_of(Precision format, std::int64_t depth) {
  switch (format) {
    case Precision::bf16:
      return (depth + 1) / 2 * kWidth * 4;
    case Precision::int24:
    case Precision::int16:
    case Precision::int8:
      return bytes_of_integers(format, depth);
    default:
      return depth * kWidth * 4;
  }
}

std::int64_t code_bytes_of(Precision format) {
  std::int64_t bytes = 0;
  with_integers(format, [&](auto integers) { bytes = sizeof(typename decltype(integers)::Code); });
  return bytes;
}

float unit_step_of(Precision format) {
  float step = 0.0F;
  with_integers(format, [&](auto integers) { step = 1.0F / decltype(integers)::kLevels; });
  return step;
}

bool has_tiles() { return kAmx && amx_ready(); }

struct Extent {
  float most;        ///< greatest magnitude
  double magnitude;  ///< sum of magnitudes, the same bits on every target
};

Extent extent_of(const float* x, std::int64_t count) {
  constexpr std::int64_t kParts = 16;  // sums side by side: a vector on the widest target
  const Real d;
  Vector most = hn::Zero(d);
  Vector sums[kParts / kLanes];
  for (Vector& sum : sums) sum = hn::Zero(d);
  std::int64_t k = 0;
  for (; k + kParts <= count; k += kParts) {
    for (std::int64_t part = 0; part < kParts / kLanes; ++part) {
      const Vector magnitude = hn::Abs(hn::LoadU(d, x + k + part * kLanes));
      most = hn::Max(most, magnitude);
      sums[part] = hn::Add(sums[part], magnitude);
    }
  }
  HWY_ALIGN float parts[kParts];
  for (std::int64_t part = 0; part < kParts / kLanes; ++part) {
    hn::Store(sums[part], d, parts + part * kLanes);
  }
  Extent extent{hn::GetLane(hn::MaxOfLanes(d, most)), 0.0};
  for (; k < count; ++k) {
    const float magnitude = std::fabs(x[k]);
    extent.most = std::max(extent.most, magnitude);
    extent.magnitude += magnitude;
  }
  for (const float part : parts) extent.magnitude += part;
  return extent;
}

/// The greatest sum of the magnitudes of inputs 2i and 2i + 1.
float most_of_neighbours(const float* x, std::int64_t count) {
  float most = count % 2 == 0 ? 0.0F : std::fabs(x[count - 1]);
  for (std::int64_t k = 0; k + 1 < count; k += 2) {
    most = std::max(most, std::fabs(x[k]) + std::fabs(x[k + 1]));
  }
  return most;
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What a code of 1 stands for in a row of weights; NaN where one is not finite, or two neighbours
/// of which kBoundsPairs are not together.
template <class F>
float weight_step(const float* weights, std::int64_t depth) {
  // The rounding of each code may add a half to the sum, and the sum itself was rounded.
  constexpr double kMostSum = 262143.0 - 128.0;
  const Extent extent = extent_of(weights, depth);
  if (!std::isfinite(extent.magnitude)) return kNan;
  const float most = F::kBoundsPairs ? most_of_neighbours(weights, depth) : extent.most;
  if (!std::isfinite(most)) return kNan;
  double least = most / F::kMostWeight;
  if (F::kOneSum) {
    least = std::max(least, extent.magnitude / (kMostSum - 0.5 * static_cast<double>(depth)));
  }
  const auto step = static_cast<float>(least);
  return step > 0.0F ? std::max(step, kLeastStep) : 1.0F;
}

/// The words of a panel that are made together.
constexpr std::int64_t kChunkWords = 64;

/// Where the words of all units come to lie side by side. `words` are [W, kChunkWords].
void store_words(const std::int32_t* words, std::int64_t count, std::int32_t* panel) {
  transpose(reinterpret_cast<const float*>(words), kChunkWords, kWidth, count,
            reinterpret_cast<float*>(panel), kWidth);
}

/// Codes of the weights from k on of a unit, as many as fit a chunk, the rest 0; their sum.
template <class F>
std::int32_t encode_weights(const float* weights, std::int64_t count, float step,
                            std::int32_t* words) {
  constexpr Words d;
  constexpr std::int32_t kOnes = F::kInWord == 2 ? 0x00010001 : 0x01010101;
  auto* const codes = reinterpret_cast<typename F::Weight*>(words);
  std::fill_n(words, kChunkWords, 0);
  for_each_vector(count, [&](auto floats, std::int64_t i) HWY_ATTR {
    const hn::Rebind<typename F::Weight, decltype(floats)> narrow;
    const auto rounded = round_codes(floats, hn::LoadU(floats, weights + i), 1.0F / step);
    hn::StoreU(hn::DemoteTo(narrow, rounded), narrow, codes + i);
  });
  WordVector sum = hn::Zero(d);
  for (std::int64_t word = 0; word < kChunkWords; word += kLanes) {
    const WordVector some = hn::Load(d, words + word);
    if constexpr (F::kZero != 0) sum = F::add(sum, hn::Set(d, kOnes), some);
    hn::Store(F::arrange(some), d, words + word);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class F>
void pack_integers(const PanelSource& from, std::byte* panel, float* steps, std::int32_t* offsets) {
  HWY_ALIGN std::int32_t chunk[kWidth * kChunkWords] = {};
  for (std::int64_t unit = 0; unit < kWidth; ++unit) {
    const bool there = unit < from.units;
    steps[unit] = there ? weight_step<F>(from.data + unit * from.depth, from.depth) : 0.0F;
    offsets[unit] = 0;
  }
  const std::int64_t words = padded_depth<F>(from.depth) / F::kInWord;
  for (std::int64_t word = 0; word < words; word += kChunkWords) {
    const std::int64_t k = word * F::kInWord;
    const std::int64_t count = std::min(kChunkWords * F::kInWord, from.depth - k);
    for (std::int64_t unit = 0; unit < from.units; ++unit) {
      offsets[unit] -= F::kZero * encode_weights<F>(from.data + unit * from.depth + k, count,
                                                    steps[unit], chunk + unit * kChunkWords);
    }
    store_words(chunk, std::min(kChunkWords, words - word),
                reinterpret_cast<std::int32_t*>(panel) + word * kWidth);
  }
}

template <class F>
void pack_digits(const PanelSource& from, std::byte* panel, float* steps, std::int32_t* offsets) {
  const Real d;
  HWY_ALIGN float rows[kDigitBlock][kWidth] = {};
  HWY_ALIGN float inverses[kWidth] = {};
  for (std::int64_t unit = 0; unit < kWidth; ++unit) {
    steps[unit] = 0.0F;
    if (unit >= from.units) continue;
    const float step = weight_step<F>(from.data + unit * from.depth, from.depth);
    inverses[unit] = 1.0F / step;
    steps[unit] = step * F::kUnitOfSum;
  }
  WordVector sums[2][F::kDigits];
  for (WordVector& sum : sums[0]) sum = hn::Zero(Words());
  for (WordVector& sum : sums[1]) sum = hn::Zero(Words());
  auto* tiles = reinterpret_cast<std::int32_t*>(panel);
  const std::int64_t second = padded_depth<F>(from.depth) / kDigitBlock * F::kDigits * kDigitWords;
  for (std::int64_t k = 0; k < from.depth; k += kDigitBlock) {
    const std::int64_t count = std::min(kDigitBlock, from.depth - k);
    transpose(from.data + k, from.depth, from.units, count, rows[0], kWidth);
    for (int half = 0; half < 2; ++half) {
      F::pack(rows[0] + half * kLanes, kWidth, count, hn::Load(d, inverses + half * kLanes),
              tiles + half * second, sums[half]);
    }
    tiles += F::kDigits * kDigitWords;
  }
  for (int half = 0; half < 2; ++half) F::set_offsets(sums[half], offsets + half * kLanes);
}

/// Rounded to the nearest number of 16 bits, half to even.
void pack_bf16(const PanelSource& from, std::byte* panel) {
  HWY_ALIGN std::int32_t chunk[kWidth * kChunkWords] = {};
  for (std::int64_t k = 0; k < from.depth; k += 2 * kChunkWords) {
    const std::int64_t count = std::min(2 * kChunkWords, from.depth - k);
    for (std::int64_t unit = 0; unit < from.units; ++unit) {
      const float* const weights = from.data + unit * from.depth + k;
      std::int32_t* const words = chunk + unit * kChunkWords;
      auto* const codes = reinterpret_cast<std::uint16_t*>(words);
      std::fill_n(words, kChunkWords, 0);
      for_each_vector(count, [&](auto d, std::int64_t i) HWY_ATTR {
        const hn::RebindToUnsigned<decltype(d)> bits;
        const hn::RebindToSigned<decltype(d)> integers;
        const hn::Rebind<std::uint16_t, decltype(d)> narrow;
        const auto x = hn::BitCast(bits, hn::LoadU(d, weights + i));
        const auto odd = hn::And(hn::ShiftRight<16>(x), hn::Set(bits, 1));
        const auto rounded = hn::Add(hn::Add(x, hn::Set(bits, 0x7FFF)), odd);
        const auto high = hn::BitCast(integers, hn::ShiftRight<16>(rounded));
        hn::StoreU(hn::DemoteTo(narrow, high), narrow, codes + i);
      });
    }
    store_words(chunk, (count + 1) / 2, reinterpret_cast<std::int32_t*>(panel) + k / 2 * kWidth);
  }
}

void pack_panel_in(Precision format, const PanelSource& from, std::byte* panel, float* steps,
                   std::int32_t* offsets) {
  if (format == Precision::bf16) return pack_bf16(from, panel);
  with_integers(format, [&](auto integers) HWY_ATTR {
    using F = decltype(integers);
    if constexpr (F::kDigits > 1) {
      pack_digits<F>(from, panel, steps, offsets);
    } else {
      pack_integers<F>(from, panel, steps, offsets);
    }
  });
}

/// The greatest magnitude; NaN where a number is not finite.
float most_of(const float* x, std::int64_t count) {
  const Real d;
  Vector most = hn::Zero(d);
  Vector nothing = hn::Zero(d);  // or NaN, which Max may lose
  std::int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    const Vector some = hn::LoadU(d, x + k);
    most = hn::Max(most, hn::Abs(some));
    nothing = Fma(d, some, hn::Zero(d), nothing);
  }
  float all = hn::GetLane(hn::MaxOfLanes(d, most));
  float none = hn::GetLane(hn::SumOfLanes(d, nothing));
  for (; k < count; ++k) {
    all = std::max(all, std::fabs(x[k]));
    none += x[k] * 0.0F;
  }
  return all + none;
}

void encode_row_in(Precision format, const float* x, std::int64_t columns, void* codes, float* step,
                   int least_exponent) {
  const float most = most_of(x, columns);
  int exponent = 0;
  if (std::isfinite(most) && std::frexp(most, &exponent) == 0.5F) --exponent;
  exponent = std::max(exponent, least_exponent);
  with_integers(format, [&](auto integers) HWY_ATTR {
    using F = decltype(integers);
    *step = std::isfinite(most) ? std::ldexp(1.0F / F::kLevels, exponent) : kNan;
    const float scale = std::ldexp(F::kLevels, -exponent);
    for_each_vector(columns, [&](auto d, std::int64_t i) HWY_ATTR {
      encode<F>(d, hn::LoadU(d, x + i), scale, static_cast<typename F::Code*>(codes), i);
    });
  });
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cadenza::cpu {

HWY_EXPORT(panel_bytes_of);
HWY_EXPORT(code_bytes_of);
HWY_EXPORT(unit_step_of);
HWY_EXPORT(has_tiles);
HWY_EXPORT(pack_panel_in);
HWY_EXPORT(encode_row_in);

std::int64_t panel_bytes(Precision format, std::int64_t depth) {
  return HWY_DYNAMIC_DISPATCH(panel_bytes_of)(format, depth);
}

std::int64_t code_bytes(Precision format) { return HWY_DYNAMIC_DISPATCH(code_bytes_of)(format); }

void pack_narrow_panel(Precision format, const PanelSource& from, std::byte* panel, float* steps,
                       std::int32_t* offsets) {
  HWY_DYNAMIC_DISPATCH(pack_panel_in)(format, from, panel, steps, offsets);
}

void encode_row(Precision format, const float* x, std::int64_t columns, void* codes, float* step,
                int least_exponent) {
  HWY_DYNAMIC_DISPATCH(encode_row_in)(format, x, columns, codes, step, least_exponent);
}

bool int24_on_tiles() { return HWY_DYNAMIC_DISPATCH(has_tiles)(); }

float unit_step(Precision format) { return HWY_DYNAMIC_DISPATCH(unit_step_of)(format); }

Factors encode_rows(const Workers& workers, const Scratch::Frame& frame, Precision format,
                    const Matrix& x) {
  if (!of_integers(format)) return {x.data, x.row_stride, nullptr};
  const std::int64_t stride = padded_codes(x.columns);
  const std::int64_t row_bytes = stride * code_bytes(format);
  auto* const codes = frame.take<std::byte>(x.rows * row_bytes);
  float* const steps = frame.floats(x.rows);
  workers.pool.parallel_for(
      x.rows, worth_a_thread(4 * x.columns), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t row = begin; row < end; ++row) {
          encode_row(format, x.at(row, 0), x.columns, codes + row * row_bytes, steps + row);
        }
      });
  return {codes, stride, steps};
}

std::int64_t padded_codes(std::int64_t columns) { return (columns + 63) / 64 * 64; }

}  // namespace cadenza::cpu
#endif  // HWY_ONCE
