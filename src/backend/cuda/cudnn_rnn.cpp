// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_rnn.h"

#include <array>
#include <limits>
#include <vector>

namespace cadenza::cuda {
namespace {

cudnnRNNMode_t mode_of(CellKind cell) {
  switch (cell) {
    case CellKind::rnn_tanh:
      return CUDNN_RNN_TANH;
    case CellKind::rnn_relu:
      return CUDNN_RNN_RELU;
    case CellKind::gru:
      return CUDNN_GRU;
    case CellKind::lstm:
      return CUDNN_LSTM;
  }
  return CUDNN_LSTM;
}

/// Type of the arrays and how they are multiplied. Sums are in f32 in all of them.
struct Numbers {
  cudnnDataType_t type;
  cudnnMathType_t math;
};

Numbers numbers_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return {CUDNN_DATA_FLOAT, CUDNN_FMA_MATH};  // any other kind of f32 is TF32
    case Precision::tf32:
      return {CUDNN_DATA_FLOAT, CUDNN_DEFAULT_MATH};
    case Precision::bf16:
      return {CUDNN_DATA_BFLOAT16, CUDNN_DEFAULT_MATH};
    case Precision::fp16:
      return {CUDNN_DATA_HALF, CUDNN_TENSOR_OP_MATH};
    case Precision::int24:
    case Precision::int16:
    case Precision::int8:
      break;
  }
  return {};
}

/// cuDNN counts in int.
int narrow(std::int64_t value, const char* name) {
  check(value > 0 && value <= std::numeric_limits<int>::max(), "cuDNN: ", name, " is ", value,
        ", expected in [1, 2^31)");
  return static_cast<int>(value);
}

std::vector<std::int32_t> full_lengths(const RnnShape& shape) {
  const int steps = narrow(shape.steps, "T");
  return std::vector<std::int32_t>(static_cast<std::size_t>(narrow(shape.batch, "B")), steps);
}

cudnnForwardMode_t mode_of(RnnPass pass) {
  return pass == RnnPass::training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE;
}

/// Time-major and padded, as all sequences are here; what is beyond a length becomes zero.
void describe(const RnnDataDescriptor& data, const RnnShape& shape, std::int64_t width,
              std::span<const std::int32_t> lengths) {
  float zero = 0.0F;  // all bits are zero in the 16-bit types too
  CADENZA_CUDNN(cudnnSetRNNDataDescriptor, data.get(), numbers_of(shape.precision).type,
                CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, narrow(shape.steps, "T"),
                narrow(shape.batch, "B"), narrow(width, "width"), lengths.data(), &zero);
}

}  // namespace

std::string RnnShape::text() const {
  std::string text = message(info_of(cell).name, " I=", input, " H=", hidden);
  if (layers > 1) text += message(" layers=", layers);
  if (directions == Directions::two) text += " both directions";
  text += message(" T=", steps, " B=", batch, ' ', cadenza::name_of(precision));
  if (lengths == Lengths::varied) text += " with lengths";
  if (pass == RnnPass::inference) text += " without gradients";
  return text;
}

std::string_view name_of(cudnnRNNAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_RNN_ALGO_STANDARD:
      return "STANDARD";
    case CUDNN_RNN_ALGO_PERSIST_STATIC:
      return "PERSIST_STATIC";
    case CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H:
      return "SMALL_H";
    default:
      return "PERSIST_DYNAMIC";
  }
}

CudnnRnn::CudnnRnn(cudnnHandle_t handle, const RnnShape& shape, cudnnRNNAlgo_t algorithm)
    : shape_(shape),
      algorithm_(algorithm),
      dropout_(make_with<DropoutDescriptor>(cudnnCreateDropoutDescriptor,
                                            "cudnnCreateDropoutDescriptor")),
      rnn_(make_with<RnnDescriptor>(cudnnCreateRNNDescriptor, "cudnnCreateRNNDescriptor")),
      x_(make_with<RnnDataDescriptor>(cudnnCreateRNNDataDescriptor,
                                      "cudnnCreateRNNDataDescriptor")),
      y_(make_with<RnnDataDescriptor>(cudnnCreateRNNDataDescriptor,
                                      "cudnnCreateRNNDataDescriptor")),
      state_(
          make_with<TensorDescriptor>(cudnnCreateTensorDescriptor, "cudnnCreateTensorDescriptor")) {
  describe_cells(handle);
  describe_states();
  set_lengths(full_lengths(shape));
  CADENZA_CUDNN(cudnnGetRNNWeightSpaceSize, handle, rnn_.get(), &weight_bytes_);
  CADENZA_CUDNN(cudnnGetRNNTempSpaceSizes, handle, rnn_.get(), mode_of(shape.pass), x_.get(),
                &workspace_bytes_, &reserve_bytes_);
}

void CudnnRnn::describe_cells(cudnnHandle_t handle) {
  // A rate of zero needs no states of a generator.
  CADENZA_CUDNN(cudnnSetDropoutDescriptor, dropout_.get(), handle, 0.0F, nullptr, 0, 0);
  const Numbers numbers = numbers_of(shape_.precision);
  const int hidden = narrow(shape_.hidden, "H");
  // Two biases: the persistent algorithms know nothing else. Without a projection its size is H.
  CADENZA_CUDNN(
      cudnnSetRNNDescriptor_v8, rnn_.get(), algorithm_, mode_of(shape_.cell), CUDNN_RNN_DOUBLE_BIAS,
      shape_.directions == Directions::two ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL,
      CUDNN_LINEAR_INPUT, numbers.type, CUDNN_DATA_FLOAT, numbers.math, narrow(shape_.input, "I"),
      hidden, hidden, narrow(shape_.layers, "layers"), dropout_.get(), CUDNN_RNN_PADDED_IO_ENABLED);
}

void CudnnRnn::describe_states() {
  const int batch = narrow(shape_.batch, "B");
  const int hidden = narrow(shape_.hidden, "H");
  const std::array<int, 3> extents = {narrow(shape_.pseudo_layers(), "layers"), batch, hidden};
  const std::array<int, 3> strides = {narrow(shape_.batch * shape_.hidden, "B * H"), hidden, 1};
  CADENZA_CUDNN(cudnnSetTensorNdDescriptor, state_.get(), numbers_of(shape_.precision).type, 3,
                extents.data(), strides.data());
}

void CudnnRnn::set_lengths(std::span<const std::int32_t> lengths) {
  describe(x_, shape_, shape_.input, lengths);
  describe(y_, shape_, shape_.output(), lengths);
}

void CudnnRnn::require(const char* pass, cudnnStatus_t status) const {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw DeviceError(message(pass, ": ", words_of(status), " (", shape_.text(), ")"));
}

void CudnnRnn::forward(cudnnHandle_t handle, const RnnForwardMemory& memory) const {
  require(
      "cudnnRNNForward",
      cudnnRNNForward(handle, rnn_.get(), mode_of(shape_.pass), nullptr, x_.get(), memory.x,
                      y_.get(), memory.y, state_.get(), memory.h_before, memory.h_after,
                      state_.get(), memory.c_before, memory.c_after, weight_bytes_, memory.weights,
                      workspace_bytes_, memory.workspace, reserve_bytes_, memory.reserve));
}

void CudnnRnn::backward(cudnnHandle_t handle, const RnnBackwardMemory& memory) const {
  require("cudnnRNNBackwardData_v8",
          cudnnRNNBackwardData_v8(
              handle, rnn_.get(), nullptr, y_.get(), memory.y, memory.dy, x_.get(), memory.dx,
              state_.get(), memory.h_before, memory.dh_after, memory.dh_before, state_.get(),
              memory.c_before, memory.dc_after, memory.dc_before, weight_bytes_, memory.weights,
              workspace_bytes_, memory.workspace, reserve_bytes_, memory.reserve));
  require("cudnnRNNBackwardWeights_v8",
          cudnnRNNBackwardWeights_v8(handle, rnn_.get(), CUDNN_WGRAD_MODE_ADD, nullptr, x_.get(),
                                     memory.x, state_.get(), memory.h_before, y_.get(), memory.y,
                                     weight_bytes_, memory.d_weights, workspace_bytes_,
                                     memory.workspace, reserve_bytes_, memory.reserve));
}

}  // namespace cadenza::cuda
