// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "cadenza/language_model.h"
#include "cadenza/tensor.h"

namespace cadenza {

/// A model's weights as generation sees them, every row told the same conditions. What they add to
/// the gates of the first layer is the same at every step: it becomes part of their bias, and every
/// backend generates as if there were no conditions.
class ConditionedNetwork {
 public:
  /// A value for each of the model's conditions.
  ConditionedNetwork(const LanguageModel& model, std::span<const ConditionValue> values);
  const GenerationNetwork& view() const { return network_; }

 private:
  GenerationNetwork network_;
  Tensor w_ih_;
  Tensor b_ih_;
};

}  // namespace cadenza
