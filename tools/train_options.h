// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "arguments.h"
#include "cadenza/classifier.h"
#include "cadenza/dataset.h"
#include "cadenza/language_model.h"
#include "cadenza/seq2seq.h"
#include "cadenza/trainer.h"
#include "cadenza/vae.h"
#include "compute.h"

namespace cadenza::tools {

/// What `cadenza train` was asked for: `training`, and the model, once complete() has run.
class TrainOptions {
 public:
  /// Adds every option; `arguments` must not outlive this.
  void add_to(Arguments& arguments);
  /// UsageError for values that make no sense whatever the data.
  void check_values();
  /// Takes widths and kind from the data. UsageError if model or head do not fit them.
  void complete(const Dataset& data);
  std::unique_ptr<Model> make_model(Backend& backend) const;

  std::string data;
  std::string output;
  bool resume = false;
  bool json = false;
  ComputeOptions compute;
  TrainingConfig training;

 private:
  void add_model_options(Arguments& arguments);
  bool encodes() const { return kind_ == "vae" || kind_ == "autoencoder"; }
  void check_seq2seq();
  void check_vae();
  void check_classifier();
  void complete_classifier(const Dataset& data);
  void condition_on_labels(const Dataset& data);

  LanguageModelConfig model_;
  Seq2SeqConfig seq2seq_;
  VaeConfig vae_;
  ClassifierConfig classifier_;
  std::string kind_ = "lm";
  std::string head_ = "auto";
  std::string cell_ = "lstm";
  std::string dense_;
  std::string condition_ = "none";
  std::string attention_ = "general";
  bool input_feeding_ = false;
  std::string reading_ = "both";
  std::string pooling_ = "mean";
  std::string optimizer_ = "adam";
  std::string schedule_ = "constant";
};

}  // namespace cadenza::tools
