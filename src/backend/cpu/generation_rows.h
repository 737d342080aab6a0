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
/// layers, dense layers, the draw, and where products read codes (products.h) of rows that no cell
/// bounds, their encoding. A phase falls into items (blocks of units, or rows) that can be computed
/// in any order and at the same time; it needs all of the phase before.
class GenerationRows {
 public:
  /// Rows [begin, end) of `args`; whatever is passed must outlive it.
  GenerationRows(const Scratch::Frame& frame, const GenerationWeights& weights,
                 const GenerateArgs& args, std::int64_t most_rows);
  /// What so many rows take.
  static std::size_t bytes(const GenerationNetwork& network, Precision format, std::int64_t rows);

  void load(Range rows);
  /// Phases of one step.
  std::int64_t phases() const { return static_cast<std::int64_t>(phases_.size()); }
  std::int64_t items(std::int64_t phase) const;
  void run(std::int64_t step, std::int64_t phase, Range items, GenerationWorkspace& workspace);
  /// Whether every row has drawn its end token.
  bool ended() const;
  void store(std::int64_t steps) const;

 private:
  struct Phase {
    enum class Kind : std::uint8_t { layer, encode_layer, dense, encode_dense, draw };
    Kind kind;
    std::size_t index;
  };
  /// Rows of codes; none without integers.
  struct Codes {
    std::byte* data = nullptr;
    std::int64_t stride = 0;  // in codes
    float* steps = nullptr;   // [rows]

    Factors factors() const { return {data, stride, steps}; }
  };
  struct Layer {
    float* h[2];  // [rows, blocks * W], taken in turns
    float* c;
    Codes codes[3];  // of h, taken in turns; the last those of step 0
  };
  struct Dense {
    const PackedDense* weights;
    std::int64_t source;  // number of the one that it reads; -1: the last h
    float* out;           // [rows, blocks * W]
    Codes codes;          // if others read it
  };

  float* state_of(const Layer& layer, std::int64_t state, std::int64_t step) const {
    return state == 0 ? layer.h[step % 2] : layer.c;
  }
  std::int64_t rows() const { return range_.end - range_.begin; }
  Codes take_codes(const Scratch::Frame& frame, std::int64_t most_rows, std::int64_t columns) const;
  void encode(const Codes& codes, std::int64_t row, const float* x, std::int64_t columns) const;
  void encode_input(std::int64_t row) const;
  void add_dense(const Scratch::Frame& frame, const PackedDense& packed, std::int64_t source,
                 std::int64_t most_rows, bool read);
  /// h before `step` as products read it.
  Factors h_factors(std::size_t l, std::int64_t step) const;
  void run_layer(std::int64_t step, std::size_t l, Range blocks, float* sums) const;
  void run_dense(std::int64_t step, std::size_t l, Range blocks) const;
  void draw(std::int64_t step, std::int64_t row, GenerationWorkspace& workspace);
  void draw_token(std::int64_t step, std::int64_t row, SampleScratch& scratch);
  void draw_frame(std::int64_t step, std::int64_t row, float* scratch) const;

  const GenerationWeights& weights_;
  const GenerateArgs& args_;
  std::vector<Phase> phases_;
  std::vector<Layer> layers_;
  std::vector<Dense> dense_;  // with that of the NADE's hidden bias, if any, as the last
  Codes input_;               // of frames
  std::int32_t* finished_;    // [rows]
  Range range_;
};

}  // namespace cadenza::cpu
