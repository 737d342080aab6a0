// SPDX-License-Identifier: Apache-2.0
#include "tools/kinds/maker.h"

#include "cadenza/error.h"

namespace cadenza::tools {

std::vector<std::string> cell_names() {
  std::vector<std::string> names;
  for (const CellInfo& cell : cells()) names.emplace_back(cell.name);
  return names;
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
