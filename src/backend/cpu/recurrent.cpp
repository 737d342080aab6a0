// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "backend/cpu/cells.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/dense.h"
#include "backend/reference/loops.h"

// A layer over a whole sequence: one product for the inputs of all steps, then every thread takes
// its rows of the batch through all steps without waiting for the others, then one product for each
// gradient of the weights. Activations lie in rows of planes (cells.h), [T, B, planes, H], which is
// what the reserve holds.

namespace cadenza {
namespace {

using cpu::Matrix;
using cpu::Range;
using cpu::Scratch;
using cpu::StateRows;
using cpu::Workers;
using cpu::worth_a_thread;

struct Layer {
  CellKind kind;
  std::int64_t input, hidden, gates, states;
  cpu::CellLayout layout;

  explicit Layer(const RecurrentSpec& spec)
      : kind(spec.cell),
        input(spec.input),
        hidden(spec.hidden),
        gates(info_of(spec.cell).gates),
        states(info_of(spec.cell).states),
        layout(cpu::kCellLayouts[static_cast<std::size_t>(spec.cell)]) {}

  std::int64_t gate_rows() const { return gates * hidden; }
  /// From row to row of the gradients of sums: rows a power of two apart would share a few sets of
  /// the caches when columns are read.
  std::int64_t gradient_row() const { return gate_rows() + 16; }
  Matrix gradient_rows(const float* data, std::int64_t rows) const {
    return {data, rows, gate_rows(), gradient_row(), 1};
  }
  std::int64_t joined_rows() const { return layout.joined * hidden; }
  std::int64_t plane_row() const { return layout.planes * hidden; }
  /// Planes that start as sums, as floats of a row.
  std::int64_t sum_row() const { return 2 * gate_rows() - joined_rows(); }
  /// Multiply-adds of one step of one row.
  std::int64_t step_work() const { return gate_rows() * (hidden + 64); }
  bool separate() const { return layout.joined < gates; }
};

/// Checks what indexes memory.
void check_ids(std::string_view operation, const TensorView& x, std::int64_t width) {
  if (x.dtype != DType::i32) return;
  const auto* ids = x.as<std::int32_t>();
  for (std::int64_t n = 0; n < x.count(); ++n) reference::check_id(operation, ids[n], n, width);
}

void check_lengths(std::string_view operation, const TensorView& lengths, std::int64_t steps) {
  const auto* given = lengths.as<std::int32_t>();
  for (std::int64_t b = 0; b < lengths.count(); ++b) {
    check(given[b] >= 0 && given[b] <= steps, operation, ": length ", given[b], " of row ", b,
          ", expected in [0, T=", steps, "]");
  }
}

/// Sums without any product: the biases, where the products go.
void set_start(const Layer& layer, const RecurrentWeights& weights, float* start) {
  const auto* b_ih = weights.b_ih.as<float>();
  const auto* b_hh = weights.b_hh.as<float>();
  std::copy_n(b_hh, layer.gate_rows(), start);
  for (std::int64_t i = 0; i < layer.joined_rows(); ++i) start[i] += b_ih[i];
  std::copy(b_ih + layer.joined_rows(), b_ih + layer.gate_rows(), start + layer.gate_rows());
}

/// Sums `begin` to `end` of `start` go into every row of planes.
void set_sums(const Workers& workers, const Layer& layer, const float* start, Range sums,
              std::int64_t rows, float* planes) {
  workers.pool.parallel_for(rows, worth_a_thread(8 * layer.sum_row()),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              for (std::int64_t n = begin; n < end; ++n) {
                                std::copy(start + sums.begin, start + sums.end,
                                          planes + n * layer.plane_row() + sums.begin);
                              }
                            });
}

/// planes [rows, planes, H] = start + x * W_ih^T for real x [rows, I].
void multiply_inputs(const Workers& workers, const Layer& layer, const RecurrentWeights& weights,
                     const Matrix& x, const float* start, float* planes) {
  const std::int64_t joined = layer.joined_rows();
  const std::int64_t apart = layer.gate_rows() - joined;
  const auto* w_ih = weights.w_ih.as<float>();
  cpu::multiply(workers, x, {w_ih, layer.input, joined, 1, layer.input},
                {planes, layer.plane_row(), start, Accumulate::overwrite});
  if (!layer.separate()) return;
  // What no input adds to.
  set_sums(workers, layer, start, {joined, layer.gate_rows()}, x.rows, planes);
  cpu::multiply(workers, x, {w_ih + joined * layer.input, layer.input, apart, 1, layer.input},
                {planes + layer.gate_rows(), layer.plane_row(), start + layer.gate_rows(),
                 Accumulate::overwrite});
}

/// planes += columns of W_ih picked by ids [rows].
void add_inputs(const Workers& workers, const Layer& layer, const RecurrentWeights& weights,
                std::span<const std::int32_t> ids, float* planes) {
  const Scratch::Frame frame(workers.scratch);
  const auto* column = weights.w_ih.as<float>();
  std::int64_t row_stride = layer.input;
  std::int64_t id_stride = 1;
  const auto rows = static_cast<std::int64_t>(ids.size());
  if (rows >= layer.input) {  // worth a transposed copy
    float* const table = frame.floats(layer.gate_rows() * layer.input);
    workers.pool.parallel_for(layer.input, worth_a_thread(8 * layer.gate_rows(), 16),
                              [&](std::int64_t begin, std::int64_t end, int) {
                                cpu::transpose(column + begin, layer.input, layer.gate_rows(),
                                               end - begin, table + begin * layer.gate_rows(),
                                               layer.gate_rows());
                              });
    column = table;
    row_stride = 1;
    id_stride = layer.gate_rows();
  }
  workers.pool.parallel_for(
      rows, worth_a_thread(8 * layer.gate_rows()), [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t n = begin; n < end; ++n) {
          const std::int32_t id = ids[static_cast<std::size_t>(n)];
          if (id < 0) continue;
          const float* const from = column + id * id_stride;
          float* const joined = planes + n * layer.plane_row();
          float* const apart = joined + (layer.gate_rows() - layer.joined_rows());
          for (std::int64_t r = 0; r < layer.joined_rows(); ++r) joined[r] += from[r * row_stride];
          for (std::int64_t r = layer.joined_rows(); r < layer.gate_rows(); ++r) {
            apart[r] += from[r * row_stride];
          }
        }
      });
}

/// planes [rows, planes, H] = biases and input products of x, [rows, I] or ids [rows].
void compute_inputs(const Workers& workers, const Layer& layer, const RecurrentWeights& weights,
                    const TensorView& x, float* planes) {
  const Scratch::Frame frame(workers.scratch);
  float* const start = frame.floats(layer.sum_row());
  set_start(layer, weights, start);
  if (x.dtype != DType::i32) {
    const std::int64_t rows = x.count() / layer.input;
    return multiply_inputs(workers, layer, weights,
                           {x.as<float>(), rows, layer.input, layer.input, 1}, start, planes);
  }
  const std::int64_t rows = x.count();
  set_sums(workers, layer, start, {0, layer.sum_row()}, rows, planes);
  add_inputs(workers, layer, weights, {x.as<std::int32_t>(), static_cast<std::size_t>(rows)},
             planes);
}

/// Where a sequence of steps finds its arrays; all [T, B, ...].
struct SequenceRows {
  std::int64_t steps, batch;
  const std::int32_t* lengths;  // or null
  const float* initial_state;   // [S, B, H] or null
  const float* y;

  /// The longest of some rows.
  std::int64_t longest(std::int64_t begin, std::int64_t end) const {
    return lengths == nullptr ? steps : *std::max_element(lengths + begin, lengths + end);
  }
  /// One past the last of the rows that step t concerns: batches sorted by length shrink.
  std::int64_t last_row(std::int64_t begin, std::int64_t end, std::int64_t t) const {
    if (lengths == nullptr) return end;
    while (end > begin && lengths[end - 1] <= t) --end;
    return end;
  }
  const std::int32_t* lengths_from(std::int64_t row) const {
    return lengths == nullptr ? nullptr : lengths + row;
  }
  /// States before step t of the rows from `row` on.
  StateRows h_before(const Layer& layer, std::int64_t t, std::int64_t row) const {
    if (t > 0) return {y + ((t - 1) * batch + row) * layer.hidden, layer.hidden};
    if (initial_state == nullptr) return {};
    return {initial_state + row * layer.hidden, layer.hidden};
  }
  StateRows c_before(const Layer& layer, const float* planes, std::int64_t t,
                     std::int64_t row) const {
    if (layer.states < 2) return {};
    if (t > 0) return {c_plane(layer, planes, t - 1, row), layer.plane_row()};
    if (initial_state == nullptr) return {};
    return {initial_state + (batch + row) * layer.hidden, layer.hidden};
  }
  const float* c_plane(const Layer& layer, const float* planes, std::int64_t t,
                       std::int64_t row) const {
    return planes + ((t * batch + row + 1) * layer.plane_row() - layer.hidden);
  }
};

/// Takes rows [begin, end) through all steps.
void run_rows(const Layer& layer, const SequenceRows& sequence, const cpu::PackedFactor& w_hh,
              float* planes, float* y, std::int64_t begin, std::int64_t end) {
  const std::int64_t hidden = layer.hidden;
  for (std::int64_t t = 0; t < sequence.steps; ++t) {
    const std::int64_t first = t * sequence.batch + begin;
    const std::int64_t rows = sequence.last_row(begin, end, t) - begin;
    std::fill(y + (first + rows) * hidden, y + (first + end - begin) * hidden, 0.0F);
    if (rows == 0) continue;
    float* const step_planes = planes + first * layer.plane_row();
    const StateRows h = sequence.h_before(layer, t, begin);
    if (h.data != nullptr) {
      w_hh.multiply({h.data, rows, hidden, h.stride, 1}, begin,
                    {step_planes, layer.plane_row(), nullptr, Accumulate::add});
    }
    cpu::step_cells(layer.kind, {.rows = rows,
                                 .hidden = hidden,
                                 .step = t,
                                 .lengths = sequence.lengths_from(begin),
                                 .previous = {h, sequence.c_before(layer, planes, t, begin)},
                                 .planes = step_planes,
                                 .y = y + first * hidden});
  }
}

/// State of one row after its last step.
void copy_final_state(const Layer& layer, const SequenceRows& sequence, const float* planes,
                      std::int64_t row, float* final_state) {
  const std::int64_t length = sequence.longest(row, row + 1);
  const StateRows from[] = {sequence.h_before(layer, length, row),
                            sequence.c_before(layer, planes, length, row)};
  for (std::int64_t s = 0; s < layer.states; ++s) {
    float* const to = final_state + (s * sequence.batch + row) * layer.hidden;
    if (from[s].data == nullptr) {
      std::fill_n(to, layer.hidden, 0.0F);
    } else if (from[s].data != to) {
      std::copy_n(from[s].data, layer.hidden, to);
    }
  }
}

struct Gradients {
  float* d_input;      // of the sums, [T * B, G * H], gradient_row() apart
  float* d_recurrent;  // the same array unless the cell separates the sums
  float* d_state[2];   // [B, H] each
};

/// Takes the gradients of rows [begin, end) back through all steps.
void run_rows_back(const Layer& layer, const SequenceRows& sequence,
                   const RecurrentBackwardArgs& args, const cpu::PackedFactor& w_hh,
                   const Gradients& gradients, std::int64_t begin, std::int64_t end) {
  const std::int64_t hidden = layer.hidden;
  const std::int64_t gradient_row = layer.gradient_row();
  const auto* planes = reinterpret_cast<const float*>(args.reserve.as<std::uint8_t>());
  float* const d_h = gradients.d_state[0] + begin * hidden;
  float* const d_c = gradients.d_state[1] + begin * hidden;
  for (std::int64_t t = sequence.steps - 1; t >= 0; --t) {
    const std::int64_t first = t * sequence.batch + begin;
    const std::int64_t rows = sequence.last_row(begin, end, t) - begin;
    float* const d_input = gradients.d_input + first * gradient_row;
    float* const d_recurrent = gradients.d_recurrent + first * gradient_row;
    std::fill(d_input + rows * gradient_row, d_input + (end - begin) * gradient_row, 0.0F);
    std::fill(d_recurrent + rows * gradient_row, d_recurrent + (end - begin) * gradient_row, 0.0F);
    if (rows == 0) continue;
    cpu::differentiate_cells(layer.kind, {.rows = rows,
                                          .hidden = hidden,
                                          .step = t,
                                          .lengths = sequence.lengths_from(begin),
                                          .previous = {sequence.h_before(layer, t, begin),
                                                       sequence.c_before(layer, planes, t, begin)},
                                          .planes = planes + first * layer.plane_row(),
                                          .dy = args.dy.as<float>() + first * hidden,
                                          .d_state = {d_h, d_c},
                                          .sum_stride = gradient_row,
                                          .d_input = d_input,
                                          .d_recurrent = d_recurrent});
    if (t > 0 || !args.d_initial_state.empty()) {
      w_hh.multiply(layer.gradient_rows(d_recurrent, rows), begin,
                    {d_h, hidden, nullptr, Accumulate::add});
    }
  }
}

/// d_w [G * H, columns] += d_sums [rows, G * H]^T * x [rows, columns].
struct WeightGradient {
  Matrix x;
  float* d_w;
};

/// Several that share d_sums. Products turn their first factor in memory, which is x, the smaller
/// one but for wide inputs; so these give d_w turned.
void add_weight_gradients(const Workers& workers, const Matrix& d_sums,
                          std::span<const WeightGradient> gradients) {
  const Scratch::Frame frame(workers.scratch);
  std::vector<cpu::Product> products;
  for (const auto& [x, d_w] : gradients) {
    float* const turned = frame.floats(x.columns * d_sums.row_stride);
    products.push_back({{x.data, x.columns, x.rows, 1, x.row_stride}, {turned, d_sums.row_stride}});
  }
  cpu::multiply(workers, products, d_sums);
  for (std::size_t i = 0; i < products.size(); ++i) {
    const auto& [a, c] = products[i];
    cpu::add_transposed(workers, {c.data, a.rows, d_sums.columns, c.stride, 1}, gradients[i].d_w);
  }
}

/// d_b_ih and d_b_hh [G * H] += the sums over the rows of what flows to each.
void add_bias_gradients(const Workers& workers, const Layer& layer, const Matrix& d_input,
                        const Matrix& d_recurrent, const RecurrentWeights& d_weights) {
  const std::int64_t gate_rows = layer.gate_rows();
  const auto add = [&](const Matrix& d_sums, std::initializer_list<TensorView> to) {
    const Scratch::Frame frame(workers.scratch);
    float* const sums = frame.floats(gate_rows);
    std::fill_n(sums, gate_rows, 0.0F);
    cpu::add_column_sums(workers, d_sums, sums);
    for (const TensorView& view : to) {
      auto* const bias = view.as<float>();
      for (std::int64_t i = 0; i < gate_rows; ++i) bias[i] += sums[i];
    }
  };
  if (!layer.separate()) return add(d_input, {d_weights.b_ih, d_weights.b_hh});
  add(d_input, {d_weights.b_ih});
  add(d_recurrent, {d_weights.b_hh});
}

/// d_w_ih [G * H, I] += d_sums [rows, G * H], each row into the column of its id.
void scatter_weight_gradient(const Workers& workers, const Matrix& d_sums, std::int64_t input,
                             std::span<const std::int32_t> ids, float* d_w_ih) {
  const std::int64_t gate_rows = d_sums.columns;
  const Scratch::Frame frame(workers.scratch);
  float* const sums = frame.floats(gate_rows * input);  // per thread [I, its gate rows]
  workers.pool.parallel_for(
      gate_rows, worth_a_thread(8 * static_cast<std::int64_t>(ids.size()), 16),
      [&](std::int64_t begin, std::int64_t end, int) {
        const std::int64_t width = end - begin;
        float* const own = sums + begin * input;
        std::fill_n(own, width * input, 0.0F);
        for (std::size_t n = 0; n < ids.size(); ++n) {
          if (ids[n] < 0) continue;
          const float* const from = d_sums.at(static_cast<std::int64_t>(n), begin);
          float* const to = own + ids[n] * width;
          for (std::int64_t r = 0; r < width; ++r) to[r] += from[r];
        }
        for (std::int64_t r = 0; r < width; ++r) {
          float* const to = d_w_ih + (begin + r) * input;
          for (std::int64_t i = 0; i < input; ++i) to[i] += own[i * width + r];
        }
      });
}

/// h before each step [T, B, H]: the initial state or 0, then y of the step before. A copy, so that
/// they meet the same rows of the gradients of sums as the inputs do.
Matrix states_before(const Workers& workers, const Scratch::Frame& frame, const Layer& layer,
                     const SequenceRows& sequence) {
  const std::int64_t rows = sequence.steps * sequence.batch;
  float* const h = frame.floats(rows * layer.hidden);
  workers.pool.parallel_for(sequence.steps, worth_a_thread(8 * sequence.batch * layer.hidden),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              const std::int64_t size = sequence.batch * layer.hidden;
                              for (std::int64_t t = begin; t < end; ++t) {
                                const float* const from = sequence.h_before(layer, t, 0).data;
                                if (from == nullptr) {
                                  std::fill_n(h + t * size, size, 0.0F);
                                } else {
                                  std::copy_n(from, size, h + t * size);
                                }
                              }
                            });
  return {h, rows, layer.hidden, layer.hidden, 1};
}

void add_parameter_gradients(const Workers& workers, const Layer& layer,
                             const SequenceRows& sequence, const RecurrentBackwardArgs& args,
                             const Gradients& gradients) {
  if (sequence.steps == 0) return;
  const Scratch::Frame frame(workers.scratch);
  const std::int64_t rows = sequence.steps * sequence.batch;
  const RecurrentWeights& d_weights = args.d_weights;
  const Matrix d_input = layer.gradient_rows(gradients.d_input, rows);
  const Matrix d_recurrent = layer.gradient_rows(gradients.d_recurrent, rows);
  const WeightGradient of_states{states_before(workers, frame, layer, sequence),
                                 d_weights.w_hh.as<float>()};
  if (args.x.dtype == DType::i32) {
    scatter_weight_gradient(workers, d_input, layer.input,
                            {args.x.as<std::int32_t>(), static_cast<std::size_t>(rows)},
                            d_weights.w_ih.as<float>());
    add_weight_gradients(workers, d_recurrent, {&of_states, 1});
  } else {
    const Matrix x{args.x.as<float>(), rows, layer.input, layer.input, 1};
    const WeightGradient both[] = {{x, d_weights.w_ih.as<float>()}, of_states};
    if (layer.separate()) {
      add_weight_gradients(workers, d_input, {both, 1});
      add_weight_gradients(workers, d_recurrent, {both + 1, 1});
    } else {
      add_weight_gradients(workers, d_input, both);
    }
  }
  add_bias_gradients(workers, layer, d_input, d_recurrent, d_weights);
}

}  // namespace

std::size_t CpuBackend::do_recurrent_reserve_bytes(const RecurrentSpec& spec, std::int64_t steps,
                                                   std::int64_t batch, DType dtype) const {
  return static_cast<std::size_t>(steps * batch * Layer(spec).plane_row()) * size_of(dtype);
}

void CpuBackend::do_recurrent_forward(const RecurrentSpec& spec, const RecurrentForwardArgs& args) {
  const Layer layer(spec);
  const Workers workers = this->workers();
  const Scratch::Frame frame(scratch_);
  const SequenceRows sequence{args.y.shape[0], args.y.shape[1], args.lengths.as<std::int32_t>(),
                              args.initial_state.as<float>(), args.y.as<float>()};
  check_ids("recurrent_forward", args.x, layer.input);
  check_lengths("recurrent_forward", args.lengths, sequence.steps);
  float* const planes = args.reserve.empty()
                            ? frame.floats(sequence.steps * sequence.batch * layer.plane_row())
                            : reinterpret_cast<float*>(args.reserve.as<std::uint8_t>());
  compute_inputs(workers, layer, args.weights, args.x, planes);
  const cpu::PackedFactor w_hh(
      workers, frame,
      {args.weights.w_hh.as<float>(), layer.hidden, layer.gate_rows(), 1, layer.hidden},
      sequence.batch);
  pool_.parallel_for(sequence.batch, worth_a_thread(sequence.steps * layer.step_work()),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       run_rows(layer, sequence, w_hh, planes, args.y.as<float>(), begin, end);
                       if (args.final_state.empty()) return;
                       for (std::int64_t row = begin; row < end; ++row) {
                         copy_final_state(layer, sequence, planes, row,
                                          args.final_state.as<float>());
                       }
                     });
}

void CpuBackend::do_recurrent_backward(const RecurrentSpec& spec,
                                       const RecurrentBackwardArgs& args) {
  const Layer layer(spec);
  const Workers workers = this->workers();
  const Scratch::Frame frame(scratch_);
  const SequenceRows sequence{args.y.shape[0], args.y.shape[1], args.lengths.as<std::int32_t>(),
                              args.initial_state.as<float>(), args.y.as<float>()};
  check_ids("recurrent_backward", args.x, layer.input);
  check_lengths("recurrent_backward", args.lengths, sequence.steps);
  const std::int64_t rows = sequence.steps * sequence.batch;
  const std::int64_t state_size = sequence.batch * layer.hidden;

  float* const d_state = frame.floats(2 * state_size);
  std::fill_n(d_state, 2 * state_size, 0.0F);
  if (!args.d_final_state.empty()) {
    std::copy_n(args.d_final_state.as<float>(), layer.states * state_size, d_state);
  }
  float* const d_input = frame.floats(rows * layer.gradient_row());
  const Gradients gradients{d_input,
                            layer.separate() ? frame.floats(rows * layer.gradient_row()) : d_input,
                            {d_state, d_state + state_size}};
  const cpu::PackedFactor w_hh(
      workers, frame,
      {args.weights.w_hh.as<float>(), layer.gate_rows(), layer.hidden, layer.hidden, 1},
      sequence.batch);
  pool_.parallel_for(sequence.batch, worth_a_thread(sequence.steps * layer.step_work()),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       run_rows_back(layer, sequence, args, w_hh, gradients, begin, end);
                     });
  if (!args.d_initial_state.empty()) {
    std::copy_n(d_state, layer.states * state_size, args.d_initial_state.as<float>());
  }
  add_parameter_gradients(workers, layer, sequence, args, gradients);
  if (!args.dx.empty()) {
    cpu::multiply(workers, layer.gradient_rows(d_input, rows),
                  {args.weights.w_ih.as<float>(), layer.gate_rows(), layer.input, layer.input, 1},
                  {args.dx.as<float>(), layer.input});
  }
}

void CpuBackend::do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) {
  const Layer layer(spec);
  const Workers workers = this->workers();
  const Scratch::Frame frame(scratch_);
  check_ids("recurrent_step", args.x, layer.input);
  const std::int64_t batch = args.state.shape[1];
  auto* h = args.state.as<float>();
  float* const planes = frame.floats(batch * layer.plane_row());
  compute_inputs(workers, layer, args.weights, args.x, planes);
  cpu::multiply(workers, {h, batch, layer.hidden, layer.hidden, 1},
                {args.weights.w_hh.as<float>(), layer.hidden, layer.gate_rows(), 1, layer.hidden},
                {planes, layer.plane_row(), nullptr, Accumulate::add});
  const SequenceRows sequence{1, batch, nullptr, h, h};
  pool_.parallel_for(batch, worth_a_thread(64 * layer.plane_row()),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       cpu::step_cells(layer.kind,
                                       {.rows = end - begin,
                                        .hidden = layer.hidden,
                                        .previous = {sequence.h_before(layer, 0, begin),
                                                     sequence.c_before(layer, planes, 0, begin)},
                                        .planes = planes + begin * layer.plane_row(),
                                        .y = h + begin * layer.hidden});
                       if (layer.states < 2) return;
                       for (std::int64_t row = begin; row < end; ++row) {
                         std::copy_n(sequence.c_plane(layer, planes, 0, row), layer.hidden,
                                     h + (batch + row) * layer.hidden);
                       }
                     });
}

}  // namespace cadenza
