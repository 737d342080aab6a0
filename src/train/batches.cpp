// SPDX-License-Identifier: Apache-2.0
#include "train/batches.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/shuffle.h"

namespace cadenza {
namespace {

std::int64_t length(const Piece& piece) { return static_cast<std::int64_t>(piece.sequence.size()); }

}  // namespace

BatchSource batch_source(const Dataset& data, Split split, std::int64_t rows,
                         std::int64_t sequence_length, std::int64_t whole_steps,
                         std::int64_t history) {
  BatchSource source = {.pieces = &data[split],
                        .kind = data.step_kind,
                        .width = data.vocabulary,
                        .rows = rows,
                        .sequence_length = sequence_length,
                        .pairs = data.pairs.has_value(),
                        .ends_below = whole_steps,
                        .history = history};
  if (source.pairs) source.ends_below = std::numeric_limits<std::int64_t>::max();
  if (source.ends_below == 0) return source;
  source.sequence_length = 1;
  for (const Piece& piece : data[split]) {
    source.sequence_length = std::max(source.sequence_length, length(piece) + 1);
  }
  return source;
}

EpochBatches::EpochBatches(const BatchSource& source, const std::vector<std::int64_t>& order,
                           bool cut)
    : source_(source), rows_(static_cast<std::size_t>(source.rows)) {
  std::int64_t total = 0;
  for (const std::int64_t p : order) total += steps_of(p);
  const std::int64_t share = std::max((total + source.rows - 1) / source.rows, std::int64_t{1});
  const std::int64_t chunks = (share + source.sequence_length - 1) / source.sequence_length;
  const std::int64_t longest = chunks * source.sequence_length;
  for (const std::int64_t p : order) {
    const std::int64_t end = steps_of(p);
    const std::int64_t step = cut ? longest : std::max(end, std::int64_t{1});
    for (std::int64_t begin = 0; begin < end; begin += step) {
      stretches_.push_back({p, begin, std::min(begin + step, end)});
    }
  }
}

std::int64_t EpochBatches::steps_of(std::int64_t piece) const {
  const std::int64_t steps = length((*source_.pieces)[static_cast<std::size_t>(piece)]);
  return steps < source_.ends_below ? steps + 1 : steps;
}

bool EpochBatches::refill() {
  bool any = false;
  for (Row& row : rows_) {
    if (row.rest.begin == row.rest.end && next_stretch_ < stretches_.size()) {
      row = {stretches_[next_stretch_++], true};
    }
    any = any || row.rest.begin < row.rest.end;
  }
  return any;
}

void EpochBatches::advance() {
  for (Row& row : rows_) {
    row.rest.begin = std::min(row.rest.begin + source_.sequence_length, row.rest.end);
    row.fresh = false;
  }
}

std::optional<Batch> EpochBatches::next() {
  if (!refill()) return std::nullopt;
  Batch batch = build();
  advance();
  return batch;
}

void EpochBatches::skip(std::int64_t count) {
  for (std::int64_t i = 0; i < count && refill(); ++i) advance();
}

std::int64_t EpochBatches::count() const {
  EpochBatches walk = *this;
  std::fill(walk.rows_.begin(), walk.rows_.end(), Row());
  walk.next_stretch_ = 0;
  std::int64_t batches = 0;
  while (walk.refill()) {
    walk.advance();
    ++batches;
  }
  return batches;
}

Batch EpochBatches::build() const {
  Batch batch;
  batch.kind = source_.kind;
  batch.width = source_.width;
  batch.rows = source_.rows;
  for (const Row& row : rows_) {
    const std::int64_t steps = std::min(row.rest.end - row.rest.begin, source_.sequence_length);
    batch.lengths.push_back(static_cast<std::int32_t>(steps));
    batch.keep_state.push_back(row.fresh ? 0.0F : 1.0F);
    batch.piece.push_back(row.rest.piece);
    batch.first_step.push_back(row.rest.begin);
    batch.labels.push_back(row.rest.piece < 0
                               ? -1
                               : (*source_.pieces)[static_cast<std::size_t>(row.rest.piece)].label);
    batch.steps = std::max(batch.steps, steps);
    batch.predicted += steps;
  }
  fill_conditions(batch);
  const auto cells = static_cast<std::size_t>(batch.steps * batch.rows);
  batch.weights.assign(cells, 0.0F);
  if (batch.kind == StepKind::token) {
    batch.input_ids.assign(cells, -1);
    batch.target_ids.assign(cells, -1);
  } else {
    batch.input_frames.assign(cells * static_cast<std::size_t>(batch.width), 0.0F);
    batch.target_frames = batch.input_frames;
  }
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    const Row& row = rows_[static_cast<std::size_t>(b)];
    for (std::int64_t t = 0; t < batch.lengths[static_cast<std::size_t>(b)]; ++t) {
      fill_step(batch, t, b, row);
    }
  }
  fill_history(batch);
  if (source_.pairs) fill_sources(batch);
  return batch;
}

void EpochBatches::fill_conditions(Batch& batch) const {
  const std::vector<Piece>& pieces = *source_.pieces;
  if (pieces.empty()) return;
  const std::size_t count = pieces.front().conditions.size();
  batch.conditions.assign(count, std::vector<ConditionValue>(batch.piece.size()));
  for (std::size_t b = 0; b < batch.piece.size(); ++b) {
    if (batch.piece[b] < 0) continue;
    const Piece& piece = pieces[static_cast<std::size_t>(batch.piece[b])];
    for (std::size_t c = 0; c < count; ++c) batch.conditions[c][b] = piece.conditions[c];
  }
}

void EpochBatches::fill_history(Batch& batch) const {
  for (std::int64_t back = source_.history; back > 0; --back) {
    for (const Row& row : rows_) {
      const std::int64_t position = row.rest.begin - 1 - back;
      const bool known = row.rest.piece >= 0 && position >= 0;
      batch.history.push_back(known ? (*source_.pieces)[static_cast<std::size_t>(row.rest.piece)]
                                          .sequence.tokens[static_cast<std::size_t>(position)]
                                    : -1);
    }
  }
}

void EpochBatches::fill_sources(Batch& batch) const {
  std::vector<const std::vector<std::int32_t>*> sources;
  const std::vector<std::int32_t> none;
  for (const std::int64_t piece : batch.piece) {
    sources.push_back(
        piece < 0 ? &none : &(*source_.pieces)[static_cast<std::size_t>(piece)].source.tokens);
    const auto steps = static_cast<std::int64_t>(sources.back()->size());
    batch.source_lengths.push_back(static_cast<std::int32_t>(steps));
    batch.source_steps = std::max(batch.source_steps, steps);
  }
  batch.source_ids.assign(static_cast<std::size_t>(batch.source_steps * batch.rows), -1);
  for (std::size_t b = 0; b < sources.size(); ++b) {
    for (std::size_t s = 0; s < sources[b]->size(); ++s) {
      batch.source_ids[s * sources.size() + b] = (*sources[b])[s];
    }
  }
}

void EpochBatches::fill_step(Batch& batch, std::int64_t t, std::int64_t b, const Row& row) const {
  const Sequence& sequence = (*source_.pieces)[static_cast<std::size_t>(row.rest.piece)].sequence;
  const auto cell = static_cast<std::size_t>(t * batch.rows + b);
  const auto position = static_cast<std::size_t>(row.rest.begin + t);
  batch.weights[cell] = 1.0F;
  if (batch.kind == StepKind::token) {
    const bool end = position == sequence.tokens.size();  // of a whole piece
    batch.target_ids[cell] = end ? source_.width : sequence.tokens[position];
    if (position > 0) batch.input_ids[cell] = sequence.tokens[position - 1];
    return;
  }
  const auto width = static_cast<std::size_t>(batch.width);
  for (std::size_t key = 0; key < width; ++key) {
    batch.target_frames[cell * width + key] = sequence.frames[position][key] ? 1.0F : 0.0F;
    if (position == 0) continue;
    batch.input_frames[cell * width + key] = sequence.frames[position - 1][key] ? 1.0F : 0.0F;
  }
}

std::vector<std::int64_t> training_order(const std::vector<Piece>& pieces, std::int64_t rows,
                                         std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = static_cast<std::uint64_t>(epoch);
  shuffle(order, seed, {.purpose = RandomPurpose::shuffle, .sequence = key});
  // Pools of eight batches are sorted by length, cut into groups of B, and the groups shuffled:
  // random enough to learn from, and rows of a batch end almost together, the last first, so that
  // a backend can leave out those that have ended.
  constexpr std::size_t kPoolBatches = 8;
  const auto group = static_cast<std::size_t>(rows);
  const std::size_t pool = group * kPoolBatches;
  for (std::size_t begin = 0; begin < order.size(); begin += pool) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last =
        order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + pool, order.size()));
    std::stable_sort(first, last, [&](std::int64_t a, std::int64_t b) {
      return length(pieces[static_cast<std::size_t>(a)]) >
             length(pieces[static_cast<std::size_t>(b)]);
    });
  }
  std::vector<std::size_t> groups(order.size() / group);
  std::iota(groups.begin(), groups.end(), std::size_t{0});
  shuffle(groups, seed,
          {.purpose = RandomPurpose::shuffle, .sequence = key, .step = std::uint32_t{1} << 26});
  // One that does not fill a batch comes last, or it would shift all others across batches.
  if (order.size() % group != 0) groups.push_back(groups.size());
  std::vector<std::int64_t> result;
  result.reserve(order.size());
  for (const std::size_t g : groups) {
    for (std::size_t i = g * group; i < std::min((g + 1) * group, order.size()); ++i) {
      result.push_back(order[i]);
    }
  }
  return result;
}

}  // namespace cadenza
