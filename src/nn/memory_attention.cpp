// SPDX-License-Identifier: Apache-2.0
#include "nn/memory_attention.h"

#include <algorithm>
#include <vector>

#include "nn/arrange.h"
#include "nn/flat_rows.h"

// Every step looks through a window of its own. Blocks of Q steps are rows of one attention, side
// by side; a block sees the M + Q - 1 outputs that any of its steps looks at, and each of its
// queries has the window's place in it as further elements: a one that meets, in the keys outside
// the window, a score so low that the weight there is exactly 0, and zeros inside.

namespace cadenza {
namespace {

/// Q: small blocks have fewer keys that a query does not look at, large ones fewer copies of each.
constexpr std::int64_t kBlock = 16;
constexpr float kNever = -1e9F;

/// Extents of one call.
struct Windows {
  std::int64_t steps, batch, memory;  // T, B, M

  std::int64_t block() const { return std::min(kBlock, steps); }
  std::int64_t blocks() const { return (steps + block() - 1) / block(); }
  std::int64_t rows() const { return blocks() * batch; }
  std::int64_t seen() const { return memory + block() - 1; }
};

/// Which rows of an array [extent, B] make one [count, blocks * B], where block j begins at element
/// j * Q; -1 beyond the extent.
std::vector<std::int32_t> blocked(const Windows& windows, std::int64_t count, std::int64_t extent) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < windows.blocks(); ++j) {
      const std::int64_t at = j * windows.block() + i;
      for (std::int64_t b = 0; b < windows.batch; ++b) {
        ids.push_back(at < extent ? static_cast<std::int32_t>(at * windows.batch + b) : -1);
      }
    }
  }
  return ids;
}

/// The way back from blocks: where each row of [T, B] lies in [Q, blocks * B].
std::vector<std::int32_t> unblocked(const Windows& windows) {
  std::vector<std::int32_t> ids;
  for (std::int64_t t = 0; t < windows.steps; ++t) {
    const std::int64_t first =
        t % windows.block() * windows.rows() + t / windows.block() * windows.batch;
    for (std::int64_t b = 0; b < windows.batch; ++b) {
      ids.push_back(static_cast<std::int32_t>(first + b));
    }
  }
  return ids;
}

/// The last M outputs of each row, of [M + T, B].
std::vector<std::int32_t> last_outputs(const Windows& windows, const Lengths& lengths) {
  std::vector<std::int32_t> ids;
  for (std::int64_t m = 0; m < windows.memory; ++m) {
    for (std::int64_t b = 0; b < windows.batch; ++b) {
      const std::int64_t length =
          lengths.host.empty() ? windows.steps : lengths.host[static_cast<std::size_t>(b)];
      ids.push_back(static_cast<std::int32_t>((length + m) * windows.batch + b));
    }
  }
  return ids;
}

/// Row i of `table` [count, Q], the same for every row of the blocks: [count, rows, Q].
Variable& for_every_row(Tape& tape, const Windows& windows, const std::vector<float>& table,
                        std::int64_t count) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) {
    ids.insert(ids.end(), static_cast<std::size_t>(windows.rows()), static_cast<std::int32_t>(i));
  }
  const TensorView all = tape.allocate({count, windows.rows(), windows.block()});
  tape.backend().embedding({.ids = tape.upload(std::span(ids), {count * windows.rows()}),
                            .table = tape.upload(std::span(table), {count, windows.block()}),
                            .y = flat_rows(all)});
  return tape.constant(all);
}

/// Says which query of its block each is.
Variable& own_number(Tape& tape, const Windows& windows) {
  const std::int64_t size = windows.block();
  std::vector<float> table(static_cast<std::size_t>(size * size), 0.0F);
  for (std::int64_t i = 0; i < size; ++i) table[static_cast<std::size_t>(i * size + i)] = 1.0F;
  return for_every_row(tape, windows, table, size);
}

/// For each output that a block sees: which of the block's queries do not look at it.
Variable& outside(Tape& tape, const Windows& windows) {
  std::vector<float> table;
  for (std::int64_t i = 0; i < windows.seen(); ++i) {
    for (std::int64_t query = 0; query < windows.block(); ++query) {
      table.push_back(i >= query && i < query + windows.memory ? 0.0F : kNever);
    }
  }
  return for_every_row(tape, windows, table, windows.seen());
}

}  // namespace

Variable& attend_to_memory(Tape& tape, Variable& y, const TensorView& memory,
                           const Lengths& lengths, const MemoryAttentionParameters& parameters) {
  const Windows windows = {y.value().shape[0], y.value().shape[1], memory.shape[0]};
  const std::int64_t hidden = y.value().shape[2];
  const auto gather = [&](Variable& x, const std::vector<std::int32_t>& ids,
                          const Shape& shape) -> Variable& {
    return gather_rows(tape, x, tape.upload(std::span(ids), {shape[0] * shape[1]}), shape);
  };
  Variable& outputs = stack(tape, {&tape.constant(memory), &y});
  const std::vector<std::int32_t> last = last_outputs(windows, lengths);
  tape.backend().embedding(
      {.ids = tape.upload(std::span(last), {memory.shape[0] * memory.shape[1]}),
       .table = flat_rows(outputs.value()),
       .y = flat_rows(memory)});

  Variable& seen = gather(outputs, blocked(windows, windows.seen(), outputs.value().shape[0]),
                          {windows.seen(), windows.rows(), hidden});
  Variable& queries = gather(linear(tape, y, {parameters.query, nullptr}),
                             blocked(windows, windows.block(), windows.steps),
                             {windows.block(), windows.rows(), hidden});
  Variable& context =
      attention(tape, {.kind = AttentionKind::dot},
                {.queries = &join_columns(tape, {&queries, &own_number(tape, windows)}),
                 .keys = &join_columns(tape, {&seen, &outside(tape, windows)}),
                 .values = &seen})
          .context;
  Variable& of_steps = gather(context, unblocked(windows), y.value().shape);
  return reshape(tape, linear(tape, join_columns(tape, {&of_steps, &y}), parameters.output),
                 y.value().shape);
}

}  // namespace cadenza
