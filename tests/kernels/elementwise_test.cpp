// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise.h"

#include <bit>
#include <cmath>

#include "cadenza/random.h"
#include "core/first_kept.h"
#include "kernels/cells/elementary.h"
#include "kernels/convert.h"
#include "kernels/device_array.h"
#include "kernels/device_layer/launchers.h"
#include "kernels/dropout.h"

// What the suites of the contract do not reach: unaligned arrays, every rest of a vector, more
// elements than threads.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::fractions;
using Elementwise = test::KernelTest;
using Convert = test::KernelTest;
using Dropout = test::KernelTest;

struct Part {
  std::size_t count, offset;
};
constexpr Part kParts[] = {{0, 0}, {1, 0}, {3, 0}, {4, 0}, {4, 1}, {1027, 0}, {1027, 3}};

TEST_F(Elementwise, FillsExactlyItsElements) {
  for (const auto& [count, offset] : kParts) {
    const std::vector<float> before(count + 2, 7.0F);
    const DeviceArray<float> y(before, offset);
    fill(y.data() + 1, static_cast<std::int64_t>(count), 2.5F, nullptr);
    std::vector<float> expected(count + 2, 2.5F);
    expected.front() = expected.back() = 7.0F;
    EXPECT_EQ(y.values(), expected) << count << " elements at " << offset;
  }
}

TEST_F(Elementwise, FillsMoreElementsThanThreads) {
  constexpr std::size_t kCount = (std::size_t{1} << 21) + 5;
  const DeviceArray<std::int32_t> y(kCount);
  fill(y.data(), kCount, -3, nullptr);
  EXPECT_EQ(y.values(), std::vector<std::int32_t>(kCount, -3));
}

TEST_F(Elementwise, AddsWithOneRounding) {
  for (const auto& [count, offset] : kParts) {
    const std::vector<float> x = fractions(count, 1);
    const std::vector<float> y = fractions(count, 2);
    const DeviceArray<float> from(x, offset);
    const DeviceArray<float> to(y, offset);
    add(from.data(), to.data(), static_cast<std::int64_t>(count), 0.3F, nullptr);
    std::vector<float> expected(count);
    for (std::size_t i = 0; i < count; ++i) expected[i] = std::fma(0.3F, x[i], y[i]);
    EXPECT_EQ(to.values(), expected) << count << " elements at " << offset;
  }
}

float activated(Activation kind, float x) {
  if (kind == Activation::sigmoid) return elementary::sigmoid(x);
  if (kind == Activation::tanh) return elementary::tanh(x);
  if (kind == Activation::relu) return elementary::at_least(x, 0.0F);
  return x;
}

float slope(Activation kind, float y) {
  if (kind == Activation::sigmoid) return elementary::sigmoid_slope(y);
  if (kind == Activation::tanh) return elementary::tanh_slope(y);
  if (kind == Activation::relu) return y > 0.0F ? 1.0F : 0.0F;
  return 1.0F;
}

TEST_F(Elementwise, ActivatesInPlaceAndBack) {
  for (const Activation kind :
       {Activation::identity, Activation::sigmoid, Activation::tanh, Activation::relu}) {
    for (const auto& [count, offset] : kParts) {
      const std::vector<float> x = fractions(count, 3);
      const std::vector<float> dy = fractions(count, 4);
      const DeviceArray<float> array(x, offset);
      const DeviceArray<float> gradient(dy, offset);
      const auto elements = static_cast<std::int64_t>(count);
      activation(kind, array.data(), array.data(), elements, nullptr);
      activation_backward({.kind = kind,
                           .y = array.data(),
                           .dy = gradient.data(),
                           .dx = gradient.data(),
                           .count = elements},
                          nullptr);
      std::vector<float> y(count);
      std::vector<float> dx(count);
      for (std::size_t i = 0; i < count; ++i) {
        y[i] = activated(kind, x[i]);
        dx[i] = dy[i] * slope(kind, y[i]);
      }
      EXPECT_EQ(array.values(), y) << static_cast<int>(kind) << ": " << count << " at " << offset;
      EXPECT_EQ(gradient.values(), dx) << static_cast<int>(kind) << ": " << count;
    }
  }
}

TEST_F(Elementwise, ScalesMoreRowsThanAGridIsHigh) {
  constexpr std::int64_t kRows = 70001;
  constexpr std::int64_t kColumns = 3;
  const std::vector<float> x = fractions(kRows * kColumns, 5);
  const std::vector<float> factors = fractions(kRows, 6);
  const DeviceArray<float> array(x);
  const DeviceArray<float> scale(factors);
  scale_rows(array.data(), scale.data(), kRows, kColumns, nullptr);
  std::vector<float> expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = x[i] * factors[i / kColumns];
  EXPECT_EQ(array.values(), expected);
}

bool is_nan16(std::uint16_t bits, std::uint16_t infinity) { return (bits & 0x7FFF) > infinity; }

TEST_F(Convert, KeepsEveryNumberOf16Bits) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const DeviceArray<std::uint16_t> from(all);
  const DeviceArray<std::uint16_t> back(all.size());
  const DeviceArray<float> wide(all.size());
  constexpr std::int64_t kCount = 65536;
  widen(Precision::bf16, from.data(), kCount, wide.data());
  convert_to_bf16(wide.data(), back.data(), kCount, nullptr);
  const std::vector<float> bf16 = wide.values();
  const std::vector<std::uint16_t> bf16_back = back.values();
  widen(Precision::fp16, from.data(), kCount, wide.data());
  narrow_to_fp16(wide.data(), kCount, back.data());
  const std::vector<float> fp16 = wide.values();
  const std::vector<std::uint16_t> fp16_back = back.values();
  EXPECT_EQ(bf16[0x3F80], 1.0F);
  EXPECT_EQ(fp16[0xC200], -3.0F);
  EXPECT_EQ(fp16[1], 0x1p-24F);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is_nan16(all[i], 0x7F80)) {
      EXPECT_TRUE(std::isnan(bf16[i]) && is_nan16(bf16_back[i], 0x7F80)) << i;
    } else {
      EXPECT_EQ(bf16_back[i], all[i]);
    }
    if (is_nan16(all[i], 0x7C00)) {
      EXPECT_TRUE(std::isnan(fp16[i]) && is_nan16(fp16_back[i], 0x7C00)) << i;
    } else {
      EXPECT_EQ(fp16_back[i], all[i]);
    }
  }
}

TEST_F(Convert, RoundsToTheNearestAndTiesToEven) {
  const std::vector<float> x = {0x1.01p0F, 0x1.03p0F, 0x1.0101p0F, 0x1.00FFp0F, 0x1.FFFFFEp127F};
  const DeviceArray<float> from(x, 1);
  const DeviceArray<std::uint16_t> bf16(x.size(), 1);
  convert_to_bf16(from.data(), bf16.data(), 5, nullptr);
  EXPECT_EQ(bf16.values(), (std::vector<std::uint16_t>{0x3F80, 0x3F82, 0x3F81, 0x3F80, 0x7F80}));
  const std::vector<float> h = {0x1.002p0F, 0x1.006p0F, 0x1.00201p0F, 65519.0F, 65520.0F};
  const DeviceArray<float> halves(h, 1);
  const DeviceArray<std::uint16_t> fp16(h.size(), 1);
  narrow_to_fp16(halves.data(), 5, fp16.data());
  EXPECT_EQ(fp16.values(), (std::vector<std::uint16_t>{0x3C00, 0x3C02, 0x3C01, 0x7BFF, 0x7C00}));
}

/// What becomes of x, elements [first, first + x.size()) of a longer array.
std::vector<float> dropped(const DropoutArgs& args, const std::vector<float>& x,
                           std::uint64_t first = 0) {
  const std::uint64_t least = first_kept(args.rate);
  const auto factor = static_cast<float>(1.0 / (1.0 - args.rate));
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t e = first + i;
    const std::uint32_t word =
        random_bits(args.seed, {RandomPurpose::dropout, args.stream << 32 | e >> 26, args.step,
                                static_cast<std::uint32_t>(e & ((1U << 26) - 1))});
    y[i] = word >= least ? x[i] * factor : 0.0F;
  }
  return y;
}

TEST_F(Dropout, TakesTheWordOfEachElement) {
  constexpr std::uint64_t kSeed = ~0ULL / 3;
  // At this rate element 2 is the last to be kept.
  const double close =
      uniform_double(random_bits(kSeed, {RandomPurpose::dropout, std::uint64_t{5} << 32, 9, 2}));
  for (const double rate : {0.0, 0.3, 0.999, close}) {
    for (const auto& [count, offset] : kParts) {
      const std::vector<float> x = fractions(count, 7);
      const DeviceArray<float> array(x, offset);
      const TensorView view = {array.data(), {static_cast<std::int64_t>(count)}, DType::f32};
      const DropoutArgs args = {
          .x = view, .y = view, .rate = rate, .seed = kSeed, .stream = 5, .step = 9};
      dropout(args, nullptr);
      EXPECT_EQ(array.values(), dropped(args, x)) << rate << ": " << count << " at " << offset;
    }
  }
}

TEST_F(Dropout, GoesOnInTheNextSequence) {
  constexpr std::int64_t kSequence = std::int64_t{1} << 26;
  const std::vector<float> ends = fractions(64, 8);
  const DeviceArray<float> array(static_cast<std::size_t>(kSequence) + 32);
  float* const last = array.data() + kSequence - 32;
  CADENZA_CUDA_CHECK(cudaMemcpy(last, ends.data(), 64 * sizeof(float), cudaMemcpyHostToDevice));
  const TensorView view = {array.data(), {kSequence + 32}, DType::f32};
  const DropoutArgs args = {.x = view, .y = view, .rate = 0.5, .seed = 11, .stream = 2, .step = 1};
  dropout(args, nullptr);
  std::vector<float> got(64);
  CADENZA_CUDA_CHECK(cudaDeviceSynchronize());
  CADENZA_CUDA_CHECK(cudaMemcpy(got.data(), last, 64 * sizeof(float), cudaMemcpyDeviceToHost));
  EXPECT_EQ(got, dropped(args, ends, kSequence - 32));
}

}  // namespace
}  // namespace cadenza::kernels
