// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "arguments.h"
#include "cadenza/dataset.h"
#include "cadenza/language_model.h"
#include "cadenza/trainer.h"
#include "compute.h"

namespace cadenza::tools {

/// What `cadenza train` was asked for: `model` and `training` once complete() has run.
class TrainOptions {
 public:
  /// Adds every option; `arguments` must not outlive this.
  void add_to(Arguments& arguments);
  /// UsageError for values that make no sense whatever the data.
  void check_values();
  /// Takes width and kind from the data. UsageError if the head does not fit them.
  void complete(const Dataset& data);

  std::string data;
  std::string output;
  bool resume = false;
  bool json = false;
  ComputeOptions compute;
  LanguageModelConfig model;
  TrainingConfig training;

 private:
  std::string kind_ = "lm";
  std::string head_ = "auto";
  std::string cell_ = "lstm";
  std::string dense_;
  std::string optimizer_ = "adam";
  std::string schedule_ = "constant";
};

}  // namespace cadenza::tools
