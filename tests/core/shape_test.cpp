// SPDX-License-Identifier: Apache-2.0
#include "cadenza/shape.h"

#include <gtest/gtest.h>

#include "cadenza/error.h"

namespace cadenza {
namespace {

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape({2, 3, 4}).count(), 24);
  EXPECT_EQ(Shape({5, 0}).count(), 0);
  EXPECT_EQ(Shape().count(), 0);
}

TEST(Shape, PrintsItsExtents) { EXPECT_EQ(Shape({2, 8, 64}).to_string(), "[2, 8, 64]"); }

TEST(Shape, RefusesNegativeExtentsAndRankFive) {
  EXPECT_THROW(Shape({2, -1}), ArgumentError);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1}), ArgumentError);
}

}  // namespace
}  // namespace cadenza
