// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "emulation/cudnn/call.h"

namespace cadenza::cudnn_stand_in {
namespace {

constexpr std::uintptr_t kAlignment = 16;
constexpr std::uintptr_t kReserveAlignment = 256;

bool lengths_differ(const cudnnRNNDataStruct& data) {
  return std::any_of(data.lengths.begin(), data.lengths.end(),
                     [&](int length) { return length != data.steps; });
}

/// The largest H of SMALL_H, which is another in each direction.
std::int64_t most_small(const cudnnRNNStruct& rnn, bool backward) {
  const bool gated = rnn.gates() > 1;
  if (backward) return gated ? 128 : 256;
  return gated ? 192 : 384;
}

bool agree(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, const cudnnRNNDataStruct& y) {
  return x.type == rnn.type && y.type == rnn.type && x.steps == y.steps && x.batch == y.batch &&
         x.lengths == y.lengths && x.width == rnn.input && y.width == rnn.directions * rnn.hidden;
}

bool states_agree(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x,
                  const cudnnTensorStruct& state) {
  return state.type == rnn.type && state.rank == 3 && state.extents[0] == rnn.pseudo_layers() &&
         state.extents[1] == x.batch && state.extents[2] == rnn.hidden && state.strides[2] == 1 &&
         state.strides[1] == rnn.hidden && state.strides[0] == x.batch * rnn.hidden;
}

/// Vectors may be read and written everywhere.
bool aligned(const Call& call) {
  const StackMemory& memory = call.memory;
  const void* const arrays[] = {memory.x,   memory.y,       memory.y_given,   memory.hx,
                                memory.cx,  memory.hy,      memory.cy,        memory.dy,
                                memory.dhy, memory.dcy,     memory.dx,        memory.dhx,
                                memory.dcx, memory.weights, memory.d_weights, call.workspace.data};
  const auto at = [](const void* data) { return reinterpret_cast<std::uintptr_t>(data); };
  return at(call.reserve.data) % kReserveAlignment == 0 &&
         std::all_of(std::begin(arrays), std::end(arrays),
                     [&](const void* data) { return at(data) % kAlignment == 0; });
}

}  // namespace

cudnnStatus_t refusal(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, bool backward) {
  if (is_refused(rnn.algorithm)) return fail(CUDNN_STATUS_NOT_SUPPORTED, "refused on request");
  if (rnn.algorithm == CUDNN_RNN_ALGO_STANDARD) return CUDNN_STATUS_SUCCESS;
  if (lengths_differ(x)) return fail(CUDNN_STATUS_NOT_SUPPORTED, "persistent with lengths");
  if (rnn.algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC) {
    if (rnn.hidden <= 1024 && rnn.hidden % 32 == 0) return CUDNN_STATUS_SUCCESS;
    return fail(CUDNN_STATUS_NOT_SUPPORTED, "hiddenSize is not one of the persistent kernels");
  }
  if (rnn.algorithm == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H &&
      rnn.hidden <= most_small(rnn, backward)) {
    return CUDNN_STATUS_SUCCESS;
  }
  return fail(CUDNN_STATUS_NOT_SUPPORTED, "");
}

Sizes sizes_of(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, bool training) {
  const auto rows = static_cast<std::size_t>(x.steps * x.batch * rnn.hidden);
  const auto algorithm = static_cast<std::size_t>(rnn.algorithm);
  const auto record = static_cast<std::size_t>(Stack(rnn, x).record_count()) * sizeof(float);
  return {rows * (training ? 8 : 4) + 40 * algorithm,
          training ? kHeaderBytes + record + 24 * algorithm : 0};
}

cudnnStatus_t check_call(const Call& call, const cudnnRNNDataStruct& y,
                         const cudnnTensorStruct& states, bool training) {
  const cudnnRNNStruct& rnn = call.rnn;
  if (!agree(rnn, call.x, y)) return fail(CUDNN_STATUS_BAD_PARAM, "xDesc and yDesc do not agree");
  if (!states_agree(rnn, call.x, states)) return fail(CUDNN_STATUS_BAD_PARAM, "hDesc is wrong");
  const Sizes sizes = sizes_of(rnn, call.x, training);
  const auto weight_bytes = static_cast<std::size_t>(weight_space_count(rnn)) * bytes_of(rnn.type);
  if (call.weights.bytes != weight_bytes || call.workspace.bytes < sizes.workspace ||
      call.reserve.bytes < sizes.reserve) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a space is too small");
  }
  if (call.weights.data == nullptr || call.workspace.data == nullptr ||
      (training && call.reserve.data == nullptr)) {
    return fail(CUDNN_STATUS_BAD_PARAM, "a space is missing");
  }
  if (!aligned(call)) return fail(CUDNN_STATUS_BAD_PARAM, "a pointer is misaligned");
  if (lengths_differ(call.x) && (rnn.flags & CUDNN_RNN_PADDED_IO_ENABLED) == 0) {
    return fail(CUDNN_STATUS_BAD_PARAM, "padded data without CUDNN_RNN_PADDED_IO_ENABLED");
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace cadenza::cudnn_stand_in
