// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "backend/cuda/cudnn_handles.h"
#include "cadenza/backend.h"

namespace cadenza::cuda {

enum class Directions : std::uint8_t { one, two };
/// Whether all rows of a batch have as many steps.
enum class Lengths : std::uint8_t { equal, varied };
enum class RnnPass : std::uint8_t { inference, training };

/// Everything that cuDNN's choice of kernels depends on: a stack of layers over T steps of B rows.
/// D directions give D * H outputs, the forward half first.
struct RnnShape {
  CellKind cell = CellKind::lstm;
  std::int64_t input = 0, hidden = 0;
  std::int64_t layers = 1;
  Directions directions = Directions::one;
  std::int64_t steps = 0, batch = 0;
  Precision precision = Precision::fp32;
  Lengths lengths = Lengths::equal;
  RnnPass pass = RnnPass::training;

  friend auto operator<=>(const RnnShape&, const RnnShape&) = default;

  std::int64_t direction_count() const { return directions == Directions::two ? 2 : 1; }
  /// A layer in one direction; number layer * D + direction.
  std::int64_t pseudo_layers() const { return layers * direction_count(); }
  std::int64_t output() const { return hidden * direction_count(); }
  std::int64_t state_count() const { return pseudo_layers() * batch * hidden; }
  /// Bytes of an element of every array that cuDNN sees.
  std::size_t element() const {
    return precision == Precision::bf16 || precision == Precision::fp16 ? 2 : 4;
  }
  /// "lstm I=128 H=512 T=256 B=64 bf16", for people.
  std::string text() const;
};

std::string_view name_of(cudnnRNNAlgo_t algorithm);

/// Device memory of one pass, elements of RnnShape::element() bytes, all different.
struct RnnForwardMemory {
  const void* x = nullptr;         ///< [T, B, I]
  void* y = nullptr;               ///< [T, B, D * H]
  const void* h_before = nullptr;  ///< [L * D, B, H]
  const void* c_before = nullptr;  ///< the same, LSTM only
  void* h_after = nullptr;
  void* c_after = nullptr;
  const void* weights = nullptr;  ///< CudnnRnn::weight_bytes()
  void* workspace = nullptr;      ///< CudnnRnn::workspace_bytes()
  void* reserve = nullptr;        ///< CudnnRnn::reserve_bytes(), training only
};
struct RnnBackwardMemory {
  const void* x = nullptr;
  const void* y = nullptr;
  const void* h_before = nullptr;
  const void* c_before = nullptr;
  const void* weights = nullptr;  ///< as forward had them
  const void* dy = nullptr;
  const void* dh_after = nullptr;
  const void* dc_after = nullptr;
  void* dx = nullptr;
  void* dh_before = nullptr;
  void* dc_before = nullptr;
  void* d_weights = nullptr;  ///< weight_bytes(), +=
  void* workspace = nullptr;
  void* reserve = nullptr;  ///< as forward left it; used up
};

/// One shape with one algorithm of cuDNN's RNN API (version 8 of it): descriptors and sizes.
class CudnnRnn {
 public:
  /// DeviceError where cuDNN does not know the combination; it may still refuse it at the first
  /// pass.
  CudnnRnn(cudnnHandle_t handle, const RnnShape& shape, cudnnRNNAlgo_t algorithm);

  const RnnShape& shape() const { return shape_; }
  cudnnRNNAlgo_t algorithm() const { return algorithm_; }
  std::size_t weight_bytes() const { return weight_bytes_; }
  std::size_t workspace_bytes() const { return workspace_bytes_; }
  std::size_t reserve_bytes() const { return reserve_bytes_; }
  cudnnRNNDescriptor_t descriptor() const { return rnn_.get(); }

  /// [B], each in [1, T]; of the passes that follow. At first all T.
  void set_lengths(std::span<const std::int32_t> lengths);
  void forward(cudnnHandle_t handle, const RnnForwardMemory& memory) const;
  /// Gradients of data, then of weights: the first prepares the reserve for the second.
  void backward(cudnnHandle_t handle, const RnnBackwardMemory& memory) const;

 private:
  void describe_cells(cudnnHandle_t handle);
  void describe_states();
  /// Throws DeviceError that names the pass and the shape, with cuDNN's words.
  void require(const char* pass, cudnnStatus_t status) const;

  RnnShape shape_;
  cudnnRNNAlgo_t algorithm_;
  DropoutDescriptor dropout_;
  RnnDescriptor rnn_;
  RnnDataDescriptor x_, y_;
  TensorDescriptor state_;
  std::size_t weight_bytes_ = 0, workspace_bytes_ = 0, reserve_bytes_ = 0;
};

}  // namespace cadenza::cuda
