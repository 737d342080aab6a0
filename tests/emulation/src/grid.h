// SPDX-License-Identifier: Apache-2.0
// One launch: which blocks run together, and its end.
#pragma once

#include "cuda_runtime_api.h"
#include "emulation/launch.h"
#include "state.h"

namespace cadenza::emulation {

struct GridShape {
  dim3 grid;
  dim3 block;
  dim3 cluster;
  std::size_t shared_bytes = 0;  ///< dynamic
  bool cooperative = false;
};

/// The grid that runs.
struct Grid {
  GridShape shape;
  const ThreadBody* body = nullptr;
  ReadyQueue ready;
  std::vector<std::unique_ptr<Cluster>> clusters;  ///< resident
  Barrier barrier;
  std::uint64_t live = 0;
  std::uint64_t exited = 0;
  std::uint64_t idle_yields = 0;  ///< since something last changed
  bool failed = false;
  char end_order = 0;
  char fence_order = 0;
};

/// Runs every thread. Anything that goes wrong is in last_report().
cudaError_t run_grid(const GridShape& shape, const ThreadBody& body);

}  // namespace cadenza::emulation
