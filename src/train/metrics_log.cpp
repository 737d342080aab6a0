// SPDX-License-Identifier: Apache-2.0
#include "train/metrics_log.h"

#include <string>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "io/json.h"

namespace cadenza {
namespace {

// A line cut short by a kill does not parse and goes as well.
bool belongs_to(const std::string& line, std::int64_t step) {
  const auto json = parse_ordered_json(line);
  if (!json.is_object()) return false;
  const auto found = json.find("step");
  return found != json.end() && found->is_number_integer() && found->get<std::int64_t>() <= step;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, std::int64_t step) : path_(path) {
  std::string kept;
  std::ifstream in(path);
  for (std::string line; step > 0 && std::getline(in, line);) {
    if (belongs_to(line, step)) kept += line + '\n';
  }
  write_file_atomic(path, kept);
  out_.open(path, std::ios::app);
  if (!out_) throw FileError(message("cannot write ", path.string()));
}

void MetricsLog::write(const TrainingProgress& progress) {
  nlohmann::ordered_json line = {{"step", progress.step}, {"epoch", progress.epoch}};
  for (const ObjectiveProgress& objective : progress.objectives) {
    line[objective.name + "_loss"] = objective.loss;
  }
  if (progress.objectives.empty()) line["train_loss"] = progress.train_loss;
  line["learning_rate"] = progress.learning_rate;
  line["seconds"] = progress.seconds;
  line["steps_per_second"] = progress.steps_per_second;
  if (progress.validated) {
    line["valid_loss"] = progress.valid_loss;
    line["best_valid_loss"] = progress.best_valid_loss;
  }
  const auto add_code = [&](const std::string& which, const std::optional<CodeProgress>& code) {
    if (!code) return;
    line[which + "_reconstruction"] = code->reconstruction;
    line[which + "_divergence"] = code->divergence;
  };
  add_code("train", progress.train_code);
  if (progress.validated) add_code("valid", progress.valid_code);
  out_ << to_text(line) << '\n' << std::flush;
  if (!out_) throw FileError(message("cannot write ", path_.string(), ": disk full?"));
}

}  // namespace cadenza
