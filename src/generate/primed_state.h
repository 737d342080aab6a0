// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cadenza/language_model.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// The recurrent state after a primer, one row; the primer's last step is left for the first draw
/// to read.
class PrimedState {
 public:
  /// `network` is the model's, told the conditions asked for.
  PrimedState(const LanguageModel& model, const GenerationNetwork& network, const Sequence& primer);
  /// The same state in every one of `rows` rows.
  std::vector<Tensor> broadcast(std::int64_t rows) const;

 private:
  const LanguageModel& model_;
  Backend& backend_;
  std::vector<Tensor> state_;
};

}  // namespace cadenza
