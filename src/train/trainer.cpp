// SPDX-License-Identifier: Apache-2.0
#include "cadenza/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "cadenza/error.h"
#include "cadenza/evaluation.h"
#include "cadenza/language_model.h"
#include "core/largest_that_fits.h"
#include "nn/host_copy.h"
#include "train/batches.h"
#include "train/metrics_log.h"
#include "train/training_state.h"
#include "train/updates.h"

namespace cadenza {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLogEvery = 20;  // updates between lines of the log
constexpr double kReportSeconds = 0.1;  // between calls of the reporter

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

class Trainer::Run {
 public:
  Run(Model& model, const Tokenizer& tokenizer, const Dataset& data, const TrainingConfig& config,
      const std::filesystem::path& folder, bool resume);
  TrainingResult run(const Reporter& reporter);

 private:
  EpochBatches epoch_batches(std::int64_t rows) const;
  void train_epoch(const Reporter& reporter);
  std::optional<CodeProgress> train_code() const;
  void start_records();
  void finish_update(std::int64_t batches_in_epoch, const Reporter& reporter);
  void validate();
  void report(const Reporter& reporter, bool validated);
  TrainingProgress progress(bool validated) const;
  std::string finished() const;
  void save();
  [[noreturn]] void diverged() const;
  std::filesystem::path best_path() const { return folder_ / "model.safetensors"; }
  std::filesystem::path last_path() const { return folder_ / "last.safetensors"; }

  Model& model_;
  const Tokenizer& tokenizer_;
  const Dataset& data_;
  TrainingConfig config_;
  std::filesystem::path folder_;
  std::string fingerprint_;
  std::int64_t total_steps_;
  Schedule schedule_;
  TrainingState state_;
  Updates updates_;
  std::optional<CodeProgress> valid_code_;
  std::optional<MetricsLog> log_;
  std::optional<std::int64_t> saved_step_;
  bool stop_requested_ = false;
  std::int64_t predicted_here_ = 0;  // steps trained on by this process
  double train_seconds_ = 0.0;       // spent on them, validation not included
  Clock::time_point start_ = Clock::now();
  double seconds_before_ = 0.0;
  Clock::time_point last_report_ = start_;
  Clock::time_point last_save_ = start_;
};

Trainer::Run::Run(Model& model, const Tokenizer& tokenizer, const Dataset& data,
                  const TrainingConfig& config, const std::filesystem::path& folder, bool resume)
    : model_(model),
      tokenizer_(tokenizer),
      data_(data),
      config_(config),
      folder_(folder),
      fingerprint_(training_fingerprint(data, config)),
      total_steps_(0),
      schedule_(config.schedule, 0),
      updates_(model, tokenizer, config, state_, [this] { diverged(); }) {
  config.validate();
  model.check_data(data);
  check(step_count(data[Split::train]) > 0, "training: the training split is empty");
  const std::int64_t in_epochs = config.epochs * epoch_batches(config.batch_size).count();
  total_steps_ = in_epochs == 0      ? config.steps
                 : config.steps == 0 ? in_epochs
                                     : std::min(in_epochs, config.steps);
  schedule_ = Schedule(config.schedule, total_steps_);

  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw FileError(message("cannot create ", folder_.string(), ": ", error.message()));
  if (resume && std::filesystem::exists(last_path())) {
    state_ = load_checkpoint(last_path(), model_, updates_.tensors(), fingerprint_);
    updates_.resume();
    schedule_.restore_plateau(state_.plateau_factor, state_.plateau_count);
    seconds_before_ = state_.seconds;
    saved_step_ = state_.step;
  } else {
    // A checkpoint of an earlier run must not be taken for one of this.
    std::filesystem::remove(last_path());
    model_.initialize(config.seed);
  }
  log_.emplace(folder_ / "metrics.jsonl", state_.step);
}

EpochBatches Trainer::Run::epoch_batches(std::int64_t rows) const {
  return {batch_source(data_, Split::train, rows, config_.sequence_length, model_.whole_steps(),
                       model_.history()),
          training_order(data_[Split::train], rows, config_.seed, state_.epoch), !data_.pairs};
}

TrainingResult Trainer::Run::run(const Reporter& reporter) {
  while (finished().empty()) train_epoch(reporter);
  if (data_[Split::valid].empty() || !model_.judged_by_loss())
    save_model(model_, tokenizer_, best_path(), data_);
  if (saved_step_ != state_.step) save();
  return {.steps = state_.step,
          .epochs = static_cast<int>(state_.epoch),
          .seconds = seconds_before_ + seconds_since(start_),
          .tokens_per_second = progress(false).steps_per_second,
          .best_valid_loss = state_.best_valid,
          .stopped_by = finished()};
}

std::string Trainer::Run::finished() const {
  if (stop_requested_) return "request";
  if (config_.steps > 0 && state_.step >= config_.steps) return "steps";
  if (config_.epochs > 0 && state_.epoch >= config_.epochs) return "epochs";
  if (config_.patience > 0 && state_.bad_validations >= config_.patience) return "patience";
  return "";
}

void Trainer::Run::train_epoch(const Reporter& reporter) {
  EpochBatches batches = epoch_batches(config_.batch_size);
  const std::int64_t count = batches.count();
  batches.skip(state_.batch_in_epoch);
  const std::int64_t epoch = state_.epoch;
  while (state_.epoch == epoch && finished().empty()) {
    const Clock::time_point begin = Clock::now();
    const std::optional<Batch> batch = batches.next();
    with_room(
        message("training on ", batch->rows, " sequences of ", batch->steps, " steps at once"),
        batch->rows,
        [&] {
          updates_.step(*batch, schedule_.factor(state_.step, static_cast<double>(state_.epoch)));
        },
        [this](std::int64_t rows) { updates_.try_step(*epoch_batches(rows).next()); });
    predicted_here_ += batch->predicted;
    train_seconds_ += seconds_since(begin);
    finish_update(count, reporter);
  }
}

// Brings the position to where a resume would go on, then validates, logs, saves and reports.
void Trainer::Run::finish_update(std::int64_t batches_in_epoch, const Reporter& reporter) {
  ++state_.step;
  ++state_.batch_in_epoch;
  const bool epoch_done = state_.batch_in_epoch == batches_in_epoch;
  if (epoch_done) {
    ++state_.epoch;
    state_.batch_in_epoch = 0;
  }
  const bool due =
      config_.validate_every > 0 ? state_.step % config_.validate_every == 0 : epoch_done;
  const bool last = state_.step == config_.steps;
  const bool validated = (due || last) && !data_[Split::valid].empty();
  if (validated) validate();
  if (validated || state_.step % kLogEvery == 0) {
    log_->write(progress(validated));
    report(reporter, validated);
    start_records();
  } else {
    report(reporter, false);
  }
  if (seconds_since(last_save_) >= config_.checkpoint_seconds || stop_requested_) save();
}

// After a line of the log.
void Trainer::Run::start_records() {
  for (ObjectiveRecord& record : state_.objectives) {
    record.loss_sum = 0.0;
    record.loss_steps = 0;
  }
  state_.code_cost_sum = 0.0;
  state_.divergence_sum = 0.0;
  state_.loss_pieces = 0;
}

void Trainer::Run::validate() {
  const Likelihood likelihood = evaluate(model_, data_, Split::valid);
  if (!std::isfinite(likelihood.all)) diverged();
  state_.last_valid = likelihood.all;
  if (!model_.code_cost().cost.empty()) {
    valid_code_ = CodeProgress{likelihood.reconstruction, likelihood.divergence};
  }
  if (!model_.judged_by_loss()) return;
  const bool improved = likelihood.all < state_.best_valid;
  state_.bad_validations = improved ? 0 : state_.bad_validations + 1;
  schedule_.observe_validation(improved);
  if (!improved) return;
  state_.best_valid = likelihood.all;
  save_model(model_, tokenizer_, best_path(), data_);
}

void Trainer::Run::report(const Reporter& reporter, bool validated) {
  if (!reporter) return;
  if (!validated && seconds_since(last_report_) < kReportSeconds) return;
  last_report_ = Clock::now();
  if (!reporter(progress(validated))) stop_requested_ = true;
}

TrainingProgress Trainer::Run::progress(bool validated) const {
  const double epochs = static_cast<double>(state_.epoch);
  return {
      .step = state_.step,
      .total_steps = total_steps_,
      .epoch = static_cast<int>(state_.batch_in_epoch == 0 ? state_.epoch : state_.epoch + 1),
      .train_loss = state_.objectives.front().mean_loss(),
      .valid_loss = state_.last_valid,
      .best_valid_loss = state_.best_valid,
      .train_code = train_code(),
      .valid_code = valid_code_,
      .objectives = updates_.progress(),
      .validated = validated,
      .learning_rate = config_.optimizer.learning_rate * schedule_.factor(state_.step - 1, epochs),
      .seconds = seconds_before_ + seconds_since(start_),
      .steps_per_second =
          train_seconds_ > 0 ? static_cast<double>(predicted_here_) / train_seconds_ : 0.0};
}

std::optional<CodeProgress> Trainer::Run::train_code() const {
  if (state_.loss_pieces == 0) return {};
  const ObjectiveRecord& record = state_.objectives.front();
  return CodeProgress{
      (record.loss_sum - state_.code_cost_sum) / static_cast<double>(record.loss_steps),
      state_.divergence_sum / static_cast<double>(state_.loss_pieces)};
}

void Trainer::Run::save() {
  // Weights that are not finite would only show at the next loss; they must not become "the last
  // good checkpoint".
  const Tensor norm(model_.backend(), {1}, DType::f64);
  for (const Part& part : model_.parts()) {
    model_.backend().squared_norm(part.parameters->values(), norm);
    if (!std::isfinite(download_real(model_.backend(), norm)[0])) diverged();
  }
  state_.seconds = seconds_before_ + seconds_since(start_);
  state_.plateau_factor = schedule_.plateau_factor();
  state_.plateau_count = schedule_.plateau_count();
  save_checkpoint(last_path(), model_, {tokenizer_, data_}, updates_.tensors(), state_,
                  fingerprint_);
  saved_step_ = state_.step;
  last_save_ = Clock::now();
}

void Trainer::Run::diverged() const {
  const std::string kept = saved_step_ ? message("the last good checkpoint is ",
                                                 last_path().string(), " of step ", *saved_step_)
                                       : std::string("no checkpoint had been written yet");
  throw Error(message("training: the loss stopped being finite at step ", state_.step + 1, "; ",
                      kept, "; a lower learning rate or clipping may help"));
}

Trainer::Trainer(Model& model, const Tokenizer& tokenizer, const Dataset& data,
                 const TrainingConfig& config, const std::filesystem::path& folder, bool resume)
    : run_(std::make_unique<Run>(model, tokenizer, data, config, folder, resume)) {}

Trainer::~Trainer() = default;

TrainingResult Trainer::run(const Reporter& reporter) { return run_->run(reporter); }

}  // namespace cadenza
