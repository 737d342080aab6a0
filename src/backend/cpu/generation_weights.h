// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "backend/cpu/dense.h"
#include "backend/cpu/generation_kernel.h"
#include "backend/cpu/nade.h"

namespace cadenza::cpu {

/// A layer packed in `format`, in the memory of the frame. With `ids` > 0 it reads ids of so many
/// values, one-hot or rows of `embedding`, and their products are there for each of them.
PackedLayer pack_layer(const Workers& workers, const Scratch::Frame& frame, Precision format,
                       CellKind cell, const RecurrentWeights& weights, std::int64_t ids = 0,
                       const TensorView& embedding = {});
PackedDense pack_dense(const Workers& workers, const Scratch::Frame& frame, Precision format,
                       const DenseWeights& weights);

/// A network packed for generation, in the memory of a frame. Where it reads ids, the products of
/// the first layer's input are there for each of them.
struct GenerationWeights {
  GenerationWeights(const Workers& workers, const Scratch::Frame& frame,
                    const GenerationNetwork& network, Precision format);
  /// What packing `network` takes.
  static std::size_t bytes(const GenerationNetwork& network, Precision format);

  Precision format;

  std::vector<PackedLayer> layers;
  std::vector<PackedDense> dense;
  std::optional<PackedDense> nade_hidden;  ///< NADE only
  NadeWeights nade;
};

}  // namespace cadenza::cpu
