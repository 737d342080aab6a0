// SPDX-License-Identifier: Apache-2.0
#include "nn/gaussian.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "backend/torch_golden.h"
#include "nn/recurrent_stack.h"
#include "support/expect_slopes.h"

namespace cadenza {
namespace {

constexpr std::int64_t kBatch = 4, kLatent = 3;

// Through the sample and the divergence at once, one row of no weight, some below the free nats.
TEST(Gaussian, GradientsMatchFiniteDifferences) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  Parameters parameters(*backend, DType::f64,
                        {{"mean", {kBatch, kLatent}, 2.0}, {"spread", {kBatch, kLatent}, 2.0}});
  parameters.initialize(2);
  const std::vector<float> noise = latent_noise(3, 0, 0, kBatch * kLatent);
  const std::vector<float> weights = {1.0F, 1.0F, 0.0F, 1.0F};
  for (const double free_nats : {0.0, 1.5, 100.0}) {
    test::expect_slopes(
        parameters,
        [&](GradMode mode) {
          arena.reset();
          Tape tape(*backend, arena, DType::f64, mode);
          const Gaussian gaussian(tape, parameter(tape, parameters, "mean"),
                                  parameter(tape, parameters, "spread"));
          Variable& sample = gaussian.sample(tape.upload(std::span(noise), {kBatch, kLatent}));
          const TensorView cost =
              gaussian.divergence(tape.upload(std::span(weights), {kBatch}), free_nats, 0.7).cost;
          double sum = test::squares(tape, sample);
          for (const double row : download_real(*backend, cost)) sum += 0.7 * row;
          tape.backward();
          return sum;
        },
        message("free nats ", free_nats));
  }
}

TEST(Gaussian, DivergenceIsZeroAtThePrior) {
  const auto backend = make_backend("reference");
  Arena arena(*backend);
  Tape tape(*backend, arena, DType::f32, GradMode::none);
  const TensorView zero = tape.allocate({kBatch, kLatent});
  backend->fill(zero, 0.0);
  const TensorView ones = tape.allocate({kBatch});
  backend->fill(ones, 1.0);
  const Gaussian prior(tape, tape.constant(zero), tape.constant(zero));
  for (const double row : download_real(*backend, prior.divergence(ones, 0.0, 1.0).divergence)) {
    EXPECT_NEAR(row, 0.0, 1e-6);
  }
}

TEST(LatentNoise, IsNormalAndAddressed) {
  constexpr int kCount = 100001;  // odd: the last pair is cut
  const std::vector<float> noise = latent_noise(1, 2, 3, kCount);
  double sum = 0.0;
  double squares = 0.0;
  double fourths = 0.0;
  for (const double x : noise) {
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  // Five deviations of each mean.
  EXPECT_NEAR(sum / kCount, 0.0, 5.0 / std::sqrt(kCount));
  EXPECT_NEAR(squares / kCount, 1.0, 5.0 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(fourths / kCount, 3.0, 5.0 * std::sqrt(96.0 / kCount));
  const std::vector<float> first = latent_noise(1, 2, 3, 2);
  EXPECT_EQ(first, std::vector<float>(noise.begin(), noise.begin() + 2));
  EXPECT_EQ(latent_noise(1, 2, 3, 1)[0], noise[0]);
  std::set<float> others = {noise[0]};
  for (const auto& other :
       {latent_noise(9, 2, 3, 1), latent_noise(1, 9, 3, 1), latent_noise(1, 2, 9, 1)}) {
    EXPECT_TRUE(others.insert(other[0]).second);
  }
}

/// The same as torch.distributions computes them, on every backend.
class TorchGaussian : public test::TorchGolden {};

TEST_P(TorchGaussian, AgreesWithPyTorch) {
  const SafetensorsReader file = test::open_golden("gaussian");
  const auto numbers = [&](const std::string& name) { return test::array_in(file, name).values; };
  const Shape shape = test::array_in(file, "mean").shape;
  Parameters parameters(backend(), dtype(), {{"mean", shape, 1.0}, {"spread", shape, 1.0}});
  parameters.upload("mean", numbers("mean"));
  parameters.upload("spread", numbers("spread"));
  Arena arena(backend());
  Tape tape(backend(), arena, dtype(), GradMode::record);
  test::Device device(backend(), dtype());
  const Gaussian gaussian(tape, parameter(tape, parameters, "mean"),
                          parameter(tape, parameters, "spread"));
  Variable& sample = gaussian.sample(device.put(test::array_in(file, "noise")));
  const std::vector<double> ones(static_cast<std::size_t>(shape[0]), 1.0);
  const auto [divergence, cost] = gaussian.divergence(
      device.put(test::HostArray{{shape[0]}, DType::f64, ones}), numbers("free")[0], 1.0);
  const auto expect = [&](const std::string& name, const TensorView& got) {
    expect_close("gaussian", name, test::array_in(file, name), device.get(got),
                 dtype() == DType::f64 ? 1e-13 : 1e-5);
  };
  expect("sample", sample.value());
  expect("divergence", divergence);
  expect("cost", cost);

  // The gradients, with the rows weighted.
  parameters.zero_gradients();
  Tape weighted(backend(), arena, dtype(), GradMode::record);
  const Gaussian again(weighted, parameter(weighted, parameters, "mean"),
                       parameter(weighted, parameters, "spread"));
  Variable& drawn = again.sample(device.put(test::array_in(file, "noise")));
  weighted.contribute(drawn, [&](const TensorView& gradient) {
    backend().copy(device.put(test::array_in(file, "d_sample")), gradient);
  });
  again.divergence(device.put(test::array_in(file, "weights")), numbers("free")[0], 1.0);
  weighted.backward();
  expect("d_mean", parameters.gradient("mean"));
  expect("d_spread", parameters.gradient("spread"));
}

INSTANTIATE_TEST_SUITE_P(Backends, TorchGaussian,
                         testing::ValuesIn(test::every_backend_and_dtype()), test::name_of_param);

}  // namespace
}  // namespace cadenza
