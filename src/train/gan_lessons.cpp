// SPDX-License-Identifier: Apache-2.0
#include "train/gan_lessons.h"

#include <algorithm>
#include <cmath>

#include "cadenza/generator.h"
#include "models/turns.h"

namespace cadenza {
namespace {

enum GanObjective : std::size_t { kLikelihood, kGenerator, kDiscriminator };
constexpr std::int32_t kDrawn = 0;
constexpr std::int32_t kReal = 1;

std::int64_t length(const Sequence& piece) { return static_cast<std::int64_t>(piece.size()); }

/// Pieces side by side, each after nothing; the weights are 0.
Batch side_by_side(std::span<const Sequence> pieces, std::int64_t rows, int width) {
  Batch batch = {.rows = rows, .width = width};
  for (const Sequence& piece : pieces) batch.steps = std::max(batch.steps, length(piece));
  const auto count = static_cast<std::size_t>(rows);
  const std::size_t cells = static_cast<std::size_t>(batch.steps) * count;
  batch.input_ids.assign(cells, -1);
  batch.target_ids.assign(cells, -1);
  batch.weights.assign(cells, 0.0F);
  batch.lengths.assign(count, 0);
  batch.keep_state.assign(count, 0.0F);
  batch.piece.assign(count, -1);
  batch.first_step.assign(count, 0);
  batch.labels.assign(count, -1);
  for (std::size_t b = 0; b < pieces.size(); ++b) {
    const std::vector<std::int32_t>& tokens = pieces[b].tokens;
    batch.lengths[b] = static_cast<std::int32_t>(tokens.size());
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      batch.target_ids[t * count + b] = tokens[t];
      if (t > 0) batch.input_ids[t * count + b] = tokens[t - 1];
    }
  }
  return batch;
}

/// The pieces of a batch of the data.
std::vector<Sequence> pieces_of(const Batch& batch) {
  std::vector<Sequence> pieces;
  for (std::size_t b = 0; b < batch.lengths.size(); ++b) {
    if (batch.lengths[b] == 0) continue;
    Sequence& piece = pieces.emplace_back();
    for (std::int32_t t = 0; t < batch.lengths[b]; ++t) {
      piece.tokens.push_back(batch.target_ids[static_cast<std::size_t>(t * batch.rows) + b]);
    }
  }
  return pieces;
}

/// The lessons of one step of training. Each is about pieces drawn for it.
class GanLessons {
 public:
  GanLessons(Gan& gan, const Batch& batch, const DropoutKey& key, const Tokenizer& tokenizer)
      : gan_(gan), rows_(batch.rows), key_(key), tokenizer_(tokenizer), real_(pieces_of(batch)) {}

  void teach_discriminator(Teacher& teacher) {
    teacher.update(kDiscriminator, labelled_pieces(real_, draw(), gan_.config().generator.width));
  }

  void teach_generator(Teacher& teacher) {
    const std::vector<Sequence> drawn = draw();
    const StepValues log_real = judge(drawn);
    const StepValues weights = advantages(log_real, drawn, gan_.config().discount);
    teacher.update(kGenerator,
                   weighted_pieces(drawn, weights, rows_, gan_.config().generator.width),
                   -mean(log_real));
  }

 private:
  /// As many as there are real ones. Without an end of its own each is as long as the real piece in
  /// its place, so that lengths tell nothing.
  std::vector<Sequence> draw() {
    const auto count = static_cast<std::int64_t>(real_.size());
    GenerationRequest request = {.num_outputs = count, .num_steps = 0, .seed = key_.seed};
    for (const Sequence& piece : real_) {
      request.num_steps = std::max(request.num_steps, length(piece));
    }
    const std::int64_t draws_a_step =
        gan_.config().generator_updates + gan_.config().discriminator_updates;
    request.first_sequence = (key_.step * draws_a_step + draws_++) * rows_;
    request.batch_size = count;
    std::vector<Sequence> drawn;
    for (Generated& piece : Generator(gan_.generator(), tokenizer_).run(request)) {
      if (!tokenizer_.end_token()) piece.sequence.tokens.resize(real_[drawn.size()].size());
      drawn.push_back(std::move(piece.sequence));
    }
    return drawn;
  }

  StepValues judge(const std::vector<Sequence>& drawn) {
    StepValues log_real;
    for (const auto& steps : log_shares(gan_.discriminator(), drawn, static_cast<int>(rows_))) {
      std::vector<double>& of_piece = log_real.emplace_back();
      for (const std::vector<double>& labels : steps) of_piece.push_back(labels[kReal]);
    }
    return log_real;
  }

  static double mean(const StepValues& values) {
    double sum = 0.0;
    for (const std::vector<double>& steps : values) {
      double of_piece = 0.0;
      for (const double value : steps) of_piece += value;
      sum += of_piece / static_cast<double>(steps.size());
    }
    return sum / static_cast<double>(values.size());
  }

  Gan& gan_;
  std::int64_t rows_;
  DropoutKey key_;
  const Tokenizer& tokenizer_;
  std::vector<Sequence> real_;
  std::int64_t draws_ = 0;
};

}  // namespace

Batch weighted_pieces(std::span<const Sequence> pieces, const StepValues& weights,
                      std::int64_t rows, int width) {
  Batch batch = side_by_side(pieces, rows, width);
  for (std::size_t b = 0; b < pieces.size(); ++b) {
    batch.predicted += batch.lengths[b];
    for (std::size_t t = 0; t < pieces[b].size(); ++t) {
      batch.weights[t * static_cast<std::size_t>(rows) + b] = static_cast<float>(weights[b][t]);
    }
  }
  return batch;
}

Batch labelled_pieces(std::span<const Sequence> real, std::span<const Sequence> drawn, int width) {
  std::vector<Sequence> all(real.begin(), real.end());
  all.insert(all.end(), drawn.begin(), drawn.end());
  Batch batch = side_by_side(all, static_cast<std::int64_t>(all.size()), width);
  batch.predicted = batch.rows;
  for (std::size_t b = 0; b < all.size(); ++b) {
    batch.labels[b] = b < real.size() ? kReal : kDrawn;
    const float weight = 1.0F / static_cast<float>(batch.lengths[b]);
    for (std::size_t t = 0; t < all[b].size(); ++t) batch.weights[t * all.size() + b] = weight;
  }
  return batch;
}

StepValues advantages(const StepValues& log_real, std::span<const Sequence> pieces,
                      double discount) {
  StepValues returns;
  std::vector<double> sums;
  std::vector<double> counts;
  for (std::size_t b = 0; b < pieces.size(); ++b) {
    std::vector<double>& of_piece = returns.emplace_back(pieces[b].size(), log_real[b].front());
    double sum = 0.0;
    double weight = 0.0;
    for (std::size_t t = of_piece.size(); t-- > 0 && log_real[b].size() > 1;) {
      sum = log_real[b][t] + discount * sum;
      weight = 1.0 + discount * weight;
      of_piece[t] = sum / weight;
    }
    if (sums.size() < of_piece.size()) {
      sums.resize(of_piece.size());
      counts.resize(of_piece.size());
    }
    for (std::size_t t = 0; t < of_piece.size(); ++t) {
      sums[t] += of_piece[t];
      counts[t] += 1.0;
    }
  }
  for (std::vector<double>& of_piece : returns) {
    for (std::size_t t = 0; t < of_piece.size(); ++t) of_piece[t] -= sums[t] / counts[t];
  }
  return returns;
}

void Gan::train_step(const Batch& batch, const DropoutKey& key, Teacher& teacher) {
  const std::int64_t adversarial =
      std::int64_t{config_.pretraining} + config_.discriminator_pretraining;
  const std::int64_t step = key.step;
  if (step < config_.pretraining) return teacher.update(kLikelihood, batch);

  GanLessons lessons(*this, batch, key, teacher.tokenizer());
  const bool rests =
      discriminator_rests(teacher, kGenerator, kDiscriminator, config_.discriminator_rest);
  for (int i = 0; i < config_.discriminator_updates && !rests; ++i) {
    lessons.teach_discriminator(teacher);
  }
  if (step < adversarial) return;
  for (int i = 0; i < config_.generator_updates; ++i) lessons.teach_generator(teacher);
  if (config_.likelihood_every > 0 && (step - adversarial) % config_.likelihood_every == 0) {
    teacher.update(kLikelihood, batch);
  }
}

}  // namespace cadenza
