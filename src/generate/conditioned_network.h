// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cadenza/language_model.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// A model's weights as generation sees them, with one label for every row. What the label adds to
/// the gates of the first layer is the same at every step: it becomes part of their bias, and every
/// backend generates as if there were no labels.
class ConditionedNetwork {
 public:
  /// `label` is -1 for a model without labels.
  ConditionedNetwork(const LanguageModel& model, std::int32_t label);
  const GenerationNetwork& view() const { return network_; }

 private:
  GenerationNetwork network_;
  Tensor w_ih_;
  Tensor b_ih_;
};

}  // namespace cadenza
