// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu_vector_math_test.cpp"
#include <hwy/foreach_target.h>

#include "backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cadenza::cpu::HWY_NAMESPACE {

void exp_all(const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i)
                             HWY_ATTR { hn::StoreU(Exp(d, hn::LoadU(d, x + i)), d, y + i); });
}
void sigmoid_all(const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i)
                             HWY_ATTR { hn::StoreU(Sigmoid(d, hn::LoadU(d, x + i)), d, y + i); });
}
void tanh_all(const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i)
                             HWY_ATTR { hn::StoreU(Tanh(d, hn::LoadU(d, x + i)), d, y + i); });
}
void softplus_all(const float* x, float* y, std::int64_t count) {
  for_each_vector(count, [&](auto d, std::int64_t i)
                             HWY_ATTR { hn::StoreU(Softplus(d, hn::LoadU(d, x + i)), d, y + i); });
}

}  // namespace cadenza::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backend/cpu_targets.h"
#include "kernels/cells/elementary.h"

namespace cadenza::cpu {
namespace {

HWY_EXPORT(exp_all);
HWY_EXPORT(sigmoid_all);
HWY_EXPORT(tanh_all);
HWY_EXPORT(softplus_all);

void run_exp(const float* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(exp_all)(x, y, n); }
void run_sigmoid(const float* x, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(sigmoid_all)(x, y, n);
}
void run_tanh(const float* x, float* y, std::int64_t n) { HWY_DYNAMIC_DISPATCH(tanh_all)(x, y, n); }
void run_softplus(const float* x, float* y, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(softplus_all)(x, y, n);
}

struct Function {
  const char* name;
  void (*run)(const float*, float*, std::int64_t);
  float (*device)(float);  // the same function of the kernels
  double (*exact)(double);
  float limit;            // tested on [-limit, limit]
  double relative_error;  // bound
};

const Function kFunctions[] = {
    {"Exp", run_exp, kernels::elementary::exp, [](double x) { return std::exp(x); }, 87.0F, 2e-7},
    {"Sigmoid", run_sigmoid, kernels::elementary::sigmoid,
     [](double x) { return 1.0 / (1.0 + std::exp(-x)); }, 86.0F, 3e-7},
    {"Tanh", run_tanh, kernels::elementary::tanh, [](double x) { return std::tanh(x); }, 40.0F,
     4e-7},
    {"Softplus", run_softplus, kernels::elementary::softplus,
     [](double x) { return std::fmax(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }, 86.0F, 3e-7},
};

/// Every 1009th float of both signs up to the limit: all magnitudes, about two million.
std::vector<float> dense_inputs(float limit) {
  std::vector<float> x;
  const auto last = std::bit_cast<std::uint32_t>(limit);
  for (std::uint32_t bits = 0; bits <= last; bits += 1009) {
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-x.back());
  }
  x.push_back(limit);
  x.push_back(-limit);
  return x;
}

TEST(VectorMath, StaysWithinTheStatedErrors) {
  for (const Function& function : kFunctions) {
    const std::vector<float> x = dense_inputs(function.limit);
    std::vector<float> y(x.size());
    function.run(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    double worst = 0.0;
    float where = 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = function.exact(static_cast<double>(x[i]));
      if (std::fabs(exact) < 1e-37) continue;  // subnormal results
      const double error = std::fabs(static_cast<double>(y[i]) - exact) / std::fabs(exact);
      if (error > worst) {
        worst = error;
        where = x[i];
      }
    }
    EXPECT_LE(worst, function.relative_error) << function.name << " at " << where;
    RecordProperty(function.name, std::to_string(worst));
  }
}

TEST(VectorMath, GivesTheSameBitsOnEveryTarget) {
  for (const Function& function : kFunctions) {
    std::vector<float> x = dense_inputs(function.limit);
    x.resize(100003);  // not a multiple of any vector
    std::vector<std::vector<float>> results;
    test::for_each_target([&](const char* target) {
      std::vector<float> y(x.size());
      function.run(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
      results.push_back(y);
      EXPECT_EQ(results.back(), results.front()) << function.name << " on " << target;
    });
  }
}

/// Bits are compared, so that signs of zeros count.
TEST(VectorMath, GivesTheBitsOfTheKernels) {
  for (const Function& function : kFunctions) {
    std::vector<float> x = dense_inputs(function.limit);
    for (const float edge : {87.0F, 88.0F, 89.0F, 200.0F, 1e30F}) {
      x.insert(x.end(), {edge, -edge});
    }
    std::vector<float> y(x.size());
    function.run(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(function.device(x[i])),
                std::bit_cast<std::uint32_t>(y[i]))
          << function.name << " of " << x[i];
    }
    EXPECT_TRUE(std::isnan(function.device(std::numeric_limits<float>::quiet_NaN())));
  }
}

TEST(VectorMath, KeepsNanOnEveryTarget) {
  for (const Function& function : kFunctions) {
    test::for_each_target([&](const char* target) {
      const std::vector<float> x(17, std::numeric_limits<float>::quiet_NaN());
      std::vector<float> y(x.size());
      function.run(x.data(), y.data(), 17);
      for (const float value : y) EXPECT_TRUE(std::isnan(value)) << function.name << ' ' << target;
    });
  }
}

TEST(VectorMath, SaturatesWithoutOverflow) {
  const float x[] = {-1e30F, -200.0F, 200.0F, 1e30F};
  float y[4];
  run_sigmoid(x, y, 4);
  EXPECT_LT(y[0], 1e-37F);
  EXPECT_EQ(y[3], 1.0F);
  run_tanh(x, y, 4);
  EXPECT_EQ(y[0], -1.0F);
  EXPECT_EQ(y[3], 1.0F);
  run_softplus(x, y, 4);
  EXPECT_LT(y[0], 1e-37F);
  EXPECT_EQ(y[2], 200.0F);
}

}  // namespace
}  // namespace cadenza::cpu
#endif  // HWY_ONCE
