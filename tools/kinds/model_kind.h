// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/model_options.h"
#include "tools/kinds/maker.h"

namespace cadenza::tools {

struct EvaluateOptions;
struct GenerateOptions;
struct InfillOptions;
struct TransformOptions;

/// One row of the table of model kinds: all that the commands must know of it.
struct ModelKind {
  /// As --model and model files have them; more than one if they differ in what they learn alone.
  std::vector<std::string_view> names;
  std::string_view summary;  ///< what it does, for the help of --model
  std::unique_ptr<ModelMaker> (*make_maker)();
  /// What `cadenza info` says of a file, besides its arrays.
  nlohmann::ordered_json (*describe)(const ModelOptions& model);
  void (*evaluate)(const EvaluateOptions& options);
  /// nullptr if such a model writes no music from nothing; `instead` then says what it does.
  void (*generate)(const Arguments& parser, GenerateOptions& options);
  std::string_view instead = {};
  /// nullptr if it makes no music of other music.
  void (*transform)(const Arguments& parser, const TransformOptions& options) = nullptr;
  /// nullptr if such a model does not fill in music.
  void (*infill)(const Arguments& parser, const InfillOptions& options) = nullptr;
};

template <typename Maker>
std::unique_ptr<ModelMaker> make_maker() {
  return std::make_unique<Maker>();
}

std::span<const ModelKind> model_kinds();
/// The kind of this name; ArgumentError lists the known names.
const ModelKind& model_kind(std::string_view name);
/// The kind of a model file. As read_model_kind().
const ModelKind& kind_of_file(const std::string& file);

/// The rows, one a file.
ModelKind language_model_kind();
ModelKind seq2seq_kind();
ModelKind vae_kind();
ModelKind classifier_kind();
ModelKind infiller_kind();
ModelKind gan_kind();
ModelKind event_gan_kind();

}  // namespace cadenza::tools
