// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

// Before Highway, which it configures.
#define CADENZA_WITH_AVX3_DL
#include "backend/cpu/simd_targets.h"
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include "backend/cpu/amx.h"

namespace cadenza::test {

/// Calls `run` once for each instruction set that this machine has and the library is built for,
/// the one with tiles a second time without them.
template <typename Run>
void for_each_target(const Run& run) {
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  for (const std::int64_t target : targets) {
    // Files that are not compiled for AVX-512 with VNNI take AVX-512 there.
    hwy::SetSupportedTargetsForTest(target == HWY_AVX3_DL ? target | HWY_AVX3 : target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    run(hwy::TargetName(target));
    if (target != HWY_AVX3_DL || !cpu::amx_ready()) continue;
    cpu::hide_amx(true);
    run("AVX3_DL without AMX");
    cpu::hide_amx(false);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace cadenza::test
