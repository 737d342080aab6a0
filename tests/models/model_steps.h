// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <numeric>
#include <vector>

#include "cadenza/model.h"
#include "nn/host_copy.h"
#include "train/batches.h"

namespace cadenza::test {

/// Whole pieces of the training split side by side; `whole_steps` as Model::whole_steps().
inline Batch batch_of(const Dataset& data, const std::vector<std::int64_t>& order,
                      std::int64_t whole_steps = 1) {
  const auto rows = static_cast<std::int64_t>(order.size());
  return *EpochBatches(batch_source(data, Split::train, rows, 1, whole_steps), order, false).next();
}

/// The loss of each row; with GradMode::record the gradients are computed too.
inline std::vector<double> losses(Model& model, Arena& arena, const Batch& batch,
                                  const DropoutKey& key = {}, GradMode mode = GradMode::none) {
  arena.reset();
  Tape tape(model.backend(), arena, model.parameters().dtype(), mode);
  const auto rows = download_real(model.backend(), model.loss(tape, batch, {}, key, 1.0));
  tape.backward();
  return rows;
}

inline double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

inline double sum_of_losses(Model& model, Arena& arena, const Batch& batch,
                            const DropoutKey& key = {}, GradMode mode = GradMode::none) {
  return sum(losses(model, arena, batch, key, mode));
}

}  // namespace cadenza::test
