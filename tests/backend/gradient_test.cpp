// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/finite_difference.h"
#include "support/op_case.h"

// Leg 1 of the numerics: the reference's gradients against finite differences in double.

namespace cadenza {
namespace {

constexpr double kTolerance = 1e-6;

void expect_all_match(const std::vector<test::OpCase>& cases) {
  const auto backend = make_backend("reference");
  for (const test::OpCase& op : cases) {
    if (op.backward && op.small) test::expect_gradients_match(*backend, op, kTolerance);
  }
}

TEST(Gradients, OfDenseOperationsMatchFiniteDifferences) { expect_all_match(test::dense_cases()); }

TEST(Gradients, OfRecurrentLayersMatchFiniteDifferences) {
  expect_all_match(test::recurrent_cases());
}

TEST(Gradients, OfAttentionMatchFiniteDifferences) { expect_all_match(test::attention_cases()); }

TEST(Gradients, OfLossesMatchFiniteDifferences) { expect_all_match(test::loss_cases()); }

}  // namespace
}  // namespace cadenza
