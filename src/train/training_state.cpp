// SPDX-License-Identifier: Apache-2.0
#include "train/training_state.h"

#include <cmath>

#include "cadenza/error.h"
#include "cadenza/safetensors.h"
#include "io/json.h"
#include "models/description.h"

namespace cadenza {
namespace {

// FNV-1a, 64 bits: tells two data sets apart, no more is asked of it.
class Digest {
 public:
  void add(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) hash_ = (hash_ ^ bytes[i]) * 0x100000001B3U;
  }
  template <typename T>
  void add(const T& value) {
    add(&value, sizeof value);
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325U;
};

std::uint64_t digest_of(const Dataset& data) {
  Digest digest;
  for (const auto& pieces : data.splits) {
    digest.add(pieces.size());
    for (const Piece& piece : pieces) {
      digest.add(piece.sequence.size());
      const auto& tokens = piece.sequence.tokens;
      digest.add(tokens.data(), tokens.size() * sizeof(tokens[0]));
      if (!data.labels.empty()) digest.add(&piece.label, sizeof(piece.label));
      digest.add(piece.source.tokens.data(),
                 piece.source.tokens.size() * sizeof(piece.source.tokens[0]));
      for (const Frame& frame : piece.sequence.frames) {
        for (std::size_t key = 0; key < frame.size(); ++key) digest.add(frame[key]);
      }
    }
  }
  return digest.value();
}

// Every array of a checkpoint beside the weights, under its name.
std::vector<std::pair<std::string, TensorView>> training_arrays(const TrainingTensors& tensors) {
  std::vector<std::pair<std::string, TensorView>> arrays;
  const auto add = [&](const std::string& objective, const char* what, const TensorView& view) {
    if (view.empty()) return;
    arrays.emplace_back(message("training.", objective, objective.empty() ? "" : ".", what), view);
  };
  for (const auto& [objective, optimizer] : tensors.optimizers) {
    add(objective, "first_moment", optimizer->first_moment());
    add(objective, "second_moment", optimizer->second_moment());
  }
  for (std::size_t layer = 0; layer < tensors.carried->size(); ++layer) {
    arrays.emplace_back(message("training.state.", layer), (*tensors.carried)[layer]);
  }
  return arrays;
}

// JSON has no infinity: null stands for "no validation yet".
nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

double number_or_infinity(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::infinity() : value.get<double>();
}

nlohmann::ordered_json to_json(const std::vector<ObjectiveRecord>& objectives) {
  auto json = nlohmann::ordered_json::array();
  for (const ObjectiveRecord& record : objectives) {
    json.push_back({{"updates", record.updates},
                    {"loss_sum", record.loss_sum},
                    {"loss_steps", record.loss_steps},
                    {"last_loss", finite_or_null(record.last_loss)}});
  }
  return json;
}

std::vector<ObjectiveRecord> objectives_from_json(const nlohmann::json& json) {
  std::vector<ObjectiveRecord> objectives;
  for (const auto& record : json) {
    objectives.push_back({.updates = integer_at<std::int64_t>(record, "updates"),
                          .loss_sum = record.at("loss_sum").get<double>(),
                          .loss_steps = integer_at<std::int64_t>(record, "loss_steps"),
                          .last_loss = number_or_infinity(record.at("last_loss"))});
  }
  return objectives;
}

std::string to_json(const TrainingState& state, const std::string& fingerprint) {
  const nlohmann::ordered_json json = {{"fingerprint", fingerprint},
                                       {"step", state.step},
                                       {"epoch", state.epoch},
                                       {"batch_in_epoch", state.batch_in_epoch},
                                       {"best_valid", finite_or_null(state.best_valid)},
                                       {"last_valid", finite_or_null(state.last_valid)},
                                       {"bad_validations", state.bad_validations},
                                       {"plateau_factor", state.plateau_factor},
                                       {"plateau_count", state.plateau_count},
                                       {"objectives", to_json(state.objectives)},
                                       {"code_cost_sum", state.code_cost_sum},
                                       {"divergence_sum", state.divergence_sum},
                                       {"loss_pieces", state.loss_pieces},
                                       {"seconds", state.seconds}};
  return to_text(json);
}

TrainingState state_from_json(const std::string& text, const std::string& origin,
                              const std::string& fingerprint) {
  try {
    const auto json = parse_json(text);
    check(json.at("fingerprint").get<std::string>() == fingerprint, origin,
          ": was trained on other data or with other settings; resume with the same ones, or ",
          "train into a new folder");
    return {.step = integer_at<std::int64_t>(json, "step"),
            .epoch = integer_at<std::int64_t>(json, "epoch"),
            .batch_in_epoch = integer_at<std::int64_t>(json, "batch_in_epoch"),
            .best_valid = number_or_infinity(json.at("best_valid")),
            .last_valid = number_or_infinity(json.at("last_valid")),
            .bad_validations = integer_at<int>(json, "bad_validations"),
            .plateau_factor = json.at("plateau_factor").get<double>(),
            .plateau_count = integer_at<int>(json, "plateau_count"),
            .objectives = objectives_from_json(json.at("objectives")),
            .code_cost_sum = json.value("code_cost_sum", 0.0),
            .divergence_sum = json.value("divergence_sum", 0.0),
            .loss_pieces = json.value("loss_pieces", std::int64_t{0}),
            .seconds = json.at("seconds").get<double>()};
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": training state: ", error.what()), 8);
  }
}

}  // namespace

std::string training_fingerprint(const Dataset& data, const TrainingConfig& config) {
  const nlohmann::ordered_json json = {{"data", digest_of(data)},
                                       {"batch_size", config.batch_size},
                                       {"sequence_length", config.sequence_length},
                                       {"validate_every", config.validate_every},
                                       {"seed", config.seed},
                                       {"optimizer", name_of(config.optimizer.kind)},
                                       {"learning_rate", config.optimizer.learning_rate},
                                       {"beta1", config.optimizer.beta1},
                                       {"beta2", config.optimizer.beta2},
                                       {"epsilon", config.optimizer.epsilon},
                                       {"weight_decay", config.optimizer.weight_decay},
                                       {"clip_norm", config.optimizer.clip_norm},
                                       {"schedule", name_of(config.schedule.kind)},
                                       {"warmup_steps", config.schedule.warmup_steps},
                                       {"decay", config.schedule.decay},
                                       {"final_factor", config.schedule.final_factor},
                                       {"plateau_patience", config.schedule.plateau_patience}};
  return to_text(json);
}

void save_checkpoint(const std::filesystem::path& path, const Model& model,
                     const ModelMeaning& meaning, const TrainingTensors& tensors,
                     const TrainingState& state, const std::string& fingerprint) {
  SafetensorsWriter file;
  add_model(file, model, meaning);
  for (const auto& [name, view] : training_arrays(tensors)) {
    std::vector<std::byte> bytes(view.bytes());
    model.backend().download(view, bytes);
    file.add(name, view.dtype, {view.count()}, bytes);
  }
  file.set_metadata("training", to_json(state, fingerprint));
  file.write(path);
}

TrainingState load_checkpoint(const std::filesystem::path& path, Model& model,
                              const TrainingTensors& tensors, const std::string& fingerprint) {
  const SafetensorsReader file(path);
  const auto metadata = [&](std::string_view key) {
    const auto found = file.metadata().find(key);
    if (found == file.metadata().end()) {
      throw FormatError(message(file.origin(), ": has no ", key, " and cannot be resumed"), 8);
    }
    return found->second;
  };
  check(metadata("model") == model.architecture(), file.origin(),
        ": holds another architecture than the one asked for");
  const TrainingState state = state_from_json(metadata("training"), file.origin(), fingerprint);
  if (state.objectives.size() != tensors.optimizers.size()) {
    throw FormatError(message(file.origin(), ": training state: has ", state.objectives.size(),
                              " objectives, expected ", tensors.optimizers.size()),
                      8);
  }
  read_all_weights(file, model);
  for (const auto& [name, view] : training_arrays(tensors)) {
    const FileArray& array = file.at(name);
    if (array.dtype != view.dtype || array.count() != view.count()) {
      throw FormatError(
          message(file.origin(), ": ", name, " has ", array.count(), " elements of ",
                  name_of(array.dtype), ", expected ", view.count(), " of ", name_of(view.dtype)),
          8);
    }
    model.backend().upload(array.bytes, view);
  }
  return state;
}

}  // namespace cadenza
