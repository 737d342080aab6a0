// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cadenza/error.h"
#include "cadenza/file.h"
#include "cadenza/render.h"
#include "io/json.h"
#include "tools/common/data_file.h"
#include "tools/common/json_result.h"
#include "tools/common/progress.h"
#include "tools/train/stop_signal.h"
#include "tools/train/train_options.h"

namespace cadenza::tools {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 3> kNotSettings = {"--resume", "--explain", "--json"};

std::string unit_of(const Dataset& data) {
  return data.step_kind == StepKind::token ? "tokens" : "frames";
}

/// Draws the losses that the trainer recorded, train_loss, valid_loss or those of other names.
void write_curves(const fs::path& folder, const std::string& unit) {
  constexpr std::string_view kEnding = "_loss";
  std::vector<Curve> curves;
  std::ifstream lines(folder / "metrics.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const auto row = parse_ordered_json(line);
    if (!row.is_object() || !row.contains("step")) continue;
    for (const auto& [key, value] : row.items()) {
      if (!key.ends_with(kEnding) || key == "best_valid_loss" || !value.is_number()) continue;
      const std::string label = key.substr(0, key.size() - kEnding.size());
      auto curve = std::find_if(curves.begin(), curves.end(),
                                [&](const Curve& other) { return other.label == label; });
      if (curve == curves.end()) curve = curves.insert(curve, {label, {}, {}});
      curve->x.push_back(row["step"].get<double>());
      curve->y.push_back(value.get<double>());
    }
  }
  // The likelihood of the data is counted by the step, what players think of each other by piece.
  const bool players = curves.size() > 2;
  render_curves("Training", "update", players ? "nats" : "nats per " + unit, curves,
                folder / "loss.svg");
}

void announce(const Dataset& data, const Model& model, const TrainOptions& options) {
  std::cerr << "data     : " << options.data << ": " << data[Split::train].size()
            << " training pieces, "
            << short_count(static_cast<double>(step_count(data[Split::train]))) << " "
            << unit_of(data) << "; " << data[Split::valid].size() << " for validation\n"
            << "model    : " << model.summary() << ", "
            << short_count(static_cast<double>(model.parameter_count())) << " parameters\n";
}

/// What the validation loss consists of, for models with codes.
std::string code_text(const TrainingProgress& now) {
  if (!now.valid_code) return "";
  return message(" (reconstruction ", fixed_text(now.valid_code->reconstruction, 3),
                 "; divergence of codes ", fixed_text(now.valid_code->divergence, 1),
                 " nats a piece)");
}

/// The losses since the last report: of each objective, if there are several.
std::string loss_text(const TrainingProgress& now) {
  if (now.objectives.empty()) return "train " + fixed_text(now.train_loss, 3);
  std::string text;
  for (const ObjectiveProgress& objective : now.objectives) {
    text += message(text.empty() ? "" : ", ", objective.name, " ", fixed_text(objective.loss, 3));
  }
  return text;
}

/// Shows where training stands; false once the user asked to stop.
class Reporter {
 public:
  explicit Reporter(std::string unit) : unit_(std::move(unit)), progress_("training") {}

  bool operator()(const TrainingProgress& now) {
    std::string losses = loss_text(now);
    if (std::isfinite(now.best_valid_loss))
      losses += ", best valid " + fixed_text(now.best_valid_loss, 3);
    if (now.validated) {
      progress_.note(message("epoch ", now.epoch, ", update ", now.step, ", ",
                             clock_text(now.seconds), ": ", loss_text(now), ", valid ",
                             fixed_text(now.valid_loss, 3), code_text(now)));
    }
    const double total = static_cast<double>(std::max<std::int64_t>(now.total_steps, 1));
    progress_.update(static_cast<double>(now.step) / total,
                     losses + ", " + short_count(now.steps_per_second) + " " + unit_ + "/s");
    return !stop_requested();
  }
  void finish() { progress_.finish(); }

 private:
  std::string unit_;
  Progress progress_;
};

void report(const TrainingResult& result, const TrainOptions& options, const Dataset& data,
            const Model& model) {
  const fs::path folder = options.output;
  const std::string checkpoint = (folder / "model.safetensors").string();
  if (options.json) {
    print_json({{"checkpoint", checkpoint},
                {"steps", result.steps},
                {"epochs", result.epochs},
                {"seconds", result.seconds},
                {"tokens_per_second", result.tokens_per_second},
                {"best_valid_nll", result.best_valid_loss},
                {"stopped_by", result.stopped_by},
                {"parameters", model.parameter_count()},
                {"backend", model.backend().name()}});
    return;
  }
  std::cout << "trained  : " << result.steps << " updates, " << result.epochs << " epochs, "
            << clock_text(result.seconds);
  if (result.tokens_per_second > 0.0) {  // 0 if a resumed run was done already
    std::cout << ", " << short_count(result.tokens_per_second) << " " << unit_of(data) << "/s";
  }
  std::cout << " (stopped by: " << result.stopped_by << ")\n";
  if (std::isfinite(result.best_valid_loss)) {
    std::cout << "best     : " << fixed_text(result.best_valid_loss, 4)
              << " nats a step (validation)\n";
  }
  std::cout << "wrote    : " << checkpoint << ", loss.svg, metrics.jsonl, config.toml\n";
}

}  // namespace

int run_train(std::span<char*> arguments) {
  TrainOptions options;
  Arguments parser("train", "Train a model on a data file.");
  options.add_to(parser);
  parser.footer(
      "Example: cadenza train --data data.safetensors --preset performance --output run\n"
      "Every option can also stand in the environment (CADENZA_HIDDEN=256) or in --config.");
  if (!parser.parse(arguments)) return kDone;
  parser.require("--output");
  const fs::path folder = options.output;
  if (options.resume && fs::exists(folder / "config.toml")) {
    parser.fill_from(folder / "config.toml");
  }
  parser.require("--data");
  options.check_values();

  Dataset data = load_data(options.data);
  options.complete(data);
  const std::unique_ptr<Tokenizer> tokenizer = tokenizer_of(data);
  ComputeOptions compute = options.compute;
  if (compute.precision == "auto") compute.precision = "fp32";  // the same model everywhere
  const std::unique_ptr<Backend> backend = open_backend(compute);
  if (!backend->trains()) {
    throw UsageError(message("--precision ", compute.precision, " on the ", backend->name(),
                             " backend generates and measures, but does not train; expected fp32 "
                             "or int24"));
  }
  const std::unique_ptr<Model> model = options.make_model(*backend);
  announce(data, *model, options);

  catch_stop_signals();
  Trainer trainer(*model, *tokenizer, data, options.training, folder, options.resume);
  write_file_atomic(folder / "config.toml",
                    "# cadenza train " CADENZA_VERSION "\n" + parser.effective(kNotSettings));
  Reporter reporter(unit_of(data));
  const TrainingResult result =
      trainer.run([&](const TrainingProgress& now) { return reporter(now); });
  reporter.finish();
  explain_decisions(options.compute, *backend);
  write_curves(folder, data.step_kind == StepKind::token ? "token" : "frame");
  report(result, options, data, *model);
  return kDone;
}

}  // namespace cadenza::tools
