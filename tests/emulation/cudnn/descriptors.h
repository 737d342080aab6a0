// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cudnn.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/cell.h"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  int rank = 0;
  std::array<int, 8> extents = {}, strides = {};
};
struct cudnnDropoutStruct {
  bool set = false;
};
struct cudnnRNNStruct {
  cudnnRNNAlgo_t algorithm = CUDNN_RNN_ALGO_STANDARD;
  cadenza::CellKind cell = cadenza::CellKind::lstm;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  std::int64_t directions = 0;  // 0: not set
  std::int64_t input = 0, hidden = 0, layers = 0;
  std::uint32_t flags = 0;

  int gates() const { return cadenza::info_of(cell).gates; }
  std::int64_t pseudo_layers() const { return layers * directions; }
  /// Columns of the input matrices of a pseudo-layer.
  std::int64_t columns(std::int64_t pseudo_layer) const {
    return pseudo_layer < directions ? input : directions * hidden;
  }
};
struct cudnnRNNDataStruct {
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::int64_t steps = 0, batch = 0, width = 0;
  std::vector<int> lengths;
};

namespace cadenza::cudnn_stand_in {

/// Keeps `words` for cudnnGetLastErrorString(), unless they are empty, and gives the status.
cudnnStatus_t fail(cudnnStatus_t status, const std::string& words);
bool is_refused(cudnnRNNAlgo_t algorithm);
inline std::size_t bytes_of(cudnnDataType_t type) { return type == CUDNN_DATA_FLOAT ? 4 : 2; }

/// Places in the weight space, in elements.
struct WeightPlace {
  std::int64_t matrix = 0, bias = 0;
};
WeightPlace place_of(const cudnnRNNStruct& rnn, std::int64_t pseudo_layer, int number);
std::int64_t weight_space_count(const cudnnRNNStruct& rnn);

}  // namespace cadenza::cudnn_stand_in
