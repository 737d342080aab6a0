// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernels/device_array.h"
#include "kernels/device_layer/launchers.h"

// Products of fragments against plain loops, with whole numbers, which are exact; loads of matrices
// against the place that each register is documented to come from.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::whole_numbers;
using DeviceMatrix = test::KernelTest;

std::vector<float> plain_product(const std::vector<float>& a, const std::vector<float>& b,
                                 const std::vector<float>& c) {
  std::vector<float> d = c;
  for (std::size_t m = 0; m < kProductRows; ++m) {
    for (std::size_t n = 0; n < kProductColumns; ++n) {
      for (std::size_t k = 0; k < kProductDepth; ++k) {
        d[m * kProductColumns + n] += a[m * kProductDepth + k] * b[k * kProductColumns + n];
      }
    }
  }
  return d;
}

TEST_F(DeviceMatrix, MultipliesFragmentsOfEveryFormat) {
  constexpr int kRange = 200;  // eight bits, what bf16 holds
  const auto a = whole_numbers(std::size_t{kProductRows} * kProductDepth, kRange, 1);
  const auto b = whole_numbers(std::size_t{kProductDepth} * kProductColumns, kRange, 2);
  const auto c = whole_numbers(std::size_t{kProductRows} * kProductColumns, 5000, 3);
  const DeviceArray<float> device_a(a), device_b(b), device_c(c), d(c.size());
  for (const Precision precision : {Precision::bf16, Precision::fp16, Precision::tf32}) {
    multiply_fragments(precision, device_a.data(), device_b.data(), device_c.data(), d.data());
    EXPECT_EQ(d.values(), plain_product(a, b, c)) << static_cast<int>(precision);
  }
}

/// The word that `lane` receives of matrix `m`, whose element [r][c] is 64 m + 8 r + c.
std::uint32_t expected_word(unsigned lane, unsigned m, bool transposed) {
  const unsigned row = lane / 4;
  const unsigned column = 2 * (lane % 4);
  const unsigned first = transposed ? 8 * column + row : 8 * row + column;
  const unsigned second = transposed ? 8 * (column + 1) + row : first + 1;
  return (64 * m + first) | (64 * m + second) << 16;
}

TEST_F(DeviceMatrix, LoadsMatricesInEveryWay) {
  std::vector<std::uint16_t> elements(4 * 8 * 8);
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<std::uint16_t>(i);
  const DeviceArray<std::uint16_t> matrices(elements);
  const DeviceArray<std::uint32_t> words(32 * 4);
  for (const MatrixLoad load :
       {MatrixLoad::x4, MatrixLoad::x4_transposed, MatrixLoad::x2, MatrixLoad::x2_transposed}) {
    const bool two = load == MatrixLoad::x2 || load == MatrixLoad::x2_transposed;
    const bool transposed = load == MatrixLoad::x4_transposed || load == MatrixLoad::x2_transposed;
    load_matrices(load, matrices.data(), words.data());
    const std::vector<std::uint32_t> result = words.values();
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned m = 0; m < 4; ++m) {
        EXPECT_EQ(result[lane * 4 + m], two && m >= 2 ? 0 : expected_word(lane, m, transposed))
            << "load " << static_cast<int>(load) << " lane " << lane << " matrix " << m;
      }
    }
  }
}

TEST_F(DeviceMatrix, RoundsToTf32WithTiesAwayFromZero) {
  constexpr float kUnit = 0x1p-10F;  // the last place of a tf32 at 1
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {0.0F,
                                     1.0F,
                                     1.0F + kUnit,
                                     1.0F + kUnit / 2,
                                     -1.0F - kUnit / 2,
                                     1.0F + kUnit / 2 - 0x1p-23F,
                                     1.0F + 1.5F * kUnit,
                                     2.0F - 0x1p-23F,
                                     0x1.8p-100F,
                                     kInfinity,
                                     -kInfinity};
  const std::vector<float> expected = {0.0F,          1.0F,      1.0F + kUnit,     1.0F + kUnit,
                                       -1.0F - kUnit, 1.0F,      1.0F + 2 * kUnit, 2.0F,
                                       0x1.8p-100F,   kInfinity, -kInfinity};
  const DeviceArray<float> from(values), rounded(values.size());
  round_to_tf32(from.data(), static_cast<int>(values.size()), rounded.data());
  EXPECT_EQ(rounded.values(), expected);

  const DeviceArray<float> nothing(std::vector<float>{std::nanf("")});
  round_to_tf32(nothing.data(), 1, rounded.data());
  EXPECT_TRUE(std::isnan(rounded.values()[0]));
}

}  // namespace
}  // namespace cadenza::kernels
