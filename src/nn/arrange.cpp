// SPDX-License-Identifier: Apache-2.0
#include "nn/arrange.h"

#include "cadenza/backend.h"
#include "nn/flat_rows.h"

namespace cadenza {

Variable& reshape(Tape& tape, Variable& x, const Shape& shape) {
  Variable& y = tape.activation(shape);
  tape.backend().copy(x.value().reshaped(shape), y.value());
  tape.record([&tape, &x, &y] {
    const TensorView dy = tape.gradient_of(y);
    tape.contribute(x,
                    [&](const TensorView& dx) { tape.backend().copy(dy.reshaped(dx.shape), dx); });
  });
  return y;
}

Variable& slice(Tape& tape, Variable& x, std::int64_t begin, std::int64_t count) {
  Variable& y = tape.activation(x.value().shape.with(0, count));
  tape.backend().copy(x.value().slice(begin, count), y.value());
  tape.record([&tape, &x, &y, begin, count] {
    if (!x.has_gradient()) return;
    const TensorView dy = tape.gradient_of(y);
    tape.backend().add(dy, tape.gradient_of(x).slice(begin, count));
  });
  return y;
}

Variable& stack(Tape& tape, const std::vector<Variable*>& parts) {
  std::int64_t extent = 0;
  for (const Variable* part : parts) extent += part->value().shape[0];
  Variable& y = tape.activation(parts.front()->value().shape.with(0, extent));
  std::int64_t begin = 0;
  for (const Variable* part : parts) {
    const std::int64_t count = part->value().shape[0];
    tape.backend().copy(part->value(), y.value().slice(begin, count));
    begin += count;
  }
  tape.record([&tape, &y, parts] {
    const TensorView dy = tape.gradient_of(y);
    std::int64_t at = 0;
    for (Variable* part : parts) {
      const std::int64_t count = part->value().shape[0];
      tape.contribute(*part,
                      [&](const TensorView& dx) { tape.backend().copy(dy.slice(at, count), dx); });
      at += count;
    }
  });
  return y;
}

Variable& join_columns(Tape& tape, const std::vector<Variable*>& parts) {
  const Shape& first = parts.front()->value().shape;
  const auto width = [](const Variable* part) {
    return part->value().shape[part->value().shape.rank() - 1];
  };
  std::int64_t total = 0;
  for (const Variable* part : parts) total += width(part);
  Variable& y = tape.activation(first.with(first.rank() - 1, total));
  std::int64_t begin = 0;
  for (const Variable* part : parts) {
    tape.backend().copy_columns({.x = flat_rows(part->value()),
                                 .y = flat_rows(y.value()),
                                 .y_begin = begin,
                                 .count = width(part)});
    begin += width(part);
  }
  tape.record([&tape, &y, parts, width] {
    const TensorView dy = flat_rows(tape.gradient_of(y));
    std::int64_t at = 0;
    for (Variable* part : parts) {
      tape.contribute(*part, [&](const TensorView& dx) {
        tape.backend().copy_columns(
            {.x = dy, .y = flat_rows(dx), .x_begin = at, .count = width(part)});
      });
      at += width(part);
    }
  });
  return y;
}

Variable& gather_rows(Tape& tape, Variable& x, const TensorView& ids, const Shape& shape) {
  const std::int64_t width = shape[shape.rank() - 1];
  const Shape table = {x.value().count() / width, width};
  Variable& y = tape.activation(shape);
  tape.backend().embedding(
      {.ids = ids, .table = x.value().reshaped(table), .y = flat_rows(y.value())});
  tape.record([&tape, &x, &y, ids, table] {
    if (!x.has_gradient()) return;
    const TensorView dy = flat_rows(tape.gradient_of(y));
    tape.backend().embedding_backward(
        {.ids = ids, .dy = dy, .d_table = tape.gradient_of(x).reshaped(table)});
  });
  return y;
}

}  // namespace cadenza
