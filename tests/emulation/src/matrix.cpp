// SPDX-License-Identifier: Apache-2.0
// Matrix loads and products of a warp. Fragment layouts: kernels/device/warp_mma.h. Products are
// exact and summed in double, so results may differ from the device's in the last place.
#include <array>
#include <cstring>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "meeting.h"

namespace cadenza::emulation {
namespace {

constexpr unsigned kM = 16;
constexpr unsigned kN = 8;
constexpr unsigned kMaxK = 16;

using Words = std::array<std::array<std::uint32_t, 6>, kLanes>;

double element(MatrixType type, std::uint32_t word, unsigned half) {
  const auto bits = static_cast<std::uint16_t>(half == 0 ? word : word >> 16);
  switch (type) {
    case MatrixType::kBf16:
      return bf16_value(bits);
    case MatrixType::kF16:
      return half_value(bits);
    case MatrixType::kTf32:
      break;
  }
  return std::bit_cast<float>(word & 0xFFFFE000U);  // the device ignores the low bits
}

struct Operands {
  unsigned depth = 0;
  double a[kM][kMaxK];
  double b[kMaxK][kN];
};

/// Undoes the distribution over lanes. A word holds one tf32 or two 16-bit elements along k.
Operands gather(MatrixType type, const Words& words) {
  Operands operands;
  const unsigned per_word = type == MatrixType::kTf32 ? 1 : 2;
  operands.depth = 8 * per_word;
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    const unsigned g = lane / 4;
    const unsigned t = lane % 4;
    for (unsigned half = 0; half < per_word; ++half) {
      const unsigned k = per_word * t + half;
      const unsigned k_high = k + 4 * per_word;
      operands.a[g][k] = element(type, words[lane][0], half);
      operands.a[g + 8][k] = element(type, words[lane][1], half);
      operands.a[g][k_high] = element(type, words[lane][2], half);
      operands.a[g + 8][k_high] = element(type, words[lane][3], half);
      operands.b[k][g] = element(type, words[lane][4], half);
      operands.b[k_high][g] = element(type, words[lane][5], half);
    }
  }
  return operands;
}

/// `products` holds C and becomes D.
void multiply(const Operands& operands, std::array<std::array<float, 4>, kLanes>& products) {
  for (unsigned row = 0; row < kM; ++row) {
    double sums[kN] = {};
    for (unsigned k = 0; k < operands.depth; ++k) {
      for (unsigned n = 0; n < kN; ++n) sums[n] += operands.a[row][k] * operands.b[k][n];
    }
    for (unsigned n = 0; n < kN; ++n) {
      float& d = products[row % 8 * 4 + n / 2][row / 8 * 2 + n % 2];
      d = static_cast<float>(sums[n] + d);
    }
  }
}

}  // namespace

void warp_load_matrix(std::uint32_t* out, const std::uint32_t* row, unsigned matrices,
                      Transposed transposed, Location at) {
  const Unobserved unobserved;
  const unsigned lane = running->lane;
  Meeting& meeting = arrive(WarpFunction::kLoadMatrix, ~0U, at);
  std::memcpy(meeting.words[lane].data(), row, 4 * sizeof(std::uint32_t));
  meet(meeting, at);
  const auto at_element = [&](unsigned matrix, unsigned r, unsigned c) {
    return meeting.words[matrix * 8 + r][c / 2] >> 16 * (c % 2) & 0xFFFFU;
  };
  const unsigned g = lane / 4;
  const unsigned t = lane % 4;
  for (unsigned matrix = 0; matrix < matrices; ++matrix) {
    out[matrix] = transposed == Transposed::kYes
                      ? at_element(matrix, 2 * t, g) | at_element(matrix, 2 * t + 1, g) << 16
                      : at_element(matrix, g, 2 * t) | at_element(matrix, g, 2 * t + 1) << 16;
  }
  end_reading(meeting);
}

void warp_multiply(MatrixType type, float* d, const std::uint32_t* a, const std::uint32_t* b,
                   const float* c, Location at) {
  const Unobserved unobserved;
  const unsigned lane = running->lane;
  Meeting& meeting = arrive(WarpFunction::kMultiply, ~0U, at);
  std::memcpy(meeting.words[lane].data(), a, 4 * sizeof(std::uint32_t));
  std::memcpy(meeting.words[lane].data() + 4, b, 2 * sizeof(std::uint32_t));
  std::memcpy(meeting.products[lane].data(), c, 4 * sizeof(float));
  if (is_complete(meeting)) multiply(gather(type, meeting.words), meeting.products);
  meet(meeting, at);
  std::memcpy(d, meeting.products[lane].data(), 4 * sizeof(float));
  end_reading(meeting);
}

}  // namespace cadenza::emulation
