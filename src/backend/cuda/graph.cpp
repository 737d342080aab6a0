// SPDX-License-Identifier: Apache-2.0
#include <exception>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cuda_check.h"

// What a training step asks of the device becomes one CUDA graph. Learning rates, step numbers and
// other values of a step are arguments of its kernels, so each step is recorded anew and the
// instantiated graph updated, which costs far less than to instantiate it.

namespace cadenza {
namespace {

/// Brings `exec` to what `graph` says, in place where only arguments differ.
void update_or_instantiate(cuda::GraphExec& exec, const cuda::Graph& graph) {
  if (exec) {
    cudaGraphExecUpdateResultInfo result = {};
    if (cudaGraphExecUpdate(exec.get(), graph.get(), &result) == cudaSuccess) return;
    static_cast<void>(cudaGetLastError());  // another topology, not a failure
  }
  cudaGraphExec_t made = nullptr;
  CADENZA_CUDA_CHECK(cudaGraphInstantiate(&made, graph.get(), 0));
  exec = cuda::GraphExec(made);
}

}  // namespace

void CudaBackend::record(cuda::GraphExec& exec, const std::function<void()>& operations) {
  check(!capturing_, "submit: called inside submit(), expected outside");
  // Relaxed: memory may be allocated meanwhile.
  CADENZA_CUDA_CHECK(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed));
  capturing_ = true;
  pool_.begin_recording();
  std::exception_ptr failure;
  try {
    operations();
  } catch (...) {
    failure = std::current_exception();
  }
  capturing_ = false;
  pool_.end_recording();
  cudaGraph_t captured = nullptr;
  const cudaError_t status = cudaStreamEndCapture(stream(), &captured);
  const cuda::Graph graph(captured);
  if (failure) {
    static_cast<void>(cudaGetLastError());
    std::rethrow_exception(failure);
  }
  CADENZA_CUDA_CHECK(status);
  update_or_instantiate(exec, graph);
}

void CudaBackend::submit(const std::function<void()>& operations) {
  record(submitted_, operations);
  CADENZA_CUDA_CHECK(cudaGraphLaunch(submitted_.get(), stream()));
  staging_.fence();
}

}  // namespace cadenza
