// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace cadenza::kernels {

/// y [N, E] = table [V, E] rows picked by ids [N]; zeros for -1.
struct Embedding {
  const std::int32_t* ids = nullptr;
  const float* table = nullptr;
  float* y = nullptr;
  std::int64_t rows = 0;   ///< N
  std::int64_t width = 0;  ///< E
};
void embedding(const Embedding& args, cudaStream_t stream);

/// How the gradient of a table is stored.
enum class TableLayout : std::uint8_t {
  rows,       ///< [V, E], as an embedding is
  transposed  ///< [E, V], as the weights of one-hot inputs are
};

/// d_table += for every id the sum of its rows of dy [N, E]. Sums are made of the rows in the order
/// of N, in pieces that depend on the number of these rows alone.
struct EmbeddingGradient {
  const std::int32_t* ids = nullptr;
  const float* dy = nullptr;
  float* d_table = nullptr;
  std::int64_t rows = 0;        ///< N, below 2^31
  std::int64_t width = 0;       ///< E
  std::int32_t vocabulary = 0;  ///< V
  TableLayout layout = TableLayout::rows;
};

/// Bytes of the workspace of embedding_backward(), at a multiple of 256.
std::size_t embedding_backward_workspace(std::int64_t rows, std::int32_t vocabulary);
void embedding_backward(const EmbeddingGradient& args, void* workspace, cudaStream_t stream);

}  // namespace cadenza::kernels
