// SPDX-License-Identifier: Apache-2.0
#include "tools/kinds/maker.h"

#include "cadenza/error.h"

namespace cadenza::tools {

std::vector<std::string> cell_names() {
  std::vector<std::string> names;
  for (const CellInfo& cell : cells()) names.emplace_back(cell.name);
  return names;
}

void add_play_options(Arguments& arguments, PlayOptions& options) {
  arguments.heading("Models of two players, gan and event_gan");
  arguments.add("--pretraining", options.pretraining,
                "updates in which the generator learns from the data alone");
  arguments.add("--generator-updates", options.generator_updates,
                "of the generator in each step of playing against each other");
  arguments.add("--discriminator-updates", options.discriminator_updates,
                "of the discriminator in each of these steps");
  arguments.add("--discriminator-rest", options.discriminator_rest,
                "the discriminator rests while its loss is below this share of the generator's; "
                "0: never");
  arguments.add("--generator-rate", options.generator_rate,
                "share of the learning rate, against the discriminator");
  arguments.add("--discriminator-rate", options.discriminator_rate, "the same, of the other");
  arguments.add_choice("--discriminator-cell", options.discriminator_cell, "its recurrent cell",
                       cell_names());
  arguments.add("--discriminator-layers", options.discriminator_layers, "its recurrent layers");
  arguments.add("--discriminator-hidden", options.discriminator_hidden,
                "units of each, a direction");
}

void require_tokens(const NamedData& data, const std::string& kind) {
  if (data.set.step_kind == StepKind::token) return;
  throw UsageError(message("--model ", kind, " reads tokens, but ", data.file,
                           " holds frames (tokenizer ", data.set.tokenizer_name, ")"));
}

void require_labels(const NamedData& data, const std::string& option) {
  if (!data.set.labels.empty()) return;
  throw UsageError(
      message(option, ": ", data.file, " has no labels; 'cadenza prepare --labels' gives them"));
}

}  // namespace cadenza::tools
