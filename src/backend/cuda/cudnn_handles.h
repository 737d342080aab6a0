// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cudnn.h>

#include <array>
#include <string>

#include "backend/cuda/handles.h"
#include "cadenza/error.h"

namespace cadenza::cuda {

/// What cudnnGetVersion() counts a major version as: 8.9.7 is 8907, 9.19.0 is 91900.
inline std::size_t major_unit(std::size_t version) { return version < 10000 ? 1000 : 10000; }

/// "9.19.0" of 91900.
inline std::string version_text(std::size_t version) {
  const std::size_t unit = major_unit(version);
  return message(version / unit, '.', version % unit / 100, '.', version % 100);
}

/// The name of `status`, and the condition that failed where cuDNN says it.
inline std::string words_of(cudnnStatus_t status) {
  std::array<char, 1024> words = {};
  cudnnGetLastErrorString(words.data(), words.size());
  const std::string name = cudnnGetErrorString(status);
  return words[0] == '\0' ? name : name + ": " + words.data();
}

/// Throws DeviceError that names the call, with cuDNN's words.
inline void throw_if_failed(cudnnStatus_t status, const char* function) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw DeviceError(message(function, ": ", words_of(status)));
}

using CudnnHandle = UniqueHandle<cudnnHandle_t, cudnnDestroy>;
using TensorDescriptor = UniqueHandle<cudnnTensorDescriptor_t, cudnnDestroyTensorDescriptor>;
using DropoutDescriptor = UniqueHandle<cudnnDropoutDescriptor_t, cudnnDestroyDropoutDescriptor>;
using RnnDescriptor = UniqueHandle<cudnnRNNDescriptor_t, cudnnDestroyRNNDescriptor>;
using RnnDataDescriptor = UniqueHandle<cudnnRNNDataDescriptor_t, cudnnDestroyRNNDataDescriptor>;

/// What one of cuDNN's functions that create something gives.
template <typename Unique, typename Raw>
Unique make_with(cudnnStatus_t (*create)(Raw*), const char* function) {
  Raw raw = nullptr;
  throw_if_failed(create(&raw), function);
  return Unique(raw);
}

inline CudnnHandle make_cudnn_handle(cudaStream_t stream) {
  CudnnHandle handle = make_with<CudnnHandle>(cudnnCreate, "cudnnCreate");
  throw_if_failed(cudnnSetStream(handle.get(), stream), "cudnnSetStream");
  return handle;
}

}  // namespace cadenza::cuda

/// Calls one of cuDNN's functions and throws if it fails.
#define CADENZA_CUDNN(function, ...) \
  ::cadenza::cuda::throw_if_failed(function(__VA_ARGS__), #function)
