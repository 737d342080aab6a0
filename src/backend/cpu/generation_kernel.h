// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "backend/cpu/panel_gemm.h"
#include "backend/cpu/products.h"
#include "cadenza/backend.h"

// What one step of generation computes with: layers whose weights were packed once. Outputs are
// taken in blocks of panel_width() units, W, the last of them padded; a block needs all of its
// layer's inputs and nothing of the other blocks, so that threads can share out a layer by blocks
// and a batch by rows. In fp32 each sum is one chain of fused multiply-adds from its start value
// over the input and then over h, as recurrent_step() has it; products.h has the other formats,
// whose sums begin with the same start values.

namespace cadenza::cpu {

/// One recurrent layer. "Sums" are the planes of cells.h that products add to.
struct PackedLayer {
  CellKind cell = CellKind::lstm;
  std::int64_t input = 0;   ///< I of a product; 0 where `start` has the products of every id
  std::int64_t hidden = 0;  ///< H
  std::int64_t blocks = 0;
  PackedMatrix w_ih;  ///< [blocks, G, I, W]
  PackedMatrix w_hh;  ///< [blocks, G, H, W]
  /// [blocks, sums, W]: the biases. With ids [V + 1, blocks, sums, W]: for each id what the sums
  /// are before h comes in; the last row is that of id -1.
  const float* start = nullptr;
  std::int64_t ids = 0;  ///< V, or 0

  std::int64_t sums() const;
  std::int64_t start_row() const { return blocks * sums() * panel_width(); }
  std::int64_t width() const { return blocks * panel_width(); }
};

/// Where a step of some rows finds its numbers. Rows of h and c have blocks * W columns.
struct LayerStep {
  std::int64_t rows = 0;
  Factors x;                          ///< [rows, I]
  const std::int32_t* ids = nullptr;  ///< [rows] in [-1, V), instead of x
  Factors factors;                    ///< h as the products read it
  const float* h = nullptr;           ///< before the step
  float* h_next = nullptr;            ///< after it; other memory, as blocks are taken in any order
  void* codes = nullptr;  ///< of h_next, `code_stride` apart; bounded cells and integers only
  std::int64_t code_stride = 0;
  float* c = nullptr;     ///< in place, LSTM only
  float* sums = nullptr;  ///< [rows, sums, W], the thread's own
  bool backward = false;  ///< from the last block to the first
};
/// Takes the units of `blocks` one step on.
void step_layer(const PackedLayer& layer, const LayerStep& step, Range blocks);

/// c [rows, W], `stride` apart, += rows of x * panel number `panel`.
void add_products(const PackedMatrix& matrix, const Factors& x, std::int64_t rows,
                  std::int64_t panel, float* c, std::int64_t stride);

struct PackedDense {
  std::int64_t input = 0, outputs = 0;
  std::int64_t blocks = 0;
  Activation activation = Activation::identity;
  PackedMatrix weight;           ///< [blocks, I, W]
  const float* start = nullptr;  ///< [blocks, W]: the bias

  std::int64_t width() const { return blocks * panel_width(); }
};
/// y [rows, blocks * W] = activation(x * weight^T + bias) for the outputs of `blocks`.
void step_dense(const PackedDense& dense, const Factors& x, std::int64_t rows, float* y,
                Range blocks);

}  // namespace cadenza::cpu
