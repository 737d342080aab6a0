// SPDX-License-Identifier: Apache-2.0
#include "nn/ops.h"

#include "nn/flat_rows.h"

namespace cadenza {
namespace {

// Losses give their gradient on the way forth: `run(row_loss, gradient)` computes both, or the loss
// alone where the gradient is absent.
template <typename RunLoss>
TensorView loss(Tape& tape, Variable& input, const RunLoss& run) {
  const TensorView row_loss = tape.allocate({input.value().shape[0]});
  if (input.has_gradient()) {
    tape.contribute(input, [&](const TensorView& gradient) { run(row_loss, gradient); });
  } else {
    run(row_loss, TensorView());
  }
  return row_loss;
}

// Runs `write(target)` on what overwrites the gradient of `variable`, and on an absent view for a
// constant.
void contribute_if_wanted(Tape& tape, Variable& variable,
                          const std::function<void(const TensorView&)>& write) {
  if (variable.has_gradient()) {
    tape.contribute(variable, write);
  } else {
    write({});
  }
}

// Runs `write(target)` on what overwrites the gradient of `variable`, and on memory that is thrown
// away for a constant: for operations that know no absent gradients.
void contribute_or_discard(Tape& tape, Variable& variable,
                           const std::function<void(const TensorView&)>& write) {
  if (variable.has_gradient()) {
    tape.contribute(variable, write);
  } else {
    write(tape.allocate(variable.value().shape));
  }
}

// y = x W' + b
void multiply(Backend& backend, const TensorView& x, const LinearParameters& parameters,
              const TensorView& y) {
  backend.matmul({.a = x,
                  .b = parameters.weight->value(),
                  .c = y,
                  .transpose_b = Transpose::yes,
                  .bias = parameters.bias == nullptr ? TensorView() : parameters.bias->value()});
}

}  // namespace

Variable& linear(Tape& tape, Variable& x, const LinearParameters& parameters) {
  Backend& backend = tape.backend();
  Variable& weight = *parameters.weight;
  Variable* const bias = parameters.bias;
  const std::int64_t rows = flat_rows(x.value()).shape[0];
  Variable& y = tape.activation({rows, weight.value().shape[0]});
  multiply(backend, flat_rows(x.value()), parameters, y.value());
  tape.record([&backend, &tape, &x, &y, &weight, bias] {
    const TensorView dy = tape.gradient_of(y);
    backend.matmul({.a = dy,
                    .b = flat_rows(x.value()),
                    .c = weight.gradient(),
                    .transpose_a = Transpose::yes,
                    .accumulate = Accumulate::add});
    if (bias != nullptr) backend.add_column_sums(dy, bias->gradient());
    if (!x.has_gradient()) return;
    const Accumulate mode = x.take_mode();
    backend.matmul(
        {.a = dy, .b = weight.value(), .c = flat_rows(x.gradient()), .accumulate = mode});
  });
  return y;
}

TensorView linear(Tape& tape, const TensorView& x, const LinearParameters& parameters) {
  const TensorView rows = flat_rows(x);
  const TensorView y = tape.allocate({rows.shape[0], parameters.weight->value().shape[0]});
  multiply(tape.backend(), rows, parameters, y);
  return y;
}

Variable& activation(Tape& tape, Variable& x, Activation kind) {
  if (kind == Activation::identity) return x;
  Variable& y = tape.activation(x.value().shape);
  tape.backend().activation({.kind = kind, .x = x.value(), .y = y.value()});
  tape.record([&tape, &x, &y, kind] {
    const TensorView dy = tape.gradient_of(y);
    tape.contribute(x, [&](const TensorView& dx) {
      tape.backend().activation_backward({.kind = kind, .y = y.value(), .dy = dy, .dx = dx});
    });
  });
  return y;
}

Variable& dropout(Tape& tape, Variable& x, const DropoutPlace& place) {
  if (place.rate == 0.0) return x;
  const DropoutArgs args = {.x = {},
                            .y = {},
                            .rate = place.rate,
                            .seed = place.seed,
                            .stream = place.stream,
                            .step = place.step};
  const auto apply = [&tape, args](const TensorView& from, const TensorView& to) {
    DropoutArgs call = args;
    call.x = from;
    call.y = to;
    tape.backend().dropout(call);
  };
  // Dropped input data needs no gradient, and neither does what feeds on it.
  Variable& y = x.has_gradient() ? tape.activation(x.value().shape)
                                 : tape.constant(tape.allocate(x.value().shape));
  apply(x.value(), y.value());
  if (!y.has_gradient()) return y;
  tape.record([&tape, &x, &y, apply] {
    const TensorView dy = tape.gradient_of(y);
    tape.contribute(x, [&](const TensorView& dx) { apply(dy, dx); });
  });
  return y;
}

Variable& embedding(Tape& tape, const TensorView& ids, Variable& table) {
  Backend& backend = tape.backend();
  const TensorView flat_ids = ids.reshaped({ids.count()});
  const std::int64_t width = table.value().shape[1];
  Variable& y = tape.activation(ids.shape.rank() == 2 ? Shape{ids.shape[0], ids.shape[1], width}
                                                      : Shape{ids.count(), width});
  backend.embedding({.ids = flat_ids, .table = table.value(), .y = flat_rows(y.value())});
  tape.record([&backend, &tape, &y, &table, flat_ids] {
    backend.embedding_backward(
        {.ids = flat_ids, .dy = flat_rows(tape.gradient_of(y)), .d_table = table.gradient()});
  });
  return y;
}

RecurrentResult recurrent(Tape& tape, const RecurrentSpec& spec, Variable& x,
                          const Lengths& lengths, Variable& initial_state,
                          const RecurrentParameters& parameters) {
  Backend& backend = tape.backend();
  const std::int64_t steps = x.value().shape[0];
  const std::int64_t rows = x.value().shape[1];
  const RecurrentWeights weights = {.w_ih = parameters.w_ih->value(),
                                    .w_hh = parameters.w_hh->value(),
                                    .b_ih = parameters.b_ih->value(),
                                    .b_hh = parameters.b_hh->value()};
  Variable& y = tape.activation({steps, rows, spec.hidden});
  Variable& final_state = tape.activation(initial_state.value().shape);
  TensorView reserve;
  if (tape.recording()) {
    reserve = tape.allocate({static_cast<std::int64_t>(
                                backend.recurrent_reserve_bytes(spec, steps, rows, tape.dtype()))},
                            DType::u8);
  }
  backend.recurrent_forward(spec, {.x = x.value(),
                                   .lengths = lengths.device,
                                   .host_lengths = lengths.host,
                                   .initial_state = initial_state.value(),
                                   .weights = weights,
                                   .y = y.value(),
                                   .final_state = final_state.value(),
                                   .reserve = reserve});
  tape.record([&backend, &tape, &x, &y, &initial_state, &final_state, spec, lengths, reserve,
               weights, parameters] {
    RecurrentBackwardArgs call = {
        .x = x.value(),
        .lengths = lengths.device,
        .host_lengths = lengths.host,
        .initial_state = initial_state.value(),
        .weights = weights,
        .y = y.value(),
        .reserve = reserve,
        .dy = tape.gradient_of(y),
        .d_final_state = final_state.written() ? final_state.gradient() : TensorView(),
        .dx = {},
        .d_initial_state = {},
        .d_weights = {.w_ih = tape.gradient_of(*parameters.w_ih),
                      .w_hh = parameters.w_hh->gradient(),
                      .b_ih = parameters.b_ih->gradient(),
                      .b_hh = parameters.b_hh->gradient()}};
    contribute_if_wanted(tape, x, [&](const TensorView& dx) {
      contribute_if_wanted(tape, initial_state, [&](const TensorView& d_initial_state) {
        call.dx = dx;
        call.d_initial_state = d_initial_state;
        backend.recurrent_backward(spec, call);
      });
    });
  });
  return {y, final_state};
}

Variable& recurrent(Tape& tape, const RecurrentSpec& spec, Variable& x, const Lengths& lengths,
                    const TensorView& state, const RecurrentParameters& parameters) {
  const TensorView initial_state = tape.allocate(state.shape);
  tape.backend().copy(state, initial_state);
  const RecurrentResult result =
      recurrent(tape, spec, x, lengths, tape.constant(initial_state), parameters);
  tape.backend().copy(result.final_state.value(), state);
  return result.y;
}

AttentionResult attention(Tape& tape, const AttentionScore& score, const AttentionInputs& inputs) {
  Variable& queries = *inputs.queries;
  Variable& keys = *inputs.keys;
  Variable& values = *inputs.values;
  const std::int64_t steps = queries.value().shape[0];
  const std::int64_t rows = queries.value().shape[1];
  Variable& context = tape.activation({steps, rows, values.value().shape[2]});
  const AttentionArgs args = {
      .kind = score.kind,
      .queries = queries.value(),
      .keys = keys.value(),
      .values = values.value(),
      .lengths = inputs.lengths,
      .v = score.v == nullptr ? TensorView() : score.v->value(),
      .scale = score.scale,
      .context = context.value(),
      .weights = tape.allocate({steps, rows, keys.value().shape[0]}),
  };
  tape.backend().attention(args);
  tape.record([&tape, &queries, &keys, &values, &context, v = score.v, args] {
    AttentionBackwardArgs call = {.forward = args,
                                  .d_context = tape.gradient_of(context),
                                  .d_queries = {},
                                  .d_keys = {},
                                  .d_values = {}};
    if (v != nullptr) {
      call.d_v = v->has_gradient() ? tape.gradient_of(*v) : tape.allocate(v->value().shape);
    }
    // One variable may stand in several places: the first writes, the others add what they get.
    contribute_or_discard(tape, queries, [&](const TensorView& d_queries) {
      contribute_or_discard(tape, keys, [&](const TensorView& d_keys) {
        contribute_or_discard(tape, values, [&](const TensorView& d_values) {
          call.d_queries = d_queries;
          call.d_keys = d_keys;
          call.d_values = d_values;
          tape.backend().attention_backward(call);
        });
      });
    });
  });
  return {context, args.weights};
}

// Attention that finds all steps alike.
Variable& mean_over_steps(Tape& tape, Variable& x, const TensorView& lengths) {
  const TensorView nothing = tape.allocate(x.value().shape.with(0, 1));
  tape.backend().fill(nothing, 0.0);
  return attention(
             tape, {.kind = AttentionKind::dot},
             {.queries = &tape.constant(nothing), .keys = &x, .values = &x, .lengths = lengths})
      .context;
}

TensorView softmax_loss(Tape& tape, Variable& logits, const TensorView& targets,
                        const TensorView& weights, double scale) {
  return loss(tape, logits, [&](const TensorView& row_loss, const TensorView& gradient) {
    tape.backend().softmax_loss({.logits = logits.value(),
                                 .targets = targets,
                                 .weights = weights,
                                 .row_loss = row_loss,
                                 .d_logits = gradient,
                                 .scale = scale});
  });
}

TensorView bernoulli_loss(Tape& tape, Variable& logits, const TensorView& targets,
                          const TensorView& weights, double scale) {
  return loss(tape, logits, [&](const TensorView& row_loss, const TensorView& gradient) {
    tape.backend().bernoulli_loss({.logits = logits.value(),
                                   .targets = targets,
                                   .weights = weights,
                                   .row_loss = row_loss,
                                   .d_logits = gradient,
                                   .scale = scale});
  });
}

TensorView squared_loss(Tape& tape, Variable& predictions, const TensorView& targets,
                        const TensorView& weights, double scale) {
  return loss(tape, predictions, [&](const TensorView& row_loss, const TensorView& gradient) {
    tape.backend().squared_loss({.predictions = predictions.value(),
                                 .targets = targets,
                                 .weights = weights,
                                 .row_loss = row_loss,
                                 .d_predictions = gradient,
                                 .scale = scale});
  });
}

TensorView nade_loss(Tape& tape, const NadeInputs& inputs, const TensorView& targets,
                     const TensorView& weights, double scale) {
  const TensorView row_loss = tape.allocate({inputs.visible_bias->value().shape[0]});
  NadeLossArgs args = {.targets = targets,
                       .visible_bias = inputs.visible_bias->value(),
                       .hidden_bias = inputs.hidden_bias->value(),
                       .w = inputs.w->value(),
                       .u = inputs.u->value(),
                       .weights = weights,
                       .row_loss = row_loss,
                       .d_visible_bias = {},
                       .d_hidden_bias = {},
                       .d_w = {},
                       .d_u = {},
                       .scale = scale};
  if (!tape.recording()) {
    tape.backend().nade_loss(args);
    return row_loss;
  }
  // Both biases are fresh outputs of linear layers, so overwriting their gradients is right.
  args.d_w = inputs.w->gradient();
  args.d_u = inputs.u->gradient();
  tape.contribute(*inputs.visible_bias, [&](const TensorView& d_visible) {
    tape.contribute(*inputs.hidden_bias, [&](const TensorView& d_hidden) {
      args.d_visible_bias = d_visible;
      args.d_hidden_bias = d_hidden;
      tape.backend().nade_loss(args);
    });
  });
  return row_loss;
}

}  // namespace cadenza
