// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "backend/cpu/dense.h"
#include "backend/cpu/digits.h"
#include "cadenza/backend.h"

// Products of rows with weights that were packed once, in the number formats of inference. Besides
// fp32, which sums as panel_gemm.h says:
//   bf16         weights rounded to 16 bits; factors and sums as in fp32, in the same order
//   int16, int8  codes of weights * codes of factors, summed as integers, which is exact in
//                whatever order and on every instruction set; one multiply-add by both steps brings
//                each sum into the f32 sums
//   int24        the same with codes of 24 bits and their products by digits (digits.h), at the
//                errors of fp32: the three places p0, p1, p2 are exact sums, and
//                fma(p2, 65536, fma(p1, 256, p0)) in f32 is the sum, of which a 1 stands for 65536
// With L = 2^13 (int16), 127 (int8) or 127 * 2^16 (int24) and e the least integer >= 0 such that
// |x| <= 2^e for all factors of a row, the code of a factor x is round(x * L / 2^e), half to even,
// and its row's step, what a code of 1 stands for, 2^e / L. What lies in [-1, 1] therefore has one
// step for all rows. The code of a weight w is round(w / s), s being its output's step: such that
// no code passes 32639 (int24: 127 * 2^16; int8: |w[2i]| + |w[2i + 1]|, summed in f32, is at most
// 127 s) and, but in int24, the sum of their magnitudes stays below 2^18, so that no sum of
// products leaves 32 bits. (For the bits of s: magnitudes of inputs i mod 16 are summed apart, in
// f32.) Two neighbours of int8 are 128 at most when they are rounded, and with factors that are
// made 0 to 255 their sum fits the 16 bits that vpmaddubsw has for it. Digits lie in
// [-128, 127]: sums of places stay in 32 bits up to kMostInt24Depth products.

namespace cadenza::cpu {

constexpr bool of_integers(Precision format) {
  return format == Precision::int24 || format == Precision::int16 || format == Precision::int8;
}
/// Where sums of integers start from: numbers for each output.
constexpr std::int64_t offset_rows(Precision format) {
  return format == Precision::int24 ? kPlaces : 1;
}

constexpr std::int64_t kMostInt24Depth = 43000;

/// Rows that are multiplied: floats, or the codes that stand for them.
struct Factors {
  const void* data = nullptr;
  std::int64_t stride = 0;       ///< from row to row, in floats or codes
  const float* steps = nullptr;  ///< [rows] of integers: what a code of 1 stands for
};

/// Matrices [units, K] in panels [blocks, matrices, K, W] of W = panel_width() units.
struct PackedMatrix {
  Precision format = Precision::fp32;
  std::int64_t depth = 0;             ///< K
  const std::byte* panels = nullptr;  ///< panel_bytes() each
  const float* steps = nullptr;       ///< [blocks, matrices, W] of integers: what a 1 stands for
  const std::int32_t* offsets = nullptr;  ///< [blocks, matrices, offset_rows(), W]
};

/// Of a panel [K, W].
std::int64_t panel_bytes(Precision format, std::int64_t depth);
/// Bytes of a code of a factor.
std::int64_t code_bytes(Precision format);
/// How far apart rows of so many codes lie at least: a product may read beyond them.
std::int64_t padded_codes(std::int64_t columns);

/// Weights [units, K] of at most W units.
struct PanelSource {
  const float* data;
  std::int64_t units, depth;
};
/// Packs them in a format other than fp32. Integers only: `steps` [W], `offsets` [offset_rows(),
/// W].
void pack_narrow_panel(Precision format, const PanelSource& from, std::byte* panel, float* steps,
                       std::int32_t* offsets);

/// Codes of a row of integers, and their step, whose e may be below 0. Where a number is not
/// finite, the step is NaN.
void encode_row(Precision format, const float* x, std::int64_t columns, void* codes, float* step,
                int least_exponent = 0);
/// Least e of rows that are small: what makes codes of them stays finite.
constexpr int kLeastExponent = -100;
/// The step of rows in [-1, 1].
float unit_step(Precision format);
/// Whether int24 is multiplied on the tiles of AMX here.
bool int24_on_tiles();
/// Rows of x as products of the format read them, in the memory of the frame where they are codes.
Factors encode_rows(const Workers& workers, const Scratch::Frame& frame, Precision format,
                    const Matrix& x);

}  // namespace cadenza::cpu
