// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "backend/cpu/dense.h"
#include "backend/cpu/generation_kernel.h"
#include "backend/cpu/nade.h"

namespace cadenza::cpu {

/// A network packed for generation, in the memory of a frame. Where it reads ids, the products of
/// the first layer's input are there for each of them.
struct GenerationWeights {
  GenerationWeights(const Workers& workers, const Scratch::Frame& frame,
                    const GenerationNetwork& network);
  /// What packing `network` takes.
  static std::size_t bytes(const GenerationNetwork& network);

  std::vector<PackedLayer> layers;
  std::vector<PackedDense> dense;
  std::optional<PackedDense> nade_hidden;  ///< NADE only
  NadeWeights nade;
};

}  // namespace cadenza::cpu
