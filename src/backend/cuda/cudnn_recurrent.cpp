// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cudnn_backend.h"
#include "backend/cuda/cudnn_layer_call.h"

// One layer of the contract by cuDNN. In fp16 gradients are scaled by a power of two, which is
// exact, so that the largest that comes in is about one: those of a mean over a batch would vanish.

namespace cadenza {
namespace {

using cuda::LayerCall;
using cuda::RnnPass;
using cuda::RnnShape;
using cuda::StatePointers;
using kernels::Rows;

/// Of the reserve, as cuDNN gets it from others; the contract promises less.
constexpr std::size_t kAlignment = 256;

void* aligned(void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  return static_cast<std::byte*>(data) + (kAlignment - address % kAlignment) % kAlignment;
}

/// What no steps do: states pass through, backwards too.
void pass_state(Backend& backend, const TensorView& from, const TensorView& to) {
  if (to.empty() || to.data == from.data) return;
  if (from.empty()) {
    backend.fill(to, 0.0);
  } else {
    backend.copy(from, to);
  }
}

RnnShape shape_of(const RecurrentSpec& spec, std::int64_t steps, std::int64_t batch) {
  return {.cell = spec.cell,
          .input = spec.input,
          .hidden = spec.hidden,
          .steps = steps,
          .batch = batch};
}

}  // namespace

std::size_t CudnnBackend::do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                                     std::int64_t batch, DType) const {
  if (steps == 0 || batch == 0) return 0;
  RnnShape shape = shape_of(spec, steps, batch);
  shape.precision = rnn_precision_;
  return kAlignment + planner_.reserve_bytes(shape);
}

void CudnnBackend::do_recurrent_forward(const RecurrentSpec& spec,
                                        const RecurrentForwardArgs& args) {
  RnnShape shape = shape_of(spec, args.y.shape[0], args.y.shape[1]);
  if (shape.steps == 0) return pass_state(*this, args.initial_state, args.final_state);
  shape.precision = rnn_precision_;
  shape.pass = args.reserve.empty() ? RnnPass::inference : RnnPass::training;
  const cuda::CudnnMachine machine = {stream(), pool(), planner_, capturing()};
  LayerCall call("recurrent_forward", machine, shape,
                 {args.lengths, args.host_lengths, args.weights});
  const Rows outputs = call.sequence(spec.hidden);
  void* const y = call.output(outputs, args.y);
  const StatePointers<const void*> before = call.input_states(args.initial_state);
  const StatePointers<void*> after = call.output_states();
  call.rnn().forward(handle_.get(),
                     {.x = call.input(call.sequence(spec.input), args.x),
                      .y = y,
                      .h_before = before[0],
                      .c_before = before[1],
                      .h_after = after[0],
                      .c_after = after[1],
                      .weights = call.weights(),
                      .workspace = call.workspace(),
                      .reserve = args.reserve.empty() ? nullptr : aligned(args.reserve.data)});
  call.finish(outputs, y, args.y);
  call.finish_states(after, args.final_state, args.initial_state);
}

void CudnnBackend::do_recurrent_backward(const RecurrentSpec& spec,
                                         const RecurrentBackwardArgs& args) {
  RnnShape shape = shape_of(spec, args.y.shape[0], args.y.shape[1]);
  if (shape.steps == 0) return pass_state(*this, args.d_final_state, args.d_initial_state);
  shape.precision = rnn_precision_;
  const cuda::CudnnMachine machine = {stream(), pool(), planner_, capturing()};
  LayerCall call("recurrent_backward", machine, shape,
                 {args.lengths, args.host_lengths, args.weights});
  const Rows inputs = call.sequence(spec.input);
  const Rows outputs = call.sequence(spec.hidden);
  float* scale = nullptr;
  if (shape.precision == Precision::fp16) {
    scale = static_cast<float*>(call.take(sizeof(float)));
    kernels::find_scale({outputs, args.dy.as<float>()},
                        {call.states(info_of(spec.cell).states), args.d_final_state.as<float>()},
                        scale, stream());
  }
  const StatePointers<const void*> before = call.input_states(args.initial_state);
  const StatePointers<const void*> d_after = call.input_states(args.d_final_state, scale);
  const StatePointers<void*> d_before = call.output_states();
  void* const dx = call.output(inputs, args.dx);
  void* const d_weights = call.zeros(call.rnn().weight_bytes());
  call.rnn().backward(handle_.get(), {.x = call.input(inputs, args.x),
                                      .y = call.input(outputs, args.y),
                                      .h_before = before[0],
                                      .c_before = before[1],
                                      .weights = call.weights(),
                                      .dy = call.input(outputs, args.dy, scale),
                                      .dh_after = d_after[0],
                                      .dc_after = d_after[1],
                                      .dx = dx,
                                      .dh_before = d_before[0],
                                      .dc_before = d_before[1],
                                      .d_weights = d_weights,
                                      .workspace = call.workspace(),
                                      .reserve = aligned(args.reserve.data)});
  call.finish(inputs, dx, args.dx, scale);
  call.finish_states(d_before, args.d_initial_state, args.d_final_state, scale);
  call.add_gradients(d_weights, args.d_weights, scale);
}

}  // namespace cadenza
