// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "emulation/cudnn/call.h"

using namespace cadenza::cudnn_stand_in;

namespace {

std::int64_t state_count(const Call& call) {
  return call.rnn.pseudo_layers() * call.x.batch * call.rnn.hidden;
}

}  // namespace

extern "C" {

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t, cudnnRNNDescriptor_t rnn,
                                        cudnnForwardMode_t mode, cudnnRNNDataDescriptor_t x,
                                        std::size_t* workspace_bytes, std::size_t* reserve_bytes) {
  const Sizes sizes = sizes_of(*rnn, *x, mode == CUDNN_FWD_MODE_TRAINING);
  *workspace_bytes = sizes.workspace;
  *reserve_bytes = sizes.reserve;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(
    cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode, const std::int32_t*,
    cudnnRNNDataDescriptor_t x_desc, const void* x, cudnnRNNDataDescriptor_t y_desc, void* y,
    cudnnTensorDescriptor_t h_desc, const void* hx, void* hy, cudnnTensorDescriptor_t,
    const void* cx, void* cy, std::size_t weight_bytes, const void* weights,
    std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes, void* reserve) {
  Call call = {
      .rnn = *rnn,
      .x = *x_desc,
      .memory = {.x = x, .y = y, .hx = hx, .cx = cx, .hy = hy, .cy = cy, .weights = weights},
      .weights = {weights, weight_bytes},
      .workspace = {workspace, workspace_bytes},
      .reserve = {reserve, reserve_bytes},
      .outputs = {{y, x_desc->steps * x_desc->batch * y_desc->width}}};
  const bool training = mode == CUDNN_FWD_MODE_TRAINING;
  if (const auto bad = check_call(call, *y_desc, *h_desc, training)) return bad;
  if (const auto refused = refusal(*rnn, *x_desc, false)) return refused;
  if (*std::max_element(x_desc->lengths.begin(), x_desc->lengths.end()) == 0) {
    return fail(CUDNN_STATUS_EXECUTION_FAILED, "");
  }
  if (!training) call.reserve = {};
  return run(handle, PassKind::forward, std::move(call));
}

cudnnStatus_t cudnnRNNBackwardData_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const std::int32_t*,
    cudnnRNNDataDescriptor_t y_desc, const void* y, const void* dy, cudnnRNNDataDescriptor_t x_desc,
    void* dx, cudnnTensorDescriptor_t h_desc, const void* hx, const void* dhy, void* dhx,
    cudnnTensorDescriptor_t, const void* cx, const void* dcy, void* dcx, std::size_t weight_bytes,
    const void* weights, std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes,
    void* reserve) {
  Call call = {.rnn = *rnn,
               .x = *x_desc,
               .memory = {.y_given = y,
                          .hx = hx,
                          .cx = cx,
                          .dy = dy,
                          .dhy = dhy,
                          .dcy = dcy,
                          .dx = dx,
                          .dhx = dhx,
                          .dcx = dcx,
                          .weights = weights},
               .weights = {weights, weight_bytes},
               .workspace = {workspace, workspace_bytes},
               .reserve = {reserve, reserve_bytes},
               .outputs = {{dx, x_desc->steps * x_desc->batch * x_desc->width}}};
  call.outputs.emplace_back(dhx, state_count(call));
  if (const auto bad = check_call(call, *y_desc, *h_desc, true)) return bad;
  if (const auto refused = refusal(*rnn, *x_desc, true)) return refused;
  if (dx == nullptr) return fail(CUDNN_STATUS_BAD_PARAM, "dx is null");
  if (*std::min_element(x_desc->lengths.begin(), x_desc->lengths.end()) == 0) {
    return fail(CUDNN_STATUS_EXECUTION_FAILED, "");
  }
  return run(handle, PassKind::backward_data, std::move(call));
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(
    cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode, const std::int32_t*,
    cudnnRNNDataDescriptor_t x_desc, const void* x, cudnnTensorDescriptor_t h_desc, const void* hx,
    cudnnRNNDataDescriptor_t y_desc, const void* y, std::size_t weight_bytes, void* d_weights,
    std::size_t workspace_bytes, void* workspace, std::size_t reserve_bytes, void* reserve) {
  Call call = {.rnn = *rnn,
               .x = *x_desc,
               .memory = {.x = x, .y_given = y, .hx = hx, .d_weights = d_weights},
               .weights = {d_weights, weight_bytes},
               .workspace = {workspace, workspace_bytes},
               .reserve = {reserve, reserve_bytes},
               .outputs = {{d_weights, weight_space_count(*rnn)}}};
  if (const auto bad = check_call(call, *y_desc, *h_desc, true)) return bad;
  if (const auto refused = refusal(*rnn, *x_desc, true)) return refused;
  if (mode != CUDNN_WGRAD_MODE_ADD) return fail(CUDNN_STATUS_NOT_SUPPORTED, "mode SET");
  return run(handle, PassKind::backward_weights, std::move(call));
}

}  // extern "C"
