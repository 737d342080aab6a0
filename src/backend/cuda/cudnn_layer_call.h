// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backend/cuda/cudnn_plan.h"
#include "backend/cuda/memory_pool.h"
#include "cadenza/backend.h"
#include "kernels/sequence_copy.h"

namespace cadenza::cuda {

/// Where a call runs.
struct CudnnMachine {
  cudaStream_t stream;
  MemoryPool& pool;
  CudnnPlanner& planner;
  bool capturing;
};

/// What forward and backward are given alike.
struct LayerInput {
  TensorView lengths;
  std::span<const std::int32_t> host_lengths;
  RecurrentWeights weights;
};

/// h and, for cells that have it, c.
template <typename Pointer>
using StatePointers = std::array<Pointer, 2>;

/// One call of the contract on one layer: its plan, and its arrays in the element type of the plan.
/// Between the two stand: the element type; ids, which become rows of a one-hot array, because
/// cuDNN takes vectors alone; rows without steps, which cuDNN fails on, so that they are given one
/// step of zeros and what comes of it is put right; and states in place, which go through scratch.
class LayerCall {
 public:
  /// `shape` for equal lengths; they decide. ArgumentError, which names `operation`, for lengths on
  /// the device alone while its stream is captured.
  LayerCall(const char* operation, const CudnnMachine& machine, const RnnShape& shape,
            const LayerInput& input);

  const CudnnRnn& rnn() const { return *plan_->rnn; }
  void* workspace() const { return workspace_; }
  /// The weights in cuDNN's layout.
  void* weights() const { return weights_; }

  kernels::Rows sequence(std::int64_t width) const;
  kernels::Rows states(std::int64_t count) const;

  /// A view as cuDNN reads it, zero in rows that do not count, times *scale. An absent view gives
  /// zeros.
  const void* input(const kernels::Rows& rows, const TensorView& view,
                    const float* scale = nullptr);
  StatePointers<const void*> input_states(const TensorView& view, const float* scale = nullptr);
  /// Where cuDNN may write what becomes the view: the view itself, or scratch.
  void* output(const kernels::Rows& rows, const TensorView& view);
  /// Always scratch: the caller may want the states in place of others.
  StatePointers<void*> output_states();
  /// Scratch until the end of the call.
  void* take(std::size_t bytes) { return memory_.emplace_back(machine_.pool, bytes).get(); }
  void* zeros(std::size_t bytes);

  /// view = result / *scale; zero in rows that do not count. An absent view is skipped.
  void finish(const kernels::Rows& rows, const void* result, const TensorView& view,
              const float* scale = nullptr) const;
  /// The same for states; rows without steps keep those of `before`.
  void finish_states(const StatePointers<void*>& results, const TensorView& view,
                     const TensorView& before, const float* scale = nullptr) const;
  /// gradients += what cuDNN left in a weight space, / *scale.
  void add_gradients(const void* space, const RecurrentWeights& gradients,
                     const float* scale) const;

 private:
  std::vector<std::int32_t> lengths_for_cudnn(const char* operation, const LayerInput& input) const;
  std::size_t state_count() const;
  std::size_t bytes_of(const kernels::Rows& rows) const;
  bool fits(const TensorView& view) const;
  void copy_out(const kernels::Rows& rows, const kernels::RowsOut& args) const;

  const CudnnMachine& machine_;
  RnnShape shape_;
  const std::int32_t* lengths_ = nullptr;  // on the device; null where all rows have T steps
  CudnnPlan* plan_ = nullptr;
  std::vector<Scratch<std::byte>> memory_;
  void* workspace_ = nullptr;
  void* weights_ = nullptr;
};

}  // namespace cadenza::cuda
