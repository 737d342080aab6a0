// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "emulation/cudnn/descriptors.h"

// From the front: biases of the last pseudo-layer first and of its last linear layer first, then
// matrices, those of odd numbers before those of even ones, a gap behind each.

namespace cadenza::cudnn_stand_in {
namespace {

constexpr std::int64_t kFront = 5;
constexpr std::int64_t kBiasGap = 3;
constexpr std::int64_t kMatrixGap = 7;

std::int64_t matrix_count(const cudnnRNNStruct& rnn, std::int64_t pseudo_layer, int number) {
  return rnn.hidden * (number < rnn.gates() ? rnn.columns(pseudo_layer) : rnn.hidden);
}

std::int64_t end_of_biases(const cudnnRNNStruct& rnn) {
  return kFront + rnn.pseudo_layers() * 2 * rnn.gates() * (rnn.hidden + kBiasGap);
}

/// visit(pseudo-layer, number, offset) for every matrix in the order of memory; gives the end.
template <typename Visit>
std::int64_t visit_matrices(const cudnnRNNStruct& rnn, const Visit& visit) {
  std::int64_t offset = end_of_biases(rnn);
  for (std::int64_t layer = 0; layer < rnn.pseudo_layers(); ++layer) {
    for (const int first : {1, 0}) {
      for (int number = first; number < 2 * rnn.gates(); number += 2) {
        visit(layer, number, offset);
        offset += matrix_count(rnn, layer, number) + kMatrixGap;
      }
    }
  }
  return offset;
}

}  // namespace

WeightPlace place_of(const cudnnRNNStruct& rnn, std::int64_t pseudo_layer, int number) {
  const std::int64_t biases = rnn.pseudo_layers() * 2 * rnn.gates();
  const std::int64_t bias = biases - 1 - (pseudo_layer * 2 * rnn.gates() + number);
  WeightPlace place = {.bias = kFront + bias * (rnn.hidden + kBiasGap)};
  visit_matrices(rnn, [&](std::int64_t layer, int other, std::int64_t offset) {
    if (layer == pseudo_layer && other == number) place.matrix = offset;
  });
  return place;
}

std::int64_t weight_space_count(const cudnnRNNStruct& rnn) {
  return visit_matrices(rnn, [](std::int64_t, int, std::int64_t) {});
}

}  // namespace cadenza::cudnn_stand_in

using namespace cadenza::cudnn_stand_in;

extern "C" {

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                         std::size_t* bytes) {
  if (handle == nullptr || rnn->directions == 0) return fail(CUDNN_STATUS_BAD_PARAM, "not set");
  *bytes = static_cast<std::size_t>(weight_space_count(*rnn)) * bytes_of(rnn->type);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn,
                                      std::int32_t pseudo_layer, std::size_t bytes,
                                      const void* space, std::int32_t number,
                                      cudnnTensorDescriptor_t matrix, void** matrix_at,
                                      cudnnTensorDescriptor_t bias, void** bias_at) {
  std::size_t expected = 0;
  if (cudnnGetRNNWeightSpaceSize(handle, rnn, &expected) != CUDNN_STATUS_SUCCESS ||
      bytes != expected || space == nullptr || pseudo_layer < 0 ||
      pseudo_layer >= rnn->pseudo_layers() || number < 0 || number >= 2 * rnn->gates()) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a linear layer that the weight space does not have");
  }
  const WeightPlace place = place_of(*rnn, pseudo_layer, number);
  const auto hidden = static_cast<int>(rnn->hidden);
  const auto columns = static_cast<int>(matrix_count(*rnn, pseudo_layer, number) / rnn->hidden);
  const auto at = [&](std::int64_t offset) {
    auto* bytes_at = static_cast<std::byte*>(const_cast<void*>(space));
    return bytes_at + static_cast<std::size_t>(offset) * bytes_of(rnn->type);
  };
  *matrix = {rnn->type, 3, {1, hidden, columns}, {hidden * columns, columns, 1}};
  *bias = {rnn->type, 3, {1, hidden, 1}, {hidden, 1, 1}};
  *matrix_at = at(place.matrix);
  *bias_at = at(place.bias);
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
