// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/cuda_check.h"
#include "backend/cuda/recurrent.h"
#include "kernels/transpose.h"

// Back through a sequence: for each step the gradients of the cells and a product that carries them
// to the step before, then one product over all steps for each gradient of the weights.

namespace cadenza {
namespace {

using cuda::at_step;
using cuda::Extents;
using cuda::Factor;
using cuda::Layer;
using cuda::Machine;
using cuda::Record;
using cuda::Scratch;
using cuda::state_of;

/// Gradient of the sums of one kind, [T, B, G, H].
class SumGradient {
 public:
  SumGradient(const Machine& machine, const Layer& layer, std::int64_t rows, bool wanted)
      : width_(layer.gate_rows()),
        wide_(machine.scratch<float>(rows * width_, wanted)),
        narrow_(machine.scratch<std::uint16_t>(rows * width_, wanted && machine.narrow())) {}

  float* wide(const Extents& extents, std::int64_t t) const {
    return at_step(wide_.get(), t, extents, width_);
  }
  std::uint16_t* narrow(const Extents& extents, std::int64_t t) const {
    return at_step(narrow_.get(), t, extents, width_);
  }
  /// From step t on, as a factor of products.
  const void* factor(const Extents& extents, std::int64_t t) const {
    if (narrow_.get() != nullptr) return narrow(extents, t);
    return wide(extents, t);
  }
  TensorView view(std::int64_t rows) const { return {wide_.get(), {rows, width_}}; }

 private:
  std::int64_t width_;
  Scratch<float> wide_;
  Scratch<std::uint16_t> narrow_;
};

/// Gradients of both sums; the same unless the cell separates them.
struct SumGradients {
  const SumGradient& input;
  const SumGradient& recurrent;
};

/// d_state [S, B, H] = what reaches the states after the last step.
void start_state_gradient(const Machine& machine, const TensorView& d_final_state,
                          const TensorView& d_state) {
  if (d_final_state.empty()) {
    CADENZA_CUDA_CHECK(cudaMemsetAsync(d_state.data, 0, d_state.bytes(), machine.stream));
  } else if (d_final_state.data != d_state.data) {
    CADENZA_CUDA_CHECK(cudaMemcpyAsync(d_state.data, d_final_state.data, d_state.bytes(),
                                       cudaMemcpyDeviceToDevice, machine.stream));
  }
}

/// Takes d_state back through all steps; leaves the gradients of the sums behind.
void run_steps_back(const Machine& machine, const Layer& layer, const Extents& extents,
                    const RecurrentBackwardArgs& args, const TensorView& d_state,
                    const SumGradients& gradients) {
  const std::int64_t hidden = layer.hidden;
  const Record record(machine.precision, layer, extents, args.reserve.data);
  const Factor w_hh(machine, args.weights.w_hh.as<float>(), layer.gate_rows() * hidden);
  kernels::CellGradient step = {.cell = layer.cell,
                                .rows = extents.batch,
                                .hidden = hidden,
                                .lengths = extents.lengths,
                                .type = machine.plane_type(),
                                .d_state = {state_of(d_state, 0), state_of(d_state, 1)}};
  for (std::int64_t t = extents.steps - 1; t >= 0; --t) {
    step.step = t;
    step.planes = record.planes(t);
    step.before[0] = t > 0 ? at_step(args.y.as<float>(), t - 1, extents, hidden)
                           : state_of(args.initial_state, 0);
    step.before[1] = t > 0 ? record.c(t - 1) : state_of(args.initial_state, 1);
    step.c = record.c(t);
    step.dy = at_step(args.dy.as<float>(), t, extents, hidden);
    step.d_input = gradients.input.wide(extents, t);
    step.d_input_bf16 = gradients.input.narrow(extents, t);
    step.d_recurrent = gradients.recurrent.wide(extents, t);
    step.d_recurrent_bf16 = gradients.recurrent.narrow(extents, t);
    kernels::differentiate_cells(step, machine.stream);
    if (t == 0 && args.d_initial_state.empty()) break;
    machine.multiply({.m = extents.last_row(t),
                      .n = hidden,
                      .k = layer.gate_rows(),
                      .a = gradients.recurrent.factor(extents, t),
                      .b = w_hh.get(),
                      .c = step.d_state[0],
                      .accumulate = Accumulate::add});
  }
}

/// d_w [G * H, columns] += d_sums [rows, G * H]^T * x [rows, columns].
void add_weight_gradient(const Machine& machine, const Layer& layer, const void* d_sums,
                         const void* x, std::int64_t rows, const TensorView& d_w) {
  machine.multiply({.m = layer.gate_rows(),
                    .n = d_w.shape[1],
                    .k = rows,
                    .a = d_sums,
                    .b = x,
                    .c = d_w.as<float>(),
                    .transpose_a = Transpose::yes,
                    .accumulate = Accumulate::add});
}

/// h before the step: the initial state for the first, y of the step before for the others.
void add_recurrent_gradient(const Machine& machine, const Layer& layer, const Extents& extents,
                            const RecurrentBackwardArgs& args, const SumGradient& d_sums) {
  if (extents.steps == 0) return;
  const TensorView& d_w_hh = args.d_weights.w_hh;
  const Record record(machine.precision, layer, extents, args.reserve.data);
  const void* const h = machine.narrow() ? static_cast<const void*>(record.h(0)) : args.y.data;
  add_weight_gradient(machine, layer, d_sums.factor(extents, 1), h, extents.rows() - extents.batch,
                      d_w_hh);
  if (args.initial_state.empty()) return;
  const Factor initial_h(machine, state_of(args.initial_state, 0), extents.batch * layer.hidden);
  add_weight_gradient(machine, layer, d_sums.factor(extents, 0), initial_h.get(), extents.batch,
                      d_w_hh);
}

/// What comes of a real input: the gradients of w_ih and of x.
void add_input_gradients(const Machine& machine, const Layer& layer, const Extents& extents,
                         const RecurrentBackwardArgs& args, const SumGradient& d_sums) {
  const std::int64_t rows = extents.rows();
  const Factor x(machine, args.x.as<float>(), rows * layer.input);
  add_weight_gradient(machine, layer, d_sums.factor(extents, 0), x.get(), rows,
                      args.d_weights.w_ih);
  if (args.dx.empty()) return;
  const Factor w_ih(machine, args.weights.w_ih.as<float>(), layer.gate_rows() * layer.input);
  machine.multiply({.m = rows,
                    .n = layer.input,
                    .k = layer.gate_rows(),
                    .a = d_sums.factor(extents, 0),
                    .b = w_ih.get(),
                    .c = args.dx.as<float>()});
}

}  // namespace

void CudaBackend::do_recurrent_backward(const RecurrentSpec& spec,
                                        const RecurrentBackwardArgs& args) {
  const Machine machine = {stream(), pool(), gemm(), precision()};
  const Layer layer(spec);
  const Extents extents = {args.y.shape[0], args.y.shape[1], args.lengths.as<std::int32_t>(),
                           args.host_lengths};
  const std::int64_t rows = extents.rows();
  const auto own = machine.scratch<float>(layer.states * extents.batch * layer.hidden,
                                          args.d_initial_state.empty());
  TensorView d_state = args.d_initial_state;
  if (d_state.empty()) {
    d_state = {own.get(), {layer.states, extents.batch, layer.hidden}};
  }
  const SumGradient d_input(machine, layer, rows, true);
  const SumGradient d_separate(machine, layer, rows, layer.separate());
  const SumGradients gradients = {d_input, layer.separate() ? d_separate : d_input};

  start_state_gradient(machine, args.d_final_state, d_state);
  run_steps_back(machine, layer, extents, args, d_state, gradients);
  add_recurrent_gradient(machine, layer, extents, args, gradients.recurrent);
  if (layer.separate()) {
    do_add_column_sums(d_input.view(rows), args.d_weights.b_ih);
    do_add_column_sums(d_separate.view(rows), args.d_weights.b_hh);
  } else {
    // The gradients of both biases are one and the same.
    const auto sums = machine.scratch<float>(layer.gate_rows());
    const TensorView bias_gradient = {sums.get(), {layer.gate_rows()}};
    do_fill(bias_gradient, 0.0);
    do_add_column_sums(d_input.view(rows), bias_gradient);
    do_add(bias_gradient, args.d_weights.b_ih, 1.0);
    do_add(bias_gradient, args.d_weights.b_hh, 1.0);
  }
  if (args.x.dtype != DType::i32) {
    add_input_gradients(machine, layer, extents, args, d_input);
    return;
  }
  // Rows of w_ih^T, which is a table of embeddings.
  const std::int64_t width = layer.gate_rows();
  const auto table = machine.scratch<float>(layer.input * width);
  const TensorView d_table = {table.get(), {layer.input, width}};
  do_fill(d_table, 0.0);
  do_embedding_backward(
      {.ids = args.x.reshaped({rows}), .dy = d_input.view(rows), .d_table = d_table});
  kernels::transpose(table.get(), layer.input, width, args.d_weights.w_ih.as<float>(),
                     Accumulate::add, stream());
}

}  // namespace cadenza
