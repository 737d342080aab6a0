// SPDX-License-Identifier: Apache-2.0
// Graphs keep the captured operations in the order in which they were given, which is one order
// that their dependences allow, and replay them.
#include <algorithm>

#include "stream.h"

namespace {

using cadenza::emulation::Capture;
using cadenza::emulation::Operation;
using cadenza::emulation::remember;
using cadenza::emulation::state_of;

bool same_node(const Operation& a, const Operation& b) {
  return a.kind == b.kind && a.kernel == b.kernel;
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  if (stream == nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  if (stream->state->capture != nullptr) return remember(cudaErrorInvalidValue);
  stream->state->capture = std::make_shared<Capture>(
      Capture{.graph = new CUgraph_st, .origin = stream->state.get(), .mode = mode});
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  const auto capture = state_of(stream)->capture;
  if (capture == nullptr) return remember(cudaErrorInvalidValue);
  if (capture->origin != state_of(stream).get()) return remember(cudaErrorStreamCaptureUnmatched);
  const bool joined = cadenza::emulation::leave_capture(*capture);
  cudaGraph_t captured = std::exchange(capture->graph, nullptr);
  if (capture->valid && joined) {
    *graph = captured;
    return cudaSuccess;
  }
  delete captured;
  return remember(joined ? cudaErrorStreamCaptureInvalidated : cudaErrorStreamCaptureUnjoined);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const auto& capture = state_of(stream)->capture;
  *status = capture == nullptr ? cudaStreamCaptureStatusNone
            : capture->valid   ? cudaStreamCaptureStatusActive
                               : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->operations};
  return cudaSuccess;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* result) {
  *result = {cudaGraphExecUpdateSuccess, nullptr, nullptr};
  if (!std::equal(exec->operations.begin(), exec->operations.end(), graph->operations.begin(),
                  graph->operations.end(), same_node)) {
    result->result = cudaGraphExecUpdateErrorTopologyChanged;
    return remember(cudaErrorGraphExecUpdateFailure);
  }
  exec->operations = graph->operations;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  if (const auto& capture = state_of(stream)->capture) return spoil_capture(*capture);
  for (const Operation& operation : exec->operations) {
    const cudaError_t status = cadenza::emulation::enqueue(stream, operation);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* count) {
  if (nodes != nullptr) return remember(cudaErrorInvalidValue);  // only the count is kept
  *count = graph->operations.size();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
