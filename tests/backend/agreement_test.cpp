// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/backend_param.h"
#include "support/compare.h"
#include "support/op_case.h"

// Leg 3 of the numerics: every backend against the reference, over the same table.

namespace cadenza {
namespace {

using test::Arrays;
using test::Device;
using test::OpCase;

using Family = std::vector<OpCase> (*)();

constexpr Family kFamilies[] = {test::dense_cases, test::recurrent_cases, test::attention_cases,
                                test::loss_cases, test::update_cases};

/// Outputs and, under names of their own, gradients.
Arrays run(Backend& backend, const OpCase& op, DType dtype) {
  Device device(backend, dtype);
  Arrays results = op.forward(device, op.inputs);
  if (op.backward) {
    for (auto& [name, gradient] : op.backward(device, op.inputs, op.cotangents)) {
      results["d " + name] = gradient;
    }
  }
  return results;
}

/// Allowed error relative to the largest value of an array.
struct Tolerance {
  double forward, gradient;
  double least_scale = 0.0;
};

/// In f32. A fifth of what the design allows, since gradients keep within it.
constexpr double kGradientTolerance = 2e-5;

/// What products with rounded factors may add to the error of an operation in f32.
Tolerance tolerance_of(const OpCase& op, Precision precision) {
  // Where terms cancel, what is rounded is still of the size of the factors.
  constexpr double kFactors = 1.0;
  if (precision == Precision::fp32 || precision == Precision::int24) {
    return {op.tolerance, kGradientTolerance};
  }
  Tolerance tolerance = precision == Precision::tf32 ? Tolerance{2e-3, 5e-3, kFactors}
                                                     : Tolerance{2e-2, 6e-2, kFactors};
  if (op.kinked) tolerance.gradient = 0.5;
  return tolerance;
}

void expect_agreement(const OpCase& op, const Arrays& expected, const Arrays& got,
                      const std::string& backend, const Tolerance& tolerance) {
  const test::Origin origin{op.name, backend, DType::f32, op.seed};
  ASSERT_EQ(expected.size(), got.size());
  for (const auto& [name, array] : expected) {
    EXPECT_TRUE(test::close(origin, name, array, got.at(name),
                            name.starts_with("d ") ? tolerance.gradient : tolerance.forward,
                            tolerance.least_scale));
  }
}

class Agreement : public test::BackendTest {
 protected:
  void expect_agreement_with_reference(Family family) {
    const auto reference = make_backend("reference");
    for (const OpCase& op : family()) {
      expect_agreement(op, run(*reference, op, DType::f32), run(backend(), op, DType::f32),
                       GetParam().backend, tolerance_of(op, GetParam().precision));
    }
  }
};

TEST_P(Agreement, OfDenseOperations) { expect_agreement_with_reference(test::dense_cases); }

TEST_P(Agreement, OfRecurrentLayers) { expect_agreement_with_reference(test::recurrent_cases); }

TEST_P(Agreement, OfAttention) { expect_agreement_with_reference(test::attention_cases); }

TEST_P(Agreement, OfLosses) { expect_agreement_with_reference(test::loss_cases); }

TEST_P(Agreement, OfUpdates) { expect_agreement_with_reference(test::update_cases); }

INSTANTIATE_TEST_SUITE_P(Backends, Agreement,
                         testing::ValuesIn(test::every_backend_but_reference()),
                         test::name_of_param);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Agreement);

class Repeatability : public test::BackendTest {
 protected:
  void expect_the_same_bytes(Family family) {
    for (const OpCase& op : family()) {
      expect_agreement(op, run(backend(), op, DType::f32), run(backend(), op, DType::f32),
                       GetParam().backend, {});
    }
  }
};

TEST_P(Repeatability, OfDenseOperations) { expect_the_same_bytes(test::dense_cases); }

TEST_P(Repeatability, OfRecurrentLayers) { expect_the_same_bytes(test::recurrent_cases); }

TEST_P(Repeatability, OfAttention) { expect_the_same_bytes(test::attention_cases); }

TEST_P(Repeatability, OfLosses) { expect_the_same_bytes(test::loss_cases); }

TEST_P(Repeatability, OfUpdates) { expect_the_same_bytes(test::update_cases); }

INSTANTIATE_TEST_SUITE_P(Backends, Repeatability, testing::ValuesIn(test::backends_under_test()),
                         test::name_of_param);

TEST(ReferenceBackend, GivesTheSameInBothPrecisions) {
  const auto reference = make_backend("reference");
  for (const Family family : kFamilies) {
    for (const OpCase& op : family()) {
      expect_agreement(op, run(*reference, op, DType::f64), run(*reference, op, DType::f32),
                       "reference", tolerance_of(op, Precision::fp32));
    }
  }
}

}  // namespace
}  // namespace cadenza
