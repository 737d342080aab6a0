// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/device/kernel.h"
#include "kernels/device/launch.h"
#include "kernels/formats.cuh"
#include "kernels/grid.h"
#include "kernels/weight_space.h"

namespace cadenza::kernels {
namespace {

constexpr int kThreads = 256;

// function(element of the array, element of the buffer) for all pieces.
// Mapping: grid y picks the piece, threads along x take its elements in turn.
// Memory: arrays and buffer once; the table of pieces is a parameter; no shared memory.
// Numerics: those of `function`.
// Limits: pieces may start anywhere and have any size.
template <typename Element, typename Function>
__global__ void pieces_kernel(WeightPieces pieces, Element* buffer, Function function) {
  const WeightPiece piece = pieces.pieces[blockIdx.y];
  const std::int64_t threads = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       i < piece.count; i += threads) {
    function(piece.array[i], buffer[piece.offset + i]);
  }
}

template <typename Format>
struct Pack {
  __device__ void operator()(const float& array, typename Format::Element& buffer) const {
    buffer = Format::from(array);
  }
};

template <typename Format>
struct Add {
  const float* scale;
  __device__ void operator()(float& array, const typename Format::Element& buffer) const {
    const float value = Format::to(buffer);
    array += scale == nullptr ? value : value / *scale;
  }
};

template <typename Element, typename Function>
void launch_pieces(const char* name, const WeightPieces& pieces, Element* buffer, Function function,
                   cudaStream_t stream) {
  std::int64_t most = 0;
  for (const WeightPiece& piece : pieces.pieces) most = std::max(most, piece.count);
  launch(
      {.kernel = name,
       .shape = {pieces.count, most},
       .grid = dim3(blocks_for(most, kThreads, kManyBlocks), static_cast<unsigned>(pieces.count)),
       .block = dim3(kThreads),
       .stream = stream},
      pieces_kernel<Element, Function>, pieces, buffer, function);
}

}  // namespace

void pack_weights(const WeightPieces& pieces, void* buffer, Precision precision,
                  cudaStream_t stream) {
  with_format(precision, [&]<typename Format>(Format) {
    launch_pieces("pack_weights", pieces, static_cast<typename Format::Element*>(buffer),
                  Pack<Format>(), stream);
  });
}

void add_weights(const WeightPieces& pieces, const void* buffer, const float* scale,
                 Precision precision, cudaStream_t stream) {
  with_format(precision, [&]<typename Format>(Format) {
    launch_pieces("add_weights", pieces, static_cast<const typename Format::Element*>(buffer),
                  Add<Format>{scale}, stream);
  });
}

}  // namespace cadenza::kernels
