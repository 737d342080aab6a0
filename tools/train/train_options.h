// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/trainer.h"
#include "tools/common/arguments.h"
#include "tools/common/compute.h"
#include "tools/kinds/maker.h"

namespace cadenza::tools {

/// What `cadenza train` was asked for: `training`, and the model, once complete() has run.
class TrainOptions {
 public:
  /// Adds every option; `arguments` must not outlive this.
  void add_to(Arguments& arguments);
  /// UsageError for values that make no sense whatever the data.
  void check_values();
  /// As ModelMaker::complete(). UsageError if the model cannot read them.
  void complete(Dataset& data);
  std::unique_ptr<Model> make_model(Backend& backend) const;

  std::string data;
  std::string output;
  bool resume = false;
  bool json = false;
  ComputeOptions compute;
  TrainingConfig training;

 private:
  void add_model_options(Arguments& arguments);

  std::string kind_ = "lm";
  SharedModelOptions shared_;
  std::vector<std::unique_ptr<ModelMaker>> makers_;  // one for each row of model_kinds()
  ModelMaker* maker_ = nullptr;                      // of the kind asked for
  std::string optimizer_ = "adam";
  std::string schedule_ = "constant";
};

}  // namespace cadenza::tools
