// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/cudnn_rnn.h"
#include "kernels/weight_space.h"

namespace cadenza::cuda {

/// Weights of a layer in one direction in PyTorch's layout, f32 on the device.
struct RnnLayerWeights {
  float* w_ih = nullptr;  ///< [G * H, I], of later layers [G * H, D * H]
  float* w_hh = nullptr;  ///< [G * H, H]
  float* b_ih = nullptr;  ///< [G * H]
  float* b_hh = nullptr;
};

/// Where cuDNN has the matrices and biases of a shape in its weight space. The order of gates is
/// PyTorch's; everything else is asked for.
class CudnnWeightLayout {
 public:
  /// `weight_space`: any device memory of rnn.weight_bytes(); its content does not matter.
  /// DeviceError if the answers are not arrays of the expected extents.
  CudnnWeightLayout(cudnnHandle_t handle, const CudnnRnn& rnn, void* weight_space);

  /// Fills `space` with zeros and the weights, one entry per pseudo-layer, in the type of the
  /// shape.
  void pack(std::span<const RnnLayerWeights> weights, void* space, cudaStream_t stream) const;
  /// gradients += space / *scale; `scale` is a power of two on the device, or null: 1.
  void add(const void* space, const float* scale, std::span<const RnnLayerWeights> gradients,
           cudaStream_t stream) const;

 private:
  /// A linear layer of a gate: offsets in elements.
  struct Linear {
    std::int64_t matrix = 0, bias = 0;
  };

  Linear ask(cudnnHandle_t handle, const CudnnRnn& rnn, std::int64_t pseudo_layer,
             int number) const;
  kernels::WeightPieces pieces(std::int64_t pseudo_layer, const RnnLayerWeights& weights) const;
  /// Columns of the input matrices of a pseudo-layer.
  std::int64_t inputs(std::int64_t pseudo_layer) const;

  RnnShape shape_;
  int gates_;
  std::size_t bytes_;
  void* base_;                   // while asking
  std::vector<Linear> linears_;  // [L * D, 2 * G], input side first
};

}  // namespace cadenza::cuda
