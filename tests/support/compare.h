// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "support/random_tensor.h"

namespace cadenza::test {

/// Says which computation a comparison is about.
struct Origin {
  std::string op;  ///< with its variant
  std::string backend;
  DType dtype = DType::f32;
  std::uint64_t seed = 0;
};

/// Each element differs by at most `tolerance` times the largest magnitude expected in the array,
/// or times `least_scale` where that is more.
inline testing::AssertionResult close(const Origin& origin, const std::string& array,
                                      const HostArray& expected, const HostArray& got,
                                      double tolerance, double least_scale = 0.0) {
  const auto where = [&] {
    return testing::AssertionFailure()
           << origin.op << ": " << array << " on " << origin.backend << ' ' << name_of(origin.dtype)
           << ", shape " << expected.shape << ", seed " << origin.seed;
  };
  if (!(expected.shape == got.shape)) return where() << ": got shape " << got.shape;
  double scale = least_scale;
  for (const double value : expected.values) scale = std::max(scale, std::fabs(value));
  double worst = -1.0;
  std::size_t worst_index = 0;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    double error = std::fabs(expected.values[i] - got.values[i]);
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (expected.values[i] == got.values[i]) error = 0.0;
    if (error > worst) {
      worst = error;
      worst_index = i;
    }
  }
  if (worst <= tolerance * scale) return testing::AssertionSuccess();
  return where() << ", worst index " << worst_index << ": expected "
                 << testing::PrintToString(expected.values[worst_index]) << ", got "
                 << testing::PrintToString(got.values[worst_index]) << ", error " << worst << " > "
                 << tolerance << " * " << scale;
}

}  // namespace cadenza::test
