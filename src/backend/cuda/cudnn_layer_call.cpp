// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_layer_call.h"

#include <algorithm>

#include "backend/cuda/cuda_check.h"

namespace cadenza::cuda {
namespace {

using kernels::RowRule;
using kernels::Rows;

/// Views at such addresses can be read and written in vectors.
constexpr std::uintptr_t kVectorBytes = 16;

RnnLayerWeights pointers_of(const RecurrentWeights& weights) {
  return {weights.w_ih.as<float>(), weights.w_hh.as<float>(), weights.b_ih.as<float>(),
          weights.b_hh.as<float>()};
}

/// State s of a view [S, B, H]; absent where the view or the state is.
TensorView state_of(const TensorView& states, std::size_t s) {
  const auto index = static_cast<std::int64_t>(s);
  return states.empty() || index >= states.shape[0] ? TensorView{} : states.at(index);
}

}  // namespace

LayerCall::LayerCall(const char* operation, const CudnnMachine& machine, const RnnShape& shape,
                     const LayerInput& input)
    : machine_(machine), shape_(shape) {
  const std::vector<std::int32_t> lengths = lengths_for_cudnn(operation, input);
  if (!lengths.empty()) {
    shape_.lengths = Lengths::varied;
    lengths_ = input.lengths.as<std::int32_t>();
  }
  plan_ = &machine_.planner.plan(shape_);
  if (!lengths.empty()) plan_->rnn->set_lengths(lengths);
  workspace_ = take(plan_->rnn->workspace_bytes());
  weights_ = take(plan_->rnn->weight_bytes());
  const RnnLayerWeights weights = pointers_of(input.weights);
  plan_->layout->pack({&weights, 1}, weights_, machine_.stream);
}

/// At least 1; empty where all are T.
std::vector<std::int32_t> LayerCall::lengths_for_cudnn(const char* operation,
                                                       const LayerInput& input) const {
  if (input.lengths.empty()) return {};
  std::vector<std::int32_t> lengths(input.host_lengths.begin(), input.host_lengths.end());
  if (lengths.empty()) {
    check(!machine_.capturing, operation,
          ": backend 'cudnn' got lengths on the device alone, expected host_lengths inside "
          "submit() because cuDNN reads them on the host");
    lengths.resize(static_cast<std::size_t>(shape_.batch));
    CADENZA_CUDA_CHECK(cudaMemcpyAsync(lengths.data(), input.lengths.data, input.lengths.bytes(),
                                       cudaMemcpyDeviceToHost, machine_.stream));
    CADENZA_CUDA_CHECK(cudaStreamSynchronize(machine_.stream));
  }
  const auto full = [&](std::int32_t length) { return length == shape_.steps; };
  if (std::all_of(lengths.begin(), lengths.end(), full)) return {};
  for (std::int32_t& length : lengths) length = std::max(length, std::int32_t{1});
  return lengths;
}

Rows LayerCall::sequence(std::int64_t width) const {
  return {shape_.steps, shape_.batch, width, lengths_, RowRule::within_length};
}

Rows LayerCall::states(std::int64_t count) const {
  return {count, shape_.batch, shape_.hidden, lengths_, RowRule::some_length};
}

const void* LayerCall::input(const Rows& rows, const TensorView& view, const float* scale) {
  if (view.empty()) return zeros(bytes_of(rows));
  if (view.dtype != DType::i32 && lengths_ == nullptr && fits(view)) return view.data;
  void* copy = take(bytes_of(rows));
  if (view.dtype == DType::i32) {
    kernels::one_hot_rows(rows, view.as<std::int32_t>(), copy, shape_.precision, machine_.stream);
  } else {
    kernels::copy_rows_in(rows, view.as<float>(), scale, copy, shape_.precision, machine_.stream);
  }
  return copy;
}

StatePointers<const void*> LayerCall::input_states(const TensorView& view, const float* scale) {
  StatePointers<const void*> result = {};
  for (std::size_t s = 0; s < state_count(); ++s) {
    result[s] = input(states(1), state_of(view, s), scale);
  }
  return result;
}

void* LayerCall::output(const Rows& rows, const TensorView& view) {
  return fits(view) ? view.data : take(bytes_of(rows));
}

StatePointers<void*> LayerCall::output_states() {
  StatePointers<void*> result = {};
  for (std::size_t s = 0; s < state_count(); ++s) result[s] = take(bytes_of(states(1)));
  return result;
}

void* LayerCall::zeros(std::size_t bytes) {
  void* data = take(bytes);
  if (bytes > 0) CADENZA_CUDA_CHECK(cudaMemsetAsync(data, 0, bytes, machine_.stream));
  return data;
}

void LayerCall::finish(const Rows& rows, const void* result, const TensorView& view,
                       const float* scale) const {
  if (view.empty() || (result == view.data && lengths_ == nullptr)) return;
  copy_out(rows, {.from = result, .scale = scale, .to = view.as<float>()});
}

void LayerCall::finish_states(const StatePointers<void*>& results, const TensorView& view,
                              const TensorView& before, const float* scale) const {
  if (view.empty()) return;
  for (std::size_t s = 0; s < state_count(); ++s) {
    copy_out(states(1), {.from = results[s],
                         .scale = scale,
                         .otherwise = state_of(before, s).as<float>(),
                         .to = state_of(view, s).as<float>()});
  }
}

void LayerCall::add_gradients(const void* space, const RecurrentWeights& gradients,
                              const float* scale) const {
  const RnnLayerWeights pointers = pointers_of(gradients);
  plan_->layout->add(space, scale, {&pointers, 1}, machine_.stream);
}

std::size_t LayerCall::state_count() const {
  return static_cast<std::size_t>(info_of(shape_.cell).states);
}

std::size_t LayerCall::bytes_of(const Rows& rows) const {
  return static_cast<std::size_t>(rows.count * rows.batch * rows.width) * shape_.element();
}

/// Whether cuDNN can work on the memory of the view.
bool LayerCall::fits(const TensorView& view) const {
  return !view.empty() && shape_.element() == sizeof(float) &&
         reinterpret_cast<std::uintptr_t>(view.data) % kVectorBytes == 0;
}

void LayerCall::copy_out(const Rows& rows, const kernels::RowsOut& args) const {
  kernels::copy_rows_out(rows, args, shape_.precision, machine_.stream);
}

}  // namespace cadenza::cuda
