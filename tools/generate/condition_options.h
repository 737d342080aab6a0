// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cadenza/language_model.h"
#include "tools/common/arguments.h"

namespace cadenza::tools {

/// --label, --key-condition and the others: what a model of train --condition is told.
struct ConditionOptions {
  std::string label;
  std::string key;
  double density = 0.0;       ///< notes a quarter
  double tempo = 0.0;         ///< beats a minute
  std::string pitch_classes;  ///< twelve numbers from C
};

void add_condition_options(Arguments& arguments, ConditionOptions& options);
/// UsageError for a key that is none, and for pitch classes that are not twelve numbers.
void check_condition_options(const ConditionOptions& options);
/// A value for each of the model's conditions, as GenerationRequest has them. ArgumentError for an
/// option that is missing, out of range or unknown to the model.
std::vector<ConditionValue> read_conditions(const Arguments& arguments,
                                            const ConditionOptions& options,
                                            const ModelFileInfo& model);

}  // namespace cadenza::tools
