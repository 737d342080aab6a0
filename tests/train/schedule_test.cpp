// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cadenza/optimizer.h"

namespace cadenza {
namespace {

TEST(Schedule, WarmsUpLinearly) {
  const Schedule schedule({.warmup_steps = 4}, 100);
  EXPECT_DOUBLE_EQ(schedule.factor(0, 0), 0.25);
  EXPECT_DOUBLE_EQ(schedule.factor(3, 0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(50, 0), 1.0);
}

TEST(Schedule, CosineEndsAtItsFinalFactor) {
  const Schedule schedule({.kind = ScheduleKind::cosine, .final_factor = 0.1}, 100);
  EXPECT_DOUBLE_EQ(schedule.factor(0, 0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(50, 0), 0.55);
  EXPECT_DOUBLE_EQ(schedule.factor(100, 0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.factor(200, 0), 0.1);
}

TEST(Schedule, ExponentialDecaysOnceAnEpochDownToItsBound) {
  const Schedule schedule({.kind = ScheduleKind::exponential, .decay = 0.5, .final_factor = 0.2},
                          100);
  EXPECT_DOUBLE_EQ(schedule.factor(10, 0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(10, 1), 0.5);
  EXPECT_DOUBLE_EQ(schedule.factor(10, 9), 0.2);
}

TEST(Schedule, PlateauDecaysAfterItsPatience) {
  Schedule schedule({.kind = ScheduleKind::plateau, .decay = 0.5, .plateau_patience = 1}, 100);
  schedule.observe_validation(true);
  schedule.observe_validation(false);
  EXPECT_DOUBLE_EQ(schedule.factor(0, 0), 1.0);
  schedule.observe_validation(false);
  EXPECT_DOUBLE_EQ(schedule.factor(0, 0), 0.5);
}

}  // namespace
}  // namespace cadenza
