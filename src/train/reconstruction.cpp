// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/vae.h"
#include "models/vae_pass.h"
#include "train/batches.h"

namespace cadenza {
namespace {

struct Hits {
  std::int64_t tokens = 0;
  std::int64_t hits = 0;
  double share() const { return static_cast<double>(hits) / static_cast<double>(tokens); }
};

// The likeliest token of each row of logits [N, V].
std::vector<std::int32_t> likeliest(Tape& tape, const TensorView& logits) {
  const std::int64_t rows = logits.shape[0];
  const std::vector<RowSampling> params(static_cast<std::size_t>(rows), pack({.temperature = 0.0}));
  const TensorView packed = tape.allocate({rows, sizeof(RowSampling)}, DType::u8);
  tape.backend().upload(std::as_bytes(std::span(params)), packed);
  const TensorView sequences = tape.allocate({rows}, DType::i64);
  const std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows), 0);
  tape.backend().upload(std::as_bytes(std::span(numbers)), sequences);
  const TensorView steps = tape.allocate({rows}, DType::i32);
  tape.backend().fill(steps, 0.0);
  const TensorView tokens = tape.allocate({rows}, DType::i32);
  tape.backend().sample_tokens({.logits = logits,
                                .rows = {.params = packed, .sequences = sequences, .steps = steps},
                                .tokens = tokens,
                                .status = tape.allocate({rows}, DType::i32)});
  std::vector<std::int32_t> host(static_cast<std::size_t>(rows));
  tape.backend().download(tokens, std::as_writable_bytes(std::span(host)));
  return host;
}

Hits taught_hits(Vae& model, const Dataset& data, Split split, int batch_size) {
  const std::vector<Piece>& pieces = data[split];
  std::vector<std::int64_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  EpochBatches batches(batch_source(data, split, batch_size, 1, model.whole_steps()), order, false);
  Arena arena(model.backend());
  Hits found;
  while (const std::optional<Batch> batch = batches.next()) {
    arena.reset();
    Tape tape(model.backend(), arena, DType::f32, GradMode::none);
    VaePass pass(tape, model.config(), model.parameters(), {});
    Variable& mean =
        pass.encode({.steps = batch->steps, .ids = batch->target_ids, .lengths = batch->lengths})
            .mean;
    const SegmentGrid grid(model.config(), batch->steps, batch->rows);
    const auto guesses = likeliest(
        tape, pass.predict(pass.tell(mean, batch->labels), batch->input_ids, grid).value());
    const auto targets = grid.arrange(std::span<const std::int32_t>(batch->target_ids), -1);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] < 0 || targets[i] == model.config().end_token()) continue;
      ++found.tokens;
      if (guesses[i] == targets[i]) ++found.hits;
    }
  }
  return found;
}

}  // namespace

Reconstruction reconstruct(Vae& model, const Dataset& data, Split split, int batch_size) {
  const Likelihood likelihood = evaluate(model, data, split, batch_size);
  Reconstruction result = {.nll = likelihood.reconstruction,
                           .divergence = likelihood.divergence,
                           .steps = likelihood.steps,
                           .pieces = likelihood.pieces};
  result.bound = result.nll + result.divergence * static_cast<double>(result.pieces) /
                                  static_cast<double>(result.steps);
  result.taught_accuracy = taught_hits(model, data, split, batch_size).share();

  std::vector<Sequence> pieces;
  DecodeRequest request = {.batch_size = batch_size};
  for (const Piece& piece : data[split]) {
    pieces.push_back(piece.sequence);
    if (model.config().labels > 0) request.labels.push_back(piece.label);
  }
  const std::vector<Sequence> back = decode(model, encode(model, pieces, batch_size), request);
  Hits free;
  std::int64_t whole = 0;
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const auto& tokens = pieces[p].tokens;
    const auto& got = back[p].tokens;
    free.tokens += static_cast<std::int64_t>(tokens.size());
    for (std::size_t t = 0; t < std::min(tokens.size(), got.size()); ++t) {
      if (tokens[t] == got[t]) ++free.hits;
    }
    if (tokens == got) ++whole;
  }
  result.free_accuracy = free.share();
  result.whole_pieces = static_cast<double>(whole) / static_cast<double>(pieces.size());
  return result;
}

}  // namespace cadenza
