// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include <algorithm>
#include <cmath>

#include "kernels/convert.h"
#include "kernels/device_array.h"
#include "kernels/device_layer/launchers.h"

// Products in fixed order: every tiling, layout and way into shared memory, exactly. fp32 against
// the chain of fused multiply-adds it promises, the other formats on whole numbers that they hold.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using Matmul = test::KernelTest;

struct Case {
  std::int64_t m, n, k;
  Transpose transpose_a = Transpose::no;
  Transpose transpose_b = Transpose::yes;
  bool bias = true;
  Accumulate accumulate = Accumulate::overwrite;
  std::int64_t padding = 0;  ///< elements between the rows of each array
  std::size_t offset = 0;    ///< elements before the factors
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "M=" << c.m << " N=" << c.n << " K=" << c.k
             << (c.transpose_a == Transpose::yes ? " a^T" : "")
             << (c.transpose_b == Transpose::yes ? " b^T" : "") << " padding " << c.padding
             << " offset " << c.offset;
}

/// All layouts at sizes of each tiling: few, some and many rows, whole tiles and rests.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [m, n, k] : {std::array{1, 1, 1},
                                {1, 37, 45},
                                {8, 32, 32},
                                {7, 70, 100},
                                {5, 3, 0},
                                {16, 64, 64},
                                {33, 65, 17},
                                {70, 66, 132}}) {
    for (const Transpose a : {Transpose::no, Transpose::yes}) {
      for (const Transpose b : {Transpose::no, Transpose::yes}) {
        all.push_back(
            {m, n, k, a, b, a == b, b == Transpose::no ? Accumulate::add : Accumulate::overwrite});
      }
    }
  }
  all.push_back({.m = 20, .n = 40, .k = 64, .padding = 8});
  all.push_back({.m = 20, .n = 40, .k = 64, .padding = 3});
  all.push_back({.m = 20, .n = 40, .k = 64, .offset = 1});
  all.push_back({.m = 3, .n = 40, .k = 260, .padding = 4});
  all.push_back({.m = 16385, .n = 3, .k = 20});  // tiles of many rows
  all.push_back({.m = 16385, .n = 3, .k = 19, .accumulate = Accumulate::add});
  return all;
}

/// A matrix [rows, columns] with its rows `stride` apart.
struct Matrix {
  std::int64_t rows, columns, stride;
  std::vector<float> values;

  Matrix(std::int64_t r, std::int64_t c, std::int64_t padding, auto fill, std::uint32_t seed)
      : rows(r),
        columns(c),
        stride(c + padding),
        values(fill(static_cast<std::size_t>(r * stride), seed)) {}
  float at(Transpose transpose, std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(transpose == Transpose::yes ? j * stride + i
                                                                       : i * stride + j)];
  }
};

struct Problem {
  Case c;
  Matrix a, b, result;
  std::vector<float> bias;

  Problem(const Case& given, auto fill)
      : c(given),
        a(flip(c.transpose_a, c.m, c.k), flip(c.transpose_a, c.k, c.m), c.padding, fill, 1),
        b(flip(c.transpose_b, c.k, c.n), flip(c.transpose_b, c.n, c.k), c.padding, fill, 2),
        result(c.m, c.n, c.padding, fill, 3),
        bias(fill(static_cast<std::size_t>(c.n), 4)) {}

  static std::int64_t flip(Transpose transpose, std::int64_t no, std::int64_t yes) {
    return transpose == Transpose::yes ? yes : no;
  }

  std::vector<float> expected() const {
    std::vector<float> out = result.values;
    for (std::int64_t m = 0; m < c.m; ++m) {
      for (std::int64_t n = 0; n < c.n; ++n) {
        float& element = out[static_cast<std::size_t>(m * result.stride + n)];
        float sum = c.accumulate == Accumulate::add ? element : 0.0F;
        if (c.bias) sum += bias[static_cast<std::size_t>(n)];
        for (std::int64_t k = 0; k < c.k; ++k) {
          sum = std::fma(a.at(c.transpose_a, m, k), b.at(c.transpose_b, k, n), sum);
        }
        element = sum;
      }
    }
    return out;
  }
};

/// The factor as `precision` stores it.
DeviceArray<std::uint16_t> narrow(const Matrix& matrix, Precision precision, std::size_t offset) {
  const DeviceArray<float> wide(matrix.values);
  DeviceArray<std::uint16_t> result(matrix.values.size(), offset);
  const auto count = static_cast<std::int64_t>(matrix.values.size());
  if (precision == Precision::bf16) {
    convert_to_bf16(wide.data(), result.data(), count, nullptr);
  } else {
    narrow_to_fp16(wide.data(), count, result.data());
  }
  return result;
}

std::vector<float> computed(const Problem& problem, Precision precision) {
  const Case& c = problem.c;
  const DeviceArray<float> bias(problem.bias);
  const DeviceArray<float> result(problem.result.values);
  Product product = {.m = c.m,
                     .n = c.n,
                     .k = c.k,
                     .c = result.data(),
                     .transpose_a = c.transpose_a,
                     .transpose_b = c.transpose_b,
                     .bias = c.bias ? bias.data() : nullptr,
                     .accumulate = c.accumulate,
                     .precision = precision};
  if (c.padding > 0) {
    product.stride_a = problem.a.stride;
    product.stride_b = problem.b.stride;
    product.stride_c = problem.result.stride;
  }
  const auto run = [&](const auto& a, const auto& b) {
    product.a = a.data();
    product.b = b.data();
    matmul_fixed(product, nullptr);
    return result.values();
  };
  if (precision == Precision::fp32 || precision == Precision::tf32) {
    return run(DeviceArray<float>(problem.a.values, c.offset),
               DeviceArray<float>(problem.b.values, c.offset));
  }
  return run(narrow(problem.a, precision, c.offset), narrow(problem.b, precision, c.offset));
}

TEST_F(Matmul, IsOneChainOfFusedMultiplyAdds) {
  for (const Case& c : cases()) {
    const Problem problem(c, test::fractions);
    EXPECT_EQ(computed(problem, Precision::fp32), problem.expected()) << c;
  }
}

TEST_F(Matmul, IsExactForWholeNumbersOnTheTensorCores) {
  const auto small = [](std::size_t count, std::uint32_t seed) {
    return test::whole_numbers(count, 15, seed);
  };
  for (const Case& c : cases()) {
    const Problem problem(c, small);
    for (const Precision precision : {Precision::tf32, Precision::bf16, Precision::fp16}) {
      EXPECT_EQ(computed(problem, precision), problem.expected()) << name_of(precision) << ' ' << c;
    }
  }
}

/// One row of a batch has the bits that it has alone, whatever tiling its number calls for.
TEST_F(Matmul, KeepsTheBitsOfARowInEveryBatch) {
  constexpr std::int64_t kRow = 3;
  for (const Precision precision :
       {Precision::fp32, Precision::tf32, Precision::bf16, Precision::fp16}) {
    const Problem few({.m = kRow + 1, .n = 37, .k = 100}, test::fractions);
    const std::vector<float> alone = computed(few, precision);
    for (const std::int64_t m : {20, 130}) {
      Problem many({.m = m, .n = 37, .k = 100}, test::fractions);
      std::copy(few.a.values.begin(), few.a.values.end(), many.a.values.begin());
      const std::vector<float> together = computed(many, precision);
      EXPECT_TRUE(std::equal(alone.begin() + kRow * 37, alone.begin() + (kRow + 1) * 37,
                             together.begin() + kRow * 37))
          << name_of(precision) << " among " << m << " rows";
    }
  }
}

TEST_F(Matmul, DoesNothingWithoutElements) {
  matmul_fixed({.m = 0, .n = 4, .k = 4}, nullptr);
  matmul_fixed({.m = 4, .n = 0, .k = 4, .precision = Precision::bf16}, nullptr);
}

}  // namespace
}  // namespace cadenza::kernels
