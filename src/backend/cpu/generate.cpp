// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <optional>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/generation_rows.h"
#include "backend/cpu/relay.h"
#include "backend/reference/loops.h"
#include "cadenza/error.h"

// Generation with weights that are packed once a network, or once a call. Threads share out either
// the rows of the batch, each taking blocks of them through all steps without waiting for the
// others, or, where there are too few rows for that to pay for reading all weights in every thread,
// the units of each layer.

namespace cadenza {
namespace {

using cpu::GenerationRows;
using cpu::GenerationWeights;
using cpu::GenerationWorkspace;

/// Rows that a thread must have for a share of the batch rather than of the units.
constexpr std::int64_t kFewRows = 16;
/// So many rows go through all steps together: enough to share the reading of the weights, few
/// enough that their states stay near.
constexpr std::int64_t kBlockRows = 192;

struct PackedNetwork final : PreparedNetwork {
  PackedNetwork(cpu::ThreadPool& pool, const GenerationNetwork& network, Precision format)
      : frame(scratch), weights({pool, scratch}, frame, network, format) {}

  cpu::Scratch scratch;
  cpu::Scratch::Frame frame;
  GenerationWeights weights;
};

struct Split {
  bool by_units;
  std::int64_t block_rows;  // rows that go through the steps together
  std::int64_t blocks;
};

Split split_batch(std::int64_t batch, std::int64_t threads) {
  if (threads > 1 && batch < threads * kFewRows) return {true, batch, 1};
  const std::int64_t rounds = (batch + threads * kBlockRows - 1) / (threads * kBlockRows);
  const std::int64_t blocks = std::min(batch, rounds * threads);
  return {false, (batch + blocks - 1) / blocks, blocks};
}

/// All threads take every step together.
void share_units(cpu::ThreadPool& pool, GenerationRows& rows, std::int64_t steps,
                 std::vector<GenerationWorkspace>& workspaces) {
  const std::int64_t phases = rows.phases();
  const std::int64_t threads = pool.size();
  cpu::Relay relay(steps * phases, threads);
  const auto parts = [&](std::int64_t phase) {
    return std::min(rows.items(phase % phases), threads);
  };
  pool.parallel_for(threads, 1, [&](std::int64_t, std::int64_t, int thread) {
    relay.work(thread, parts, [&](std::int64_t phase, std::int64_t part) {
      const std::int64_t items = rows.items(phase % phases);
      const std::int64_t count = parts(phase);
      rows.run(phase / phases, phase % phases, {items * part / count, items * (part + 1) / count},
               workspaces[static_cast<std::size_t>(thread)]);
    });
  });
}

/// A thread takes its rows through all steps.
void run_alone(GenerationRows& rows, std::int64_t steps, GenerationWorkspace& workspace) {
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::int64_t phase = 0; phase < rows.phases(); ++phase) {
      rows.run(step, phase, {0, rows.items(phase)}, workspace);
    }
  }
}

}  // namespace

GenerationPlan CpuBackend::do_plan_generation(const GenerationNetwork& network,
                                              std::int64_t batch) const {
  const std::int64_t threads = pool_.size();
  const Split split = split_batch(std::max<std::int64_t>(batch, 1), threads);
  GenerationPlan plan{
      .kernel = message("packed steps",
                        precision_ == Precision::fp32 ? "" : message(" in ", name_of(precision_)),
                        split.by_units ? ", shared by units" : ", shared by rows"),
      .reason = {},
      .refused = {},
      .workspace_bytes = GenerationWeights::bytes(network, precision_)};
  if (split.by_units) {
    plan.reason = message("with fewer than ", kFewRows, " rows for each of ", threads,
                          " threads, each reads its share of the weights in every step");
  } else {
    plan.reason = message("blocks of up to ", split.block_rows, " rows go through all steps, on ",
                          threads, threads == 1 ? " thread" : " threads", " without waiting");
  }
  const std::int64_t at_once = split.by_units ? 1 : std::min(threads, split.blocks);
  plan.workspace_bytes += static_cast<std::size_t>(at_once) *
                          GenerationRows::bytes(network, precision_, split.block_rows);
  return plan;
}

std::shared_ptr<const PreparedNetwork> CpuBackend::do_prepare_generation(
    const GenerationNetwork& network) {
  return std::make_shared<PackedNetwork>(pool_, network, precision_);
}

void CpuBackend::do_generate(const GenerateArgs& args) {
  const bool tokens = args.network->head == GenerationNetwork::Head::softmax;
  const std::int64_t steps = tokens ? args.tokens.shape[0] : args.frames.shape[0];
  const std::int64_t batch = tokens ? args.tokens.shape[1] : args.frames.shape[1];
  for (std::int64_t b = 0; tokens && b < batch; ++b) {
    reference::check_id("generate", args.input.as<std::int32_t>()[b], b, args.network->width);
  }
  const cpu::Scratch::Frame frame(scratch_);
  std::optional<GenerationWeights> own;
  const auto* const packed = dynamic_cast<const PackedNetwork*>(args.network->prepared.get());
  if (packed == nullptr)
    own.emplace(cpu::Workers{pool_, scratch_}, frame, *args.network, precision_);
  const GenerationWeights& weights = packed == nullptr ? *own : packed->weights;
  const Split split = split_batch(batch, pool_.size());
  std::vector<GenerationWorkspace> workspaces;
  for (int thread = 0; thread < pool_.size(); ++thread) {
    workspaces.emplace_back(frame, weights, split.block_rows);
  }
  if (split.by_units) {
    GenerationRows rows(frame, weights, args, batch);
    rows.load({0, batch});
    share_units(pool_, rows, steps, workspaces);
    rows.store(steps);
    return;
  }
  std::vector<GenerationRows> rows;
  for (int thread = 0; thread < pool_.size(); ++thread) {
    rows.emplace_back(frame, weights, args, split.block_rows);
  }
  std::atomic<std::int64_t> next{0};  // a slow thread takes fewer blocks
  pool_.parallel_for(pool_.size(), 1, [&](std::int64_t, std::int64_t, int part) {
    const auto thread = static_cast<std::size_t>(part);
    for (std::int64_t block = next++; block < split.blocks; block = next++) {
      rows[thread].load({batch * block / split.blocks, batch * (block + 1) / split.blocks});
      run_alone(rows[thread], steps, workspaces[thread]);
      rows[thread].store(steps);
    }
  });
}

}  // namespace cadenza
