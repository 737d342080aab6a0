// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_weights.h"

#include <array>
#include <cstddef>

#include "backend/cuda/cuda_check.h"

namespace cadenza::cuda {
namespace {

/// Throws unless the descriptor is of a contiguous array of `count` elements.
void expect_contiguous(const TensorDescriptor& descriptor, std::int64_t count, const char* what) {
  constexpr int kMaxRank = 8;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int rank = 0;
  std::array<int, kMaxRank> extents = {};
  std::array<int, kMaxRank> strides = {};
  CADENZA_CUDNN(cudnnGetTensorNdDescriptor, descriptor.get(), kMaxRank, &type, &rank,
                extents.data(), strides.data());
  std::int64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    const auto axis = static_cast<std::size_t>(i);
    if (extents[axis] > 1 && strides[axis] != stride) stride = -1;
    stride *= extents[axis];
  }
  if (stride == count) return;
  throw DeviceError(message("cuDNN keeps ", what, " of ", count,
                            " elements in another form than a contiguous array"));
}

}  // namespace

CudnnWeightLayout::CudnnWeightLayout(cudnnHandle_t handle, const CudnnRnn& rnn, void* weight_space)
    : shape_(rnn.shape()),
      gates_(info_of(rnn.shape().cell).gates),
      bytes_(rnn.weight_bytes()),
      base_(weight_space) {
  for (std::int64_t layer = 0; layer < shape_.pseudo_layers(); ++layer) {
    for (int number = 0; number < 2 * gates_; ++number) {
      linears_.push_back(ask(handle, rnn, layer, number));
    }
  }
}

std::int64_t CudnnWeightLayout::inputs(std::int64_t pseudo_layer) const {
  return pseudo_layer < shape_.direction_count() ? shape_.input : shape_.output();
}

CudnnWeightLayout::Linear CudnnWeightLayout::ask(cudnnHandle_t handle, const CudnnRnn& rnn,
                                                 std::int64_t pseudo_layer, int number) const {
  const auto make = [] {
    return make_with<TensorDescriptor>(cudnnCreateTensorDescriptor, "cudnnCreateTensorDescriptor");
  };
  const TensorDescriptor matrix = make();
  const TensorDescriptor bias = make();
  void* matrix_at = nullptr;
  void* bias_at = nullptr;
  CADENZA_CUDNN(cudnnGetRNNWeightParams, handle, rnn.descriptor(),
                static_cast<std::int32_t>(pseudo_layer), bytes_, base_, number, matrix.get(),
                &matrix_at, bias.get(), &bias_at);
  const std::int64_t columns = number < gates_ ? inputs(pseudo_layer) : shape_.hidden;
  expect_contiguous(matrix, shape_.hidden * columns, "a matrix");
  expect_contiguous(bias, shape_.hidden, "a bias");
  const auto element = static_cast<std::int64_t>(shape_.element());
  const auto offset = [&](const void* at, std::int64_t count) {
    const std::int64_t bytes = static_cast<const std::byte*>(at) - static_cast<std::byte*>(base_);
    if (at == nullptr || bytes < 0 || bytes % element != 0 ||
        bytes + count * element > static_cast<std::int64_t>(bytes_)) {
      throw DeviceError(message("cuDNN keeps linear layer ", number, " of layer ", pseudo_layer,
                                " outside its weight space of ", bytes_, " bytes"));
    }
    return bytes / element;
  };
  return {offset(matrix_at, shape_.hidden * columns), offset(bias_at, shape_.hidden)};
}

kernels::WeightPieces CudnnWeightLayout::pieces(std::int64_t pseudo_layer,
                                                const RnnLayerWeights& weights) const {
  kernels::WeightPieces pieces;
  const auto put = [&](float* array, std::int64_t gate, std::int64_t count, std::int64_t offset) {
    pieces.pieces[pieces.count++] = {array + gate * count, offset, count};
  };
  const Linear* linear = &linears_[static_cast<std::size_t>(pseudo_layer * 2 * gates_)];
  for (int gate = 0; gate < gates_; ++gate) {
    put(weights.w_ih, gate, shape_.hidden * inputs(pseudo_layer), linear[gate].matrix);
    put(weights.b_ih, gate, shape_.hidden, linear[gate].bias);
    put(weights.w_hh, gate, shape_.hidden * shape_.hidden, linear[gates_ + gate].matrix);
    put(weights.b_hh, gate, shape_.hidden, linear[gates_ + gate].bias);
  }
  return pieces;
}

void CudnnWeightLayout::pack(std::span<const RnnLayerWeights> weights, void* space,
                             cudaStream_t stream) const {
  // What lies between the pieces is read by some algorithms.
  CADENZA_CUDA_CHECK(cudaMemsetAsync(space, 0, bytes_, stream));
  for (std::size_t layer = 0; layer < weights.size(); ++layer) {
    kernels::pack_weights(pieces(static_cast<std::int64_t>(layer), weights[layer]), space,
                          shape_.precision, stream);
  }
}

void CudnnWeightLayout::add(const void* space, const float* scale,
                            std::span<const RnnLayerWeights> gradients, cudaStream_t stream) const {
  for (std::size_t layer = 0; layer < gradients.size(); ++layer) {
    kernels::add_weights(pieces(static_cast<std::int64_t>(layer), gradients[layer]), space, scale,
                         shape_.precision, stream);
  }
}

}  // namespace cadenza::cuda
