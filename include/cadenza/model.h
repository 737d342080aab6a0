// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cadenza/backend.h"
#include "cadenza/condition_value.h"
#include "cadenza/parameters.h"
#include "cadenza/tape.h"
#include "cadenza/tokenizer.h"

namespace cadenza {

/// Steps of several sequences side by side, on the host, time-major. Row b has lengths[b] steps.
struct Batch {
  std::int64_t steps = 0;  ///< T
  std::int64_t rows = 0;   ///< B
  StepKind kind = StepKind::token;
  std::int64_t width = 0;                ///< vocabulary or keys
  std::vector<std::int32_t> input_ids;   ///< [T, B] previous token, -1 at the start of a piece
  std::vector<std::int32_t> target_ids;  ///< [T, B], -1 beyond the length
  std::vector<float> input_frames;       ///< [T, B, D] previous frame, zeros at the start
  std::vector<float> target_frames;      ///< [T, B, D]
  std::vector<float> weights;            ///< [T, B], 1 where a step counts, 0 beyond the length
  std::vector<std::int32_t> lengths;     ///< [B]
  std::vector<float> keep_state;         ///< [B], 0 where a new piece begins
  /// What the mean of the losses is over: the sum of the lengths in batches of the data.
  std::int64_t predicted = 0;
  std::vector<std::int64_t> piece;       ///< [B] index of the piece in the split, -1 for none
  std::vector<std::int64_t> first_step;  ///< [B] position of step 0 in the piece
  std::vector<std::int32_t> labels;      ///< [B] of the pieces, -1 for none
  std::vector<std::vector<ConditionValue>> conditions;  ///< [conditions][B] of the pieces
  /// The input_ids of the Model::history() steps before step 0, [history, B].
  std::vector<std::int32_t> history;
  /// What the pieces are transformed from; only for pairs.
  std::int64_t source_steps = 0;             ///< S
  std::vector<std::int32_t> source_ids;      ///< [S, B], -1 beyond the length
  std::vector<std::int32_t> source_lengths;  ///< [B]
};

/// Addresses the dropout masks and other draws of one training step; rate 0 everywhere if
/// `training` is false.
struct DropoutKey {
  bool training = false;
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
};

struct Dataset;

/// As Model::loss().
using LossFunction =
    std::function<TensorView(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                             const DropoutKey& dropout, double scale)>;

/// A loss that training lowers, with an optimiser of its own.
struct Objective {
  std::string name;                  ///< in records; "" if it is the only one
  Parameters* parameters = nullptr;  ///< those that it changes, no others
  LossFunction loss;
  double rate = 1.0;  ///< share of the configured learning rate
};

/// The parameters of one network of a model.
struct Part {
  std::string prefix;  ///< of their names in files
  const Parameters* parameters = nullptr;
};

/// Carries out the updates that a model asks for in one step of training.
class Teacher {
 public:
  virtual ~Teacher() = default;
  /// What gives the tokens of the data their meaning.
  virtual const Tokenizer& tokenizer() const = 0;
  /// One update towards objective number `objective`, from the gradient of the mean loss of
  /// `batch`. The mean is recorded as its loss, or `shown` if there is one.
  virtual void update(std::size_t objective, const Batch& batch,
                      std::optional<double> shown = {}) = 0;
  /// The loss recorded at the last update towards an objective, also of a run that this one
  /// resumes; infinity before the first.
  virtual double last_loss(std::size_t objective) const = 0;
};

/// What a Trainer needs of a model: parameters, and a loss written as forward code.
class Model {
 public:
  virtual ~Model() = default;
  /// Those of the first of parts().
  virtual Parameters& parameters() = 0;
  virtual const Parameters& parameters() const = 0;
  Backend& backend() const { return parameters().backend(); }
  virtual void initialize(std::uint64_t seed) = 0;
  /// JSON, as it stands in a model file under "model".
  virtual std::string architecture() const = 0;
  /// The architecture in a few words for people.
  virtual std::string summary() const = 0;
  /// ArgumentError unless the steps of `data` are what the model reads and predicts.
  virtual void check_data(const Dataset& data) const = 0;
  /// 0: pieces are read in stretches, from one to the next with the state carried on. Otherwise
  /// each is read whole, and one of fewer steps than this ends with one more token, `width`.
  virtual std::int64_t whole_steps() const { return 0; }
  /// How many steps from before its first one a batch must show it, beside what the state carries.
  virtual std::int64_t history() const { return 0; }
  /// What training carries from one batch to the next, for `rows` rows, zero-filled.
  virtual std::vector<Tensor> make_state(std::int64_t rows) const = 0;
  /// Losses of every step, real [T * B]; gradients are of their sum times `scale`. `state` is
  /// zeroed where the batch says so and left as it is after the last step.
  virtual TensorView loss(Tape& tape, const Batch& batch, std::span<const Tensor> state,
                          const DropoutKey& dropout, double scale) = 0;

  /// All its parameters: of every network that it consists of.
  virtual std::vector<Part> parts() const { return {{"", &parameters()}}; }
  /// Trainable numbers of all of them.
  std::int64_t parameter_count() const {
    std::int64_t count = 0;
    for (const Part& part : parts()) count += part.parameters->count();
    return count;
  }
  /// What train_step() works towards. The first is loss().
  virtual std::vector<Objective> objectives() { return {{"", &parameters(), own_loss()}}; }
  /// Asks for every update that a batch of the data gives rise to, in order. Batches of a network
  /// that carries a state have as many rows as `batch`.
  virtual void train_step(const Batch& batch, const DropoutKey&, Teacher& teacher) {
    teacher.update(0, batch);
  }
  /// Whether a lower loss on the validation split makes a better model, which is then the one kept,
  /// and training without improvement stops.
  virtual bool judged_by_loss() const { return true; }

  /// What the code of each row cost in the last loss(), real [B], until its arena is reset.
  struct CodeCost {
    TensorView divergence;  ///< from the prior, in nats
    TensorView cost;        ///< what of it was added to the losses
  };
  /// Absent for models without a code or whose code is free.
  virtual CodeCost code_cost() const { return {}; }

 protected:
  /// loss() as an objective wants it.
  LossFunction own_loss() {
    return [this](Tape& tape, const Batch& batch, std::span<const Tensor> state,
                  const DropoutKey& dropout,
                  double scale) { return loss(tape, batch, state, dropout, scale); };
  }
};

}  // namespace cadenza
