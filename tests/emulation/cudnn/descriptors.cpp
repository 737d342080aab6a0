// SPDX-License-Identifier: Apache-2.0
#include "emulation/cudnn/descriptors.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "emulation/cudnn/stand_in.h"

namespace cadenza::cudnn_stand_in {
namespace {

constexpr std::size_t kVersion = 91900;

struct State {
  std::size_t version = kVersion;
  std::string last_words;
  std::vector<std::string> complaints;
  std::set<cudnnRNNAlgo_t> refused;
};

State& state() {
  static State state;
  return state;
}

}  // namespace

cudnnStatus_t fail(cudnnStatus_t status, const std::string& words) {
  state().last_words = words;
  return status;
}

bool is_refused(cudnnRNNAlgo_t algorithm) { return state().refused.contains(algorithm); }

std::vector<std::string> take_complaints() { return std::exchange(state().complaints, {}); }
void complain(const std::string& what) { state().complaints.push_back(what); }

Version::Version(std::size_t version) { state().version = version; }
Version::~Version() { state().version = kVersion; }

Refusal::Refusal(cudnnRNNAlgo_t algorithm) : algorithm_(algorithm) {
  state().refused.insert(algorithm);
}
Refusal::~Refusal() { state().refused.erase(algorithm_); }

namespace {

template <typename Struct>
cudnnStatus_t create(Struct** made) {
  if (made == nullptr) return fail(CUDNN_STATUS_BAD_PARAM, "null output");
  *made = new Struct();
  return CUDNN_STATUS_SUCCESS;
}

template <typename Struct>
cudnnStatus_t destroy(Struct* made) {
  delete made;
  return CUDNN_STATUS_SUCCESS;
}

CellKind cell_of(cudnnRNNMode_t mode) {
  switch (mode) {
    case CUDNN_RNN_RELU:
      return CellKind::rnn_relu;
    case CUDNN_RNN_TANH:
      return CellKind::rnn_tanh;
    case CUDNN_GRU:
      return CellKind::gru;
    default:
      return CellKind::lstm;
  }
}

}  // namespace
}  // namespace cadenza::cudnn_stand_in

using cadenza::cudnn_stand_in::create;
using cadenza::cudnn_stand_in::destroy;
using cadenza::cudnn_stand_in::fail;
using cadenza::cudnn_stand_in::state;

extern "C" {

std::size_t cudnnGetVersion() { return state().version; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    default:
      return "CUDNN_STATUS_EXECUTION_FAILED";
  }
}

void cudnnGetLastErrorString(char* words, std::size_t size) {
  const std::string& last = state().last_words;
  const std::size_t count = std::min(size - 1, last.size());
  std::memcpy(words, last.data(), count);
  words[count] = '\0';
  state().last_words.clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return create(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return destroy(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* tensor) {
  return create(tensor);
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t tensor) {
  return destroy(tensor);
}
cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type,
                                         int rank, const int* extents, const int* strides) {
  tensor->type = type;
  tensor->rank = rank;
  std::copy(extents, extents + rank, tensor->extents.begin());
  std::copy(strides, strides + rank, tensor->strides.begin());
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnGetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, int most,
                                         cudnnDataType_t* type, int* rank, int* extents,
                                         int* strides) {
  *type = tensor->type;
  *rank = tensor->rank;
  const int count = std::min(most, tensor->rank);
  std::copy(tensor->extents.begin(), tensor->extents.begin() + count, extents);
  std::copy(tensor->strides.begin(), tensor->strides.begin() + count, strides);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* dropout) {
  return create(dropout);
}
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t dropout) {
  return destroy(dropout);
}
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t dropout, cudnnHandle_t handle,
                                        float rate, void*, std::size_t, unsigned long long) {
  if (handle == nullptr) return fail(CUDNN_STATUS_BAD_PARAM, "null handle");
  if (rate != 0.0F) return fail(CUDNN_STATUS_NOT_SUPPORTED, "no dropout in this stand-in");
  dropout->set = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* rnn) { return create(rnn); }
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t rnn) { return destroy(rnn); }
cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm,
                                       cudnnRNNMode_t cell, cudnnRNNBiasMode_t bias,
                                       cudnnDirectionMode_t directions, cudnnRNNInputMode_t input,
                                       cudnnDataType_t type, cudnnDataType_t math_precision,
                                       cudnnMathType_t math, std::int32_t input_size,
                                       std::int32_t hidden_size, std::int32_t projection_size,
                                       std::int32_t layers, cudnnDropoutDescriptor_t dropout,
                                       std::uint32_t flags) {
  if (input_size <= 0 || hidden_size <= 0 || layers <= 0 || projection_size <= 0 ||
      (flags & ~CUDNN_RNN_PADDED_IO_ENABLED) != 0) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a size or a flag is out of range");
  }
  if (projection_size != hidden_size) {
    return fail(CUDNN_STATUS_NOT_SUPPORTED, "projSize differs from hiddenSize");
  }
  if (dropout == nullptr || !dropout->set) {
    return fail(CUDNN_STATUS_BAD_PARAM, "the dropout descriptor is not set");
  }
  if (type == CUDNN_DATA_DOUBLE || math_precision != CUDNN_DATA_FLOAT ||
      input != CUDNN_LINEAR_INPUT) {
    return fail(CUDNN_STATUS_NOT_SUPPORTED, "a type or mode that this stand-in lacks");
  }
  // The real one has nothing to say about this.
  if (bias != CUDNN_RNN_DOUBLE_BIAS) return fail(CUDNN_STATUS_NOT_SUPPORTED, "");
  *rnn = {.algorithm = algorithm,
          .cell = cadenza::cudnn_stand_in::cell_of(cell),
          .type = type,
          .math = math,
          .directions = directions == CUDNN_BIDIRECTIONAL ? 2 : 1,
          .input = input_size,
          .hidden = hidden_size,
          .layers = layers,
          .flags = flags};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* data) { return create(data); }
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t data) { return destroy(data); }
cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t, int steps, int batch, int width,
                                        const int* lengths, void* padding) {
  if (steps <= 0 || batch <= 0 || width <= 0 || lengths == nullptr || padding == nullptr) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a size or a pointer is missing");
  }
  if (std::any_of(lengths, lengths + batch, [&](int l) { return l < 0 || l > steps; })) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a length is beyond maxSeqLength");
  }
  *data = {type, steps, batch, width, std::vector<int>(lengths, lengths + batch)};
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
