// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/language_model.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// The states of rows, and what they look back on, as GenerateArgs has them.
struct RowStates {
  std::vector<Tensor> layers;
  Tensor memory, history;
};

/// Where a primer leaves one row; the primer's last step is left for the first draw to read.
class PrimedState {
 public:
  /// `network` is the model's, told the conditions asked for.
  PrimedState(const LanguageModel& model, const GenerationNetwork& network, const Sequence& primer);
  /// The same in every one of `rows` rows.
  RowStates broadcast(std::int64_t rows) const;

 private:
  Backend& backend_;
  RowStates state_;
};

}  // namespace cadenza
