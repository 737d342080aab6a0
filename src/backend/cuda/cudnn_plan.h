// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/cudnn_rnn.h"
#include "backend/cuda/cudnn_weights.h"

namespace cadenza::cuda {

/// A shape with the algorithm that was chosen for it.
struct CudnnPlan {
  std::unique_ptr<CudnnRnn> rnn;
  std::unique_ptr<CudnnWeightLayout> layout;
  std::string choice;  ///< the algorithm, what it was measured against and what was refused
  bool used = false;
};

/// Makes plans by trying: cuDNN knows only at the first pass whether an algorithm takes a shape. It
/// does so on a stream and a handle of its own, so that a plan can be made while the stream of the
/// backend is being captured.
class CudnnPlanner {
 public:
  CudnnPlanner();

  /// The plan of a shape, made at the first call. DeviceError if cuDNN refuses the shape, with its
  /// words for each algorithm; OutOfMemory, which names the shape, if not even its weights fit.
  CudnnPlan& plan(const RnnShape& shape);
  /// What a training pass of the shape needs at most, with and without lengths.
  std::size_t reserve_bytes(RnnShape shape);
  /// A line for each plan that was asked for, in the order of asking.
  const std::vector<std::string>& decisions() const { return decisions_; }

 private:
  CudnnPlan& find_or_make(const RnnShape& shape);
  CudnnPlan make(const RnnShape& shape);

  Stream stream_;
  CudnnHandle handle_;
  std::map<RnnShape, CudnnPlan> plans_;
  std::vector<std::string> decisions_;
};

/// Makes `handle` ready for capture of its stream: what cuDNN sets up at the first pass happens
/// now.
void warm_up(cudnnHandle_t handle, cudaStream_t stream, Precision precision);

}  // namespace cadenza::cuda
