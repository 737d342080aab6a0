// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/random_tensor.h"

namespace cadenza::test {

/// One operation with its arguments, host arrays in and host arrays out, so that the same table
/// serves finite differences and the comparison of backends.
struct OpCase {
  std::string name;  ///< operation and variant
  std::uint64_t seed = 1;
  Arrays inputs;
  std::function<Arrays(Device&, const Arrays& inputs)> forward;
  /// Gradients of sum(outputs * cotangents), named as the inputs; outputs without a cotangent do
  /// not count. Absent: the operation has none.
  std::function<Arrays(Device&, const Arrays& inputs, const Arrays& cotangents)> backward = {};
  Arrays cotangents = {};
  /// False for cases too large for finite differences.
  bool small = true;
  /// Whether gradients jump where a sum changes sign, so that rounded factors may change single
  /// ones entirely: compared closely in fp32 alone.
  bool kinked = false;
  /// Allowed error of outputs in f32 relative to the largest value of an array.
  double tolerance = 1e-5;
};

/// What parameter gradients are filled with before an operation adds to them.
constexpr double kGradientBefore = 0.5;

inline HostArray without_initial_value(HostArray gradient) {
  for (double& value : gradient.values) value -= kGradientBefore;
  return gradient;
}

// The tables, by family.
std::vector<OpCase> dense_cases();
std::vector<OpCase> recurrent_cases();
std::vector<OpCase> attention_cases();
std::vector<OpCase> loss_cases();
std::vector<OpCase> update_cases();

}  // namespace cadenza::test
