// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "backend/cpu/generation_weights.h"
#include "backend/cpu/sampler.h"

namespace cadenza::cpu {

/// What a thread computes a part of a step in.
struct GenerationWorkspace {
  GenerationWorkspace(const Scratch::Frame& frame, const GenerationWeights& weights,
                      std::int64_t rows);

  float* sums;  ///< [rows, sums, W] of the widest cell
  float* nade;
  SampleScratch sample;
};

/// Some rows of a batch on their way through the steps. A step is a sequence of phases: recurrent
/// layers, dense layers, the draw. A phase falls into items (blocks of units, or rows of the draw)
/// that can be computed in any order and at the same time; it needs all of the phase before.
class GenerationRows {
 public:
  /// Rows [begin, end) of `args`; whatever is passed must outlive it.
  GenerationRows(const Scratch::Frame& frame, const GenerationWeights& weights,
                 const GenerateArgs& args, std::int64_t most_rows);
  /// Floats that so many rows take.
  static std::int64_t floats(const GenerationNetwork& network, std::int64_t rows);

  void load(Range rows);
  /// Phases of one step.
  std::int64_t phases() const {
    return static_cast<std::int64_t>(weights_.layers.size() + dense_.size()) + 1;
  }
  std::int64_t items(std::int64_t phase) const;
  void run(std::int64_t step, std::int64_t phase, Range items, GenerationWorkspace& workspace);
  /// Whether every row has drawn its end token.
  bool ended() const;
  void store(std::int64_t steps) const;

 private:
  struct Layer {
    float* h[2];  // [rows, blocks * W], taken in turns
    float* c;
  };
  struct Dense {
    const PackedDense* weights;
    Matrix input;  // rows of step 0; the recurrent h alternates
    float* out;    // [rows, blocks * W]
  };

  float* state_of(const Layer& layer, std::int64_t state, std::int64_t step) const {
    return state == 0 ? layer.h[step % 2] : layer.c;
  }
  std::int64_t rows() const { return range_.end - range_.begin; }
  void run_layer(std::int64_t step, std::size_t l, Range blocks, float* sums) const;
  void run_dense(std::int64_t step, std::size_t l, Range blocks) const;
  void draw(std::int64_t step, std::int64_t row, GenerationWorkspace& workspace);
  void draw_token(std::int64_t step, std::int64_t row, SampleScratch& scratch);
  void draw_frame(std::int64_t step, std::int64_t row, float* scratch) const;

  const GenerationWeights& weights_;
  const GenerateArgs& args_;
  std::vector<Layer> layers_;
  std::vector<Dense> dense_;  // with that of the NADE's hidden bias, if any, as the last
  std::int32_t* finished_;    // [rows]
  Range range_;
};

}  // namespace cadenza::cpu
