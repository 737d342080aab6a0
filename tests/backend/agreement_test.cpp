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

std::vector<OpCase> all_cases() {
  std::vector<OpCase> cases;
  for (auto family : {test::dense_cases, test::recurrent_cases, test::attention_cases,
                      test::loss_cases, test::update_cases}) {
    for (OpCase& op : family()) cases.push_back(std::move(op));
  }
  return cases;
}

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

void expect_agreement(const OpCase& op, const Arrays& expected, const Arrays& got,
                      const std::string& backend, double tolerance) {
  const test::Origin origin{op.name, backend, DType::f32, op.seed};
  ASSERT_EQ(expected.size(), got.size());
  for (const auto& [name, array] : expected) {
    EXPECT_TRUE(test::close(origin, name, array, got.at(name), tolerance));
  }
}

class Agreement : public test::BackendTest {};

TEST_P(Agreement, WithTheReferenceOverTheEdgeTable) {
  const auto reference = make_backend("reference");
  for (const OpCase& op : all_cases()) {
    expect_agreement(op, run(*reference, op, DType::f32), run(backend(), op, DType::f32),
                     GetParam().backend, op.tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Agreement,
                         testing::ValuesIn(test::every_backend_but_reference()),
                         test::name_of_param);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Agreement);

class Repeatability : public test::BackendTest {};

TEST_P(Repeatability, TheSameCallGivesTheSameBytes) {
  for (const OpCase& op : all_cases()) {
    expect_agreement(op, run(backend(), op, DType::f32), run(backend(), op, DType::f32),
                     GetParam().backend, 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Repeatability, testing::ValuesIn(test::every_backend()),
                         test::name_of_param);

TEST(ReferenceBackend, GivesTheSameInBothPrecisions) {
  const auto reference = make_backend("reference");
  for (const OpCase& op : all_cases()) {
    expect_agreement(op, run(*reference, op, DType::f64), run(*reference, op, DType::f32),
                     "reference", op.tolerance);
  }
}

}  // namespace
}  // namespace cadenza
