// SPDX-License-Identifier: Apache-2.0
#include "cadenza/tape.h"

#include <gtest/gtest.h>

#include <cmath>

#include "cadenza/backend.h"
#include "cadenza/parameters.h"
#include "nn/host_copy.h"
#include "nn/ops.h"

namespace cadenza {
namespace {

TEST(Arena, GivesTheSameAddressesAfterAReset) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  const auto walk = [&arena] {
    std::vector<void*> addresses;
    for (const std::int64_t count : {10, 300000, 7, 500000}) {
      addresses.push_back(arena.allocate({count}, DType::f32).data);
    }
    return addresses;
  };
  walk();
  arena.reset();
  const auto second = walk();
  arena.reset();
  EXPECT_EQ(walk(), second);
}

TEST(Arena, NeverOverlapsTwoAllocations) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  const TensorView a = arena.allocate({3}, DType::f64);
  const TensorView b = arena.allocate({3}, DType::f64);
  upload_real(*backend, {1, 2, 3}, a);
  upload_real(*backend, {4, 5, 6}, b);
  EXPECT_EQ(download_real(*backend, a), (std::vector<double>{1, 2, 3}));
}

// A value read by two operations collects both gradients: f = sum of squares of x W1 and x W2.
TEST(Tape, AddsTheGradientsOfTwoReaders) {
  const auto backend = make_backend("reference");
  Parameters parameters(*backend, DType::f64,
                        {{"w0", {4, 3}, 0.5},
                         {"b0", {4}, 0.5},
                         {"w1", {2, 4}, 0.5},
                         {"b1", {2}, 0.5},
                         {"w2", {2, 4}, 0.5},
                         {"b2", {2}, 0.5}});
  parameters.initialize(3);
  Arena arena(*backend);
  const auto loss = [&](GradMode mode) {
    arena.reset();
    Tape tape(*backend, arena, DType::f64, mode);
    const auto parameter = [&](const char* name) {
      return &tape.parameter(parameters.value(name), parameters.gradient(name));
    };
    Variable& x = tape.constant(tape.upload(std::vector<float>{1, -2, 3, 0.5, 1, -1}, {2, 3}));
    const TensorView zeros = tape.upload(std::vector<float>{0, 0, 0, 0}, {2, 2});
    Variable& hidden =
        activation(tape, linear(tape, x, {parameter("w0"), parameter("b0")}), Activation::tanh);
    double sum = 0.0;
    for (const char* suffix : {"1", "2"}) {
      Variable& y = linear(
          tape, hidden,
          {parameter(message("w", suffix).c_str()), parameter(message("b", suffix).c_str())});
      for (const double row : download_real(*backend, squared_loss(tape, y, zeros, {}, 1.0))) {
        sum += row;
      }
    }
    tape.backward();
    return sum;
  };
  parameters.zero_gradients();
  loss(GradMode::record);
  for (const ParameterSpec& spec : parameters.specs()) {
    const std::vector<double> gradient = download_real(*backend, parameters.gradient(spec.name));
    std::vector<double> values = parameters.download(spec.name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double original = values[i];
      const double h = 1e-5;
      values[i] = original + h;
      parameters.upload(spec.name, values);
      const double up = loss(GradMode::none);
      values[i] = original - h;
      parameters.upload(spec.name, values);
      const double down = loss(GradMode::none);
      values[i] = original;
      parameters.upload(spec.name, values);
      EXPECT_NEAR(gradient[i], (up - down) / (2 * h), 1e-7) << spec.name << "[" << i << "]";
    }
  }
}

TEST(Parameters, StartAlikeForOneSeedAndDifferForTwo) {
  const auto backend = make_backend("reference");
  Parameters a(*backend, DType::f32, {{"w", {7, 5}, 0.1}});
  Parameters b(*backend, DType::f64, {{"w", {7, 5}, 0.1}});
  a.initialize(1);
  b.initialize(1);
  const std::vector<double> narrow = a.download("w");
  const std::vector<double> wide = b.download("w");
  for (std::size_t i = 0; i < wide.size(); ++i) {
    EXPECT_EQ(narrow[i], static_cast<double>(static_cast<float>(wide[i])));
    EXPECT_LT(std::abs(wide[i]), 0.1);
  }
  b.initialize(2);
  EXPECT_NE(wide, b.download("w"));
}

TEST(Parameters, RefuseAnUnknownName) {
  const auto backend = make_backend("reference");
  const Parameters parameters(*backend, DType::f32, {{"w", {2}, 0.1}});
  EXPECT_THROW(parameters.value("v"), ArgumentError);
  EXPECT_THROW(Parameters(*backend, DType::f32, {{"w", {2}, 0}, {"w", {2}, 0}}), ArgumentError);
}

}  // namespace
}  // namespace cadenza
