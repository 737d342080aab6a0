// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/generation_weights.h"
#include "backend/reference/loops.h"
#include "cadenza/error.h"

// Inference in narrow formats outside of generation, by the kernels of generation, so that both
// give the same bits: what is measured is what is generated.

namespace cadenza {
namespace {

using cpu::Factors;
using cpu::PackedLayer;

/// Rows of a batch on their way through the steps of a layer.
struct LayerRows {
  std::int64_t width;  // W-padded H
  float* h[2];         // [B, width], taken in turns
  float* c;
  float* sums;  // [B, sums, W]
  std::byte* codes;
  std::int64_t code_stride;
  float* code_steps;

  LayerRows(const cpu::Scratch::Frame& frame, Precision format, const PackedLayer& layer,
            std::int64_t batch)
      : width(layer.blocks * cpu::panel_width()),
        h{frame.floats(batch * width), frame.floats(batch * width)},
        c(frame.floats(batch * width)),
        sums(frame.floats(batch * layer.sums() * cpu::panel_width())),
        codes(nullptr),
        code_stride(cpu::padded_codes(width)),
        code_steps(nullptr) {
    if (!cpu::of_integers(format)) return;
    codes = frame.take<std::byte>(batch * code_stride * cpu::code_bytes(format));
    code_steps = frame.floats(batch);
  }
};

/// Where a layer finds and leaves its arrays; [T, B, ...] or [S, B, H].
struct LayerCall {
  TensorView x;  ///< real or ids
  std::int64_t steps, batch;
  const std::int32_t* lengths;  ///< [B] or null
  const float* initial_state;   ///< or null
  float* y;                     ///< or null
  float* final_state;           ///< or null; may be the initial one
};

/// Rows [begin, end) through all steps. Rows beyond their length go on, unheard.
void run_rows(const PackedLayer& layer, const LayerCall& call, const Factors& x,
              const LayerRows& rows, std::int64_t begin, std::int64_t end) {
  const Precision format = layer.w_hh.format;
  const std::int64_t states = info_of(layer.cell).states;
  const std::int64_t hidden = layer.hidden;
  const auto state_at = [&](auto* states_data, std::int64_t s, std::int64_t row) {
    return states_data + (s * call.batch + row) * hidden;
  };
  const auto own = [&](std::int64_t s, std::int64_t step, std::int64_t row) {
    return (s == 0 ? rows.h[step % 2] : rows.c) + row * rows.width;
  };
  const auto keep = [&](std::int64_t step, std::int64_t row) {
    for (std::int64_t s = 0; call.final_state != nullptr && s < states; ++s) {
      std::copy_n(own(s, step, row), hidden, state_at(call.final_state, s, row));
    }
  };
  const auto length = [&](std::int64_t row) {
    return call.lengths == nullptr ? call.steps : std::int64_t{call.lengths[row]};
  };
  for (std::int64_t row = begin; row < end; ++row) {
    for (std::int64_t s = 0; s < states; ++s) {
      std::fill_n(own(s, 0, row), rows.width, 0.0F);
      if (call.initial_state == nullptr) continue;
      std::copy_n(state_at(call.initial_state, s, row), hidden, own(s, 0, row));
    }
    if (length(row) == 0) keep(0, row);
  }
  const std::int64_t code_row = rows.code_stride * cpu::code_bytes(format);
  const std::int64_t x_size = cpu::of_integers(format) ? cpu::code_bytes(format) : sizeof(float);
  for (std::int64_t step = 0; step < call.steps; ++step) {
    const std::int64_t first = step * call.batch + begin;
    cpu::LayerStep now{.rows = end - begin,
                       .h = own(0, step, begin),
                       .h_next = own(0, step + 1, begin),
                       .c = own(1, step, begin),
                       .sums = rows.sums + begin * layer.sums() * cpu::panel_width()};
    if (cpu::of_integers(format)) {
      for (std::int64_t row = begin; row < end; ++row) {
        cpu::encode_row(format, own(0, step, row), hidden, rows.codes + row * code_row,
                        rows.code_steps + row);
      }
      now.factors = {rows.codes + begin * code_row, rows.code_stride, rows.code_steps + begin};
    } else {
      now.factors = {now.h, rows.width, nullptr};
    }
    if (layer.ids > 0) {
      now.ids = call.x.as<std::int32_t>() + first;
    } else {
      now.x = {static_cast<const std::byte*>(x.data) + first * x.stride * x_size, x.stride,
               x.steps == nullptr ? nullptr : x.steps + first};
    }
    cpu::step_layer(layer, now, {0, layer.blocks});
    for (std::int64_t row = begin; row < end; ++row) {
      if (step + 1 == length(row)) keep(step + 1, row);
      if (call.y == nullptr) continue;
      float* const y = call.y + (step * call.batch + row) * hidden;
      if (step < length(row)) {
        std::copy_n(own(0, step + 1, row), hidden, y);
      } else {
        std::fill_n(y, hidden, 0.0F);
      }
    }
  }
}

void run_layer(const cpu::Workers& workers, Precision format, const RecurrentSpec& spec,
               const RecurrentWeights& weights, const LayerCall& call) {
  const cpu::Scratch::Frame frame(workers.scratch);
  const bool has_ids = call.x.dtype == DType::i32;
  for (std::int64_t n = 0; has_ids && n < call.x.count(); ++n) {
    reference::check_id("recurrent layer", call.x.as<std::int32_t>()[n], n, spec.input);
  }
  const PackedLayer layer =
      cpu::pack_layer(workers, frame, format, spec.cell, weights, has_ids ? spec.input : 0);
  Factors x;
  if (!has_ids) {
    x = cpu::encode_rows(workers, frame, format,
                         {call.x.as<float>(), call.steps * call.batch, spec.input, spec.input, 1});
  }
  const LayerRows rows(frame, format, layer, call.batch);
  const std::int64_t work = info_of(spec.cell).gates * spec.hidden * (spec.input + spec.hidden);
  workers.pool.parallel_for(call.batch, cpu::worth_a_thread(call.steps * work),
                            [&](std::int64_t begin, std::int64_t end, int) {
                              run_rows(layer, call, x, rows, begin, end);
                            });
}

}  // namespace

void NarrowCpuBackend::do_matmul(const MatmulArgs& args) {
  if (args.transpose_a == Transpose::yes || args.transpose_b == Transpose::no) {
    return CpuBackend::do_matmul(args);
  }
  const cpu::Workers workers{pool_, scratch_};
  const cpu::Scratch::Frame frame(scratch_);
  const std::int64_t rows = args.a.shape[0];
  const std::int64_t depth = args.a.shape[1];
  const std::int64_t outputs = args.c.shape[1];
  const cpu::PackedDense dense = cpu::pack_dense(workers, frame, precision_, {args.b, args.bias});
  const Factors x =
      cpu::encode_rows(workers, frame, precision_, {args.a.as<float>(), rows, depth, depth, 1});
  const std::int64_t width = dense.blocks * cpu::panel_width();
  float* const padded = frame.floats(rows * width);
  pool_.parallel_for(dense.blocks, cpu::worth_a_thread(rows * depth * cpu::panel_width()),
                     [&](std::int64_t begin, std::int64_t end, int) {
                       cpu::step_dense(dense, x, rows, padded, {begin, end});
                     });
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const from = padded + row * width;
    float* const to = args.c.as<float>() + row * outputs;
    const bool add = args.accumulate == Accumulate::add;
    for (std::int64_t i = 0; i < outputs; ++i) to[i] = add ? to[i] + from[i] : from[i];
  }
}

void NarrowCpuBackend::do_recurrent_forward(const RecurrentSpec& spec,
                                            const RecurrentForwardArgs& args) {
  if (trains() && !args.reserve.empty()) return CpuBackend::do_recurrent_forward(spec, args);
  check(args.reserve.empty(), "recurrent_forward: backend 'cpu' in ", name_of(precision_),
        " keeps nothing for a way back, expected no reserve");
  run_layer({pool_, scratch_}, precision_, spec, args.weights,
            {args.x, args.y.shape[0], args.y.shape[1], args.lengths.as<std::int32_t>(),
             args.initial_state.as<float>(), args.y.as<float>(), args.final_state.as<float>()});
}

void NarrowCpuBackend::do_recurrent_backward(const RecurrentSpec& spec,
                                             const RecurrentBackwardArgs& args) {
  if (trains()) return CpuBackend::do_recurrent_backward(spec, args);
  throw ArgumentError(message("recurrent_backward: backend 'cpu' does not train in ",
                              name_of(precision_), ", expected fp32 or int24"));
}

void NarrowCpuBackend::do_recurrent_step(const RecurrentSpec& spec, const RecurrentStepArgs& args) {
  auto* const state = args.state.as<float>();
  run_layer({pool_, scratch_}, precision_, spec, args.weights,
            {args.x, 1, args.state.shape[1], nullptr, state, nullptr, state});
}

}  // namespace cadenza
