// SPDX-License-Identifier: Apache-2.0
#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/recurrent.h"
#include "kernels/recurrent_input.h"
#include "kernels/recurrent_step.h"
#include "kernels/transpose.h"

// A layer over a whole sequence: one product for the inputs of all steps, then for each step a
// product with w_hh on top of it and the cells.

namespace cadenza {
namespace {

using cuda::at_step;
using cuda::Extents;
using cuda::Factor;
using cuda::Layer;
using cuda::Machine;
using cuda::Record;
using cuda::state_of;

/// sums = biases + the columns of w_ih that ids [rows] pick.
void gather_inputs(const Machine& machine, const Layer& layer, const float* w_ih,
                   const std::int32_t* ids, const kernels::StartSums& start) {
  if (start.rows < layer.input) {
    kernels::gather_inputs(start, {ids, w_ih, layer.input, 1}, machine.stream);
    return;
  }
  // So many rows are worth a copy whose columns are contiguous.
  const auto table = machine.scratch<float>(layer.gate_rows() * layer.input);
  kernels::transpose(w_ih, layer.gate_rows(), layer.input, table.get(), Accumulate::overwrite,
                     machine.stream);
  kernels::gather_inputs(start, {ids, table.get(), 1, layer.gate_rows()}, machine.stream);
}

/// sums = biases + x * w_ih^T for real x [rows, I].
void multiply_inputs(const Machine& machine, const Layer& layer, const float* w_ih, const float* x,
                     kernels::StartSums start) {
  kernels::start_separate_sums(start, machine.stream);
  float* const sums = start.sums;
  const std::int64_t rows = start.rows;
  const auto bias = machine.scratch<float>(layer.plane_row());
  start.rows = 1;
  start.sums = bias.get();
  kernels::start_sums(start, machine.stream);
  const Factor x_factor(machine, x, rows * layer.input);
  const Factor w_factor(machine, w_ih, layer.gate_rows() * layer.input);
  kernels::Product product = {.m = rows,
                              .n = layer.joined_rows(),
                              .k = layer.input,
                              .a = x_factor.get(),
                              .b = w_factor.get(),
                              .c = sums,
                              .transpose_b = Transpose::yes,
                              .bias = bias.get(),
                              .stride_c = layer.plane_row()};
  machine.multiply(product);
  product.n = layer.gate_rows() - layer.joined_rows();
  product.b = cuda::factor_at(machine, w_factor.get(), layer.joined_rows() * layer.input);
  product.c += layer.gate_rows();
  product.bias += layer.gate_rows();
  machine.multiply(product);
}

/// sums [T, B, planes, H] = biases and input products of all steps.
void compute_inputs(const Machine& machine, const Layer& layer, const RecurrentForwardArgs& args,
                    std::int64_t rows, float* sums) {
  if (rows == 0) return;
  const auto* w_ih = args.weights.w_ih.as<float>();
  const kernels::StartSums start = {.cell = layer.cell,
                                    .rows = rows,
                                    .hidden = layer.hidden,
                                    .b_ih = args.weights.b_ih.as<float>(),
                                    .b_hh = args.weights.b_hh.as<float>(),
                                    .sums = sums};
  if (args.x.dtype == DType::i32) {
    gather_inputs(machine, layer, w_ih, args.x.as<std::int32_t>(), start);
  } else {
    multiply_inputs(machine, layer, w_ih, args.x.as<float>(), start);
  }
}

/// From the input sums through all steps to y and the record.
void run_steps(const Machine& machine, const Layer& layer, const Extents& extents,
               const RecurrentForwardArgs& args, float* sums, const Record& record) {
  const std::int64_t hidden = layer.hidden;
  auto* const y = args.y.as<float>();
  const float* const initial_h = state_of(args.initial_state, 0);
  const Factor initial_factor(machine, initial_h, extents.batch * hidden);
  const Factor w_hh(machine, args.weights.w_hh.as<float>(), layer.gate_rows() * hidden);
  const void* h_factor = initial_factor.get();
  kernels::CellStep step = {.cell = layer.cell,
                            .rows = extents.batch,
                            .hidden = hidden,
                            .lengths = extents.lengths,
                            .before = {initial_h, state_of(args.initial_state, 1)},
                            .type = machine.plane_type()};
  for (std::int64_t t = 0; t < extents.steps; ++t) {
    step.step = t;
    step.sums = at_step(sums, t, extents, layer.plane_row());
    if (h_factor != nullptr) {
      machine.multiply({.m = extents.last_row(t),
                        .n = layer.gate_rows(),
                        .k = hidden,
                        .a = h_factor,
                        .b = w_hh.get(),
                        .c = at_step(sums, t, extents, layer.plane_row()),
                        .transpose_b = Transpose::yes,
                        .accumulate = Accumulate::add,
                        .stride_c = layer.plane_row()});
    }
    step.planes = args.reserve.empty() ? nullptr : record.planes(t);
    step.y = at_step(y, t, extents, hidden);
    step.c = record.c(t);
    step.y_bf16 = record.h(t);
    kernels::step_cells(step, machine.stream);
    step.before[0] = step.y;
    step.before[1] = step.c;
    h_factor = machine.narrow() ? static_cast<const void*>(step.y_bf16) : step.y;
  }
}

}  // namespace

std::size_t CudaBackend::do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                                    std::int64_t batch, DType) const {
  return Record(precision(), Layer(spec), {.steps = steps, .batch = batch}, nullptr).bytes();
}

void CudaBackend::do_recurrent_forward(const RecurrentSpec& spec,
                                       const RecurrentForwardArgs& args) {
  const Machine machine = {stream(), pool(), gemm(), precision()};
  const Layer layer(spec);
  const Extents extents = {args.y.shape[0], args.y.shape[1], args.lengths.as<std::int32_t>(),
                           args.host_lengths};
  const bool kept = !args.reserve.empty();
  const std::size_t record_bytes = Record(machine.precision, layer, extents, nullptr).bytes();
  const auto own = machine.scratch<std::byte>(static_cast<std::int64_t>(record_bytes), !kept);
  const Record record(machine.precision, layer, extents, kept ? args.reserve.data : own.get());
  // In f32 activations take the places of the sums.
  const auto wide = machine.scratch<float>(extents.rows() * layer.plane_row(), machine.narrow());
  float* const sums = machine.narrow() ? wide.get() : static_cast<float*>(record.planes(0));
  compute_inputs(machine, layer, args, extents.rows(), sums);
  run_steps(machine, layer, extents, args, sums, record);
  if (args.final_state.empty()) return;
  kernels::pick_final_state({.states = layer.states,
                             .steps = extents.steps,
                             .batch = extents.batch,
                             .hidden = layer.hidden,
                             .lengths = extents.lengths,
                             .y = args.y.as<float>(),
                             .c = record.c(0),
                             .initial_state = args.initial_state.as<float>(),
                             .final_state = args.final_state.as<float>()},
                            stream());
}

void CudaBackend::do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) {
  const Machine machine = {stream(), pool(), gemm(), precision()};
  const TensorView h = args.state.at(0);
  // Blocks write h of their units while others still read it.
  const auto before = machine.scratch<float>(h.count());
  do_copy(h, {before.get(), h.shape});
  const bool has_ids = args.x.dtype == DType::i32;
  kernels::recurrent_step({.cell = spec.cell,
                           .batch = h.shape[0],
                           .input = spec.input,
                           .hidden = spec.hidden,
                           .x = has_ids ? nullptr : args.x.as<float>(),
                           .ids = has_ids ? args.x.as<std::int32_t>() : nullptr,
                           .w_ih = args.weights.w_ih.as<float>(),
                           .w_hh = args.weights.w_hh.as<float>(),
                           .b_ih = args.weights.b_ih.as<float>(),
                           .b_hh = args.weights.b_hh.as<float>(),
                           .h = before.get(),
                           .state = args.state.as<float>()},
                          machine.precision, stream());
}

}  // namespace cadenza
