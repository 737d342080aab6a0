// SPDX-License-Identifier: Apache-2.0
#include "kernels/update.h"

#include <cmath>
#include <numeric>

#include "kernels/device_array.h"

// What the suites of the contract do not reach: unaligned buffers, sizes around those of a block.

namespace cadenza::kernels {
namespace {

using test::DeviceArray;
using test::fractions;
using UpdateKernel = test::KernelTest;
using SquaredNorm = test::KernelTest;

double norm_of(const std::vector<float>& x) {
  const DeviceArray<float> device_x(x, 1);
  const DeviceArray<double> out(1);
  const auto count = static_cast<std::int64_t>(x.size());
  const DeviceArray<double> scratch(squared_norm_scratch(count));
  squared_norm(device_x.data(), count, scratch.data(), out.data(), nullptr);
  return out.values()[0];
}

TEST_F(SquaredNorm, AddsEveryElementOnce) {
  for (const std::size_t count : {0, 1, 511, 513, 16384, 16385, 100000}) {
    const std::vector<float> x = test::whole_numbers(count, 100, 1);
    EXPECT_EQ(norm_of(x), std::inner_product(x.begin(), x.end(), x.begin(), 0.0)) << count;
  }
}

TEST_F(SquaredNorm, KeepsWhatAFloatWouldLose) {
  std::vector<float> x(20000, 1e-3F);
  x[0] = 1e15F;
  EXPECT_GT(norm_of(x), 1e15 * 1e15 * (1.0 - 1e-7));
  EXPECT_TRUE(std::isfinite(norm_of(std::vector<float>(5, 3e38F))));
}

struct Buffers {
  DeviceArray<float> parameters, gradients, first, second;

  Buffers(std::size_t count, std::size_t offset)
      : parameters(fractions(count, 1), offset),
        gradients(fractions(count, 2), offset),
        first(fractions(count, 3), offset),
        second(std::vector<float>(count, 0.25F), offset) {}
};

/// Parameters and moments after one step on `count` elements at `offset`.
std::vector<std::vector<float>> updated(OptimizerKind kind, std::size_t count, std::size_t offset) {
  const Buffers buffers(count, offset);
  const DeviceArray<double> norm(std::vector<double>{9.0});
  const auto view = [&](const DeviceArray<float>& array) {
    return TensorView{array.data(), {static_cast<std::int64_t>(count)}, DType::f32};
  };
  update({.kind = kind,
          .parameters = view(buffers.parameters),
          .gradients = view(buffers.gradients),
          .first_moment = view(buffers.first),
          .second_moment = view(buffers.second),
          .squared_norm = {norm.data(), {1}, DType::f64},
          .learning_rate = 0.01,
          .weight_decay = 0.1,
          .clip_norm = 1.5},
         nullptr);
  return {buffers.parameters.values(), buffers.first.values(), buffers.second.values()};
}

TEST_F(UpdateKernel, GivesTheSameWhereverBuffersStart) {
  for (const OptimizerKind kind :
       {OptimizerKind::sgd, OptimizerKind::momentum, OptimizerKind::rmsprop, OptimizerKind::adam,
        OptimizerKind::adamw}) {
    for (const std::size_t count : {0, 1, 4, 1027}) {
      EXPECT_EQ(updated(kind, count, 0), updated(kind, count, 1))
          << static_cast<int>(kind) << ": " << count << " elements";
    }
  }
}

TEST_F(UpdateKernel, ClipsByTheNormOnTheDevice) {
  const std::vector<float> parameters = fractions(5, 1);
  const std::vector<float> gradients = fractions(5, 2);
  const std::vector<float> got = updated(OptimizerKind::sgd, 5, 0)[0];
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double gradient = 1.5 / (3.0 + 1e-6) * static_cast<double>(gradients[i]) +
                            0.1 * static_cast<double>(parameters[i]);
    EXPECT_NEAR(got[i], static_cast<double>(parameters[i]) - 0.01 * gradient, 1e-7);
  }
}

}  // namespace
}  // namespace cadenza::kernels
