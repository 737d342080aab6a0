// SPDX-License-Identifier: Apache-2.0
#include "cadenza/evaluation.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "cadenza/error.h"
#include "core/largest_that_fits.h"
#include "nn/host_copy.h"
#include "train/batches.h"

namespace cadenza {
namespace {

// Losses of one piece.
struct PieceLoss {
  double first = 0.0;
  double rest = 0.0;
  std::int64_t steps = 0;
};

void add_batch(const Batch& batch, const std::vector<double>& row_loss,
               std::vector<PieceLoss>& losses) {
  for (std::size_t b = 0; b < batch.lengths.size(); ++b) {
    for (std::int64_t t = 0; t < batch.lengths[b]; ++t) {
      PieceLoss& piece = losses[static_cast<std::size_t>(batch.piece[b])];
      const double loss = row_loss[static_cast<std::size_t>(t * batch.rows) + b];
      (batch.first_step[b] + t == 0 ? piece.first : piece.rest) += loss;
      ++piece.steps;
    }
  }
}

/// How much is computed together.
struct Chunks {
  int rows = 1;
  int steps = 1;
};

double sum_of(Backend& backend, const TensorView& values) {
  const std::vector<double> numbers = download_real(backend, values);
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

Likelihood summarize(const std::vector<PieceLoss>& losses) {
  Likelihood result;
  double rest = 0.0;
  double all = 0.0;
  double means = 0.0;
  std::int64_t rest_steps = 0;
  std::int64_t counted_pieces = 0;
  for (const PieceLoss& piece : losses) {
    if (piece.steps == 0) continue;
    ++result.pieces;
    result.steps += piece.steps;
    all += piece.first + piece.rest;
    if (piece.steps == 1) continue;
    rest += piece.rest;
    rest_steps += piece.steps - 1;
    means += piece.rest / static_cast<double>(piece.steps - 1);
    ++counted_pieces;
  }
  result.all = all / static_cast<double>(result.steps);
  result.skip_first = rest / static_cast<double>(rest_steps);
  result.piece_mean = means / static_cast<double>(counted_pieces);
  return result;
}

/// Rows of pieces on their way through a model.
class Scoring {
 public:
  Scoring(Model& model, std::int64_t rows)
      : model_(model), state_(model.make_state(rows)), arena_(model.parameters().backend()) {}

  std::vector<double> row_losses(const Batch& batch) {
    Backend& backend = model_.parameters().backend();
    arena_.reset();
    Tape tape(backend, arena_, model_.parameters().dtype(), GradMode::none);
    return download_real(backend, model_.loss(tape, batch, state_, DropoutKey(), 1.0));
  }

 private:
  Model& model_;
  std::vector<Tensor> state_;
  Arena arena_;
};

/// Runs every piece of a split through the model; `visit` sees each batch with its losses.
void for_each_batch(Model& model, const Dataset& data, Split split, const Chunks& chunks,
                    const std::function<void(const Batch&, const std::vector<double>&)>& visit) {
  const std::vector<Piece>& pieces = data[split];
  model.check_data(data);
  check(!pieces.empty(), "evaluate: there is no piece to score");
  check(chunks.rows >= 1, "evaluate: batch_size is ", chunks.rows, ", expected at least 1");
  check(chunks.steps >= 1, "evaluate: sequence_length is ", chunks.steps, ", expected at least 1");
  // Longest first: rows of similar length side by side leave little padding.
  std::vector<std::int64_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return pieces[static_cast<std::size_t>(a)].sequence.size() >
           pieces[static_cast<std::size_t>(b)].sequence.size();
  });
  const auto rows = std::min<std::int64_t>(chunks.rows, static_cast<std::int64_t>(pieces.size()));
  const auto batches_of = [&](std::int64_t count) {
    return EpochBatches(
        batch_source(data, split, count, chunks.steps, model.whole_steps(), model.history()), order,
        false);
  };
  with_room(
      message("evaluating ", rows, " pieces at once"), rows,
      [&] {
        Scoring scoring(model, rows);
        EpochBatches batches = batches_of(rows);
        while (const std::optional<Batch> batch = batches.next()) {
          visit(*batch, scoring.row_losses(*batch));
        }
      },
      [&](std::int64_t fewer) {
        Scoring scoring(model, fewer);
        EpochBatches batches = batches_of(fewer);
        const std::int64_t between = batches.count() - 2;
        // The first has the longest pieces, the last lacks some, which may be computed otherwise.
        scoring.row_losses(*batches.next());
        if (between < 0) return;
        batches.skip(between);
        scoring.row_losses(*batches.next());
      });
}

}  // namespace

Likelihood evaluate(Model& model, const Dataset& data, Split split, int batch_size,
                    int sequence_length) {
  std::vector<PieceLoss> losses(data[split].size());
  double code_cost = 0.0;
  double divergence = 0.0;
  for_each_batch(model, data, split, {batch_size, sequence_length},
                 [&](const Batch& batch, const std::vector<double>& row_loss) {
                   add_batch(batch, row_loss, losses);
                   const Model::CodeCost code = model.code_cost();
                   if (code.cost.empty()) return;
                   code_cost += sum_of(model.backend(), code.cost);
                   divergence += sum_of(model.backend(), code.divergence);
                 });
  Likelihood likelihood = summarize(losses);
  likelihood.reconstruction = likelihood.all - code_cost / static_cast<double>(likelihood.steps);
  likelihood.divergence = divergence / static_cast<double>(likelihood.pieces);
  return likelihood;
}

std::vector<double> evaluate_voices(Model& model, const Dataset& data, Split split, int voices,
                                    int batch_size, int sequence_length) {
  check(voices >= 1, "evaluate: voices is ", voices, ", expected at least 1");
  std::vector<double> sums(static_cast<std::size_t>(voices), 0.0);
  std::vector<double> counts = sums;
  for_each_batch(model, data, split, {batch_size, sequence_length},
                 [&](const Batch& batch, const std::vector<double>& row_loss) {
                   for (std::size_t b = 0; b < batch.lengths.size(); ++b) {
                     for (std::int64_t t = 0; t < batch.lengths[b]; ++t) {
                       const auto voice =
                           static_cast<std::size_t>((batch.first_step[b] + t) % voices);
                       sums[voice] += row_loss[static_cast<std::size_t>(t * batch.rows) + b];
                       counts[voice] += 1.0;
                     }
                   }
                 });
  for (std::size_t voice = 0; voice < sums.size(); ++voice) sums[voice] /= counts[voice];
  return sums;
}

}  // namespace cadenza
