// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/shapes.h"

namespace cadenza::bench {

/// A peer's generation: a batch with its weights and states.
class PeerGeneration {
 public:
  virtual ~PeerGeneration() = default;
  /// Reads the tokens [B], replaces them with drawn ones.
  virtual void step() = 0;
  virtual const std::vector<std::int32_t>& tokens() const = 0;
};

/// A peer's training: parameters, moments and one batch, which it learns again and again.
class PeerTraining {
 public:
  virtual ~PeerTraining() = default;
  /// Forward, loss, backward, Adam with clipping; the mean loss before the update.
  virtual double step() = 0;
};

/// A library as the CPU benchmarks use it.
struct NativePeer {
  std::string name;
  std::string version;
  void (*use_threads)(int count);
  std::unique_ptr<PeerGeneration> (*generation)(const RecordModel& model, std::int64_t batch);
  std::unique_ptr<PeerTraining> (*training)(const RecordModel& model, const SequenceShape& shape);
};

/// The library whose classes these are, both made from a model and a batch or shape.
template <typename Generation, typename Training>
NativePeer make_peer(const std::string& name, const std::string& version,
                     void (*use_threads)(int)) {
  return {
      name, version, use_threads,
      [](const RecordModel& model, std::int64_t batch) -> std::unique_ptr<PeerGeneration> {
        return std::make_unique<Generation>(model, batch);
      },
      [](const RecordModel& model, const SequenceShape& shape) -> std::unique_ptr<PeerTraining> {
        return std::make_unique<Training>(model, shape);
      }};
}

/// The program of a peer: the options and rows of peer.py, the cases `generate` (microseconds of a
/// step, with the sum of the tokens of its first 32) and `training_step` (with the first two
/// losses), fp32. Returns the exit status.
int run_peer(const NativePeer& peer, int argc, const char* const* argv);

}  // namespace cadenza::bench
