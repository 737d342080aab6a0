// SPDX-License-Identifier: Apache-2.0
#include "cadenza/language_model.h"

#include "cadenza/error.h"
#include "tools/generate/generate.h"
#include "tools/generate/infill.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

std::vector<DenseConfig> parse_dense(const std::string& text) {
  std::vector<DenseConfig> layers;
  for (const std::string& item : split_list(text)) {
    const std::size_t colon = item.find(':');
    DenseConfig layer;
    layer.units = parse_integer(item.substr(0, colon), "--dense");
    if (colon != std::string::npos) layer.activation = parse_activation(item.substr(colon + 1));
    layers.push_back(layer);
  }
  return layers;
}

class LanguageModelMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Model lm");
    arguments.add("--dense", dense_, "dense layers before the output, as in 200:relu,100:tanh");
    arguments.add_choice("--head", head_,
                         "what predicts a step; auto: softmax or bernoulli by data",
                         {"auto", "softmax", "bernoulli", "nade"});
    arguments.add("--nade-hidden", config_.nade_hidden, "hidden units of the nade head");
    arguments.add("--attention-length", config_.attention_length,
                  "the first layer attends to its outputs of so many steps before; 0: it does not");
    arguments.add(
        "--lookback", lookback_,
        "steps also read the tokens that stood so many steps ago, as in 16,32 for one and "
        "two bars of sixteenths");
    arguments.add("--position-bits", position_bits_,
                  "so many bits of its number in the piece are read by each step");
  }

  void check_unused(const std::string& kind) const override {
    check(dense_.empty() && head_ == "auto", "--model ", kind, " has no --dense and no --head");
    check(config_.attention_length == 0 && lookback_.empty() && position_bits_ == 0, "--model ",
          kind, " has no --attention-length, no --lookback and no --position-bits");
  }

  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    config_.width = static_cast<int>(Frame().size());  // a stand-in until the data is known
    take_shared(shared, config_);
    config_.dense = parse_dense(dense_);
    for (const std::string& name : split_list(shared.condition)) {
      if (name != "none") conditions_.push_back(parse_condition(name));
    }
    config_.head = head_ == "auto" ? Head::softmax : parse_head(head_);
    config_.validate();
  }

  void complete(const NamedData& data) override {
    choose_head(data);
    config_.width = data.set.vocabulary;
    for (const std::string& distance : split_list(lookback_)) {
      config_.lookback.push_back(parse_integer(distance, "--lookback"));
    }
    config_.position_bits = position_bits_;
    if (!conditions_.empty()) condition(data);
    constexpr int kEmbedding = 64;  // one-hot tokens stand alone
    if (data.set.step_kind == StepKind::token && config_.embedding == 0 &&
        (config_.own_numbers() > 0 || !conditions_.empty())) {
      config_.embedding = kEmbedding;
    }
    as_usage([this] { config_.validate(); });
    tell_conditions(data.set, config_.conditions);
  }

  bool can_be_conditioned() const override { return true; }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<LanguageModel>(backend, config_);
  }

 private:
  void choose_head(const NamedData& data) {
    const bool tokens = data.set.step_kind == StepKind::token;
    if (head_ == "auto") {
      config_.head = tokens ? Head::softmax : Head::bernoulli;
    } else if (tokens != (config_.head == Head::softmax)) {
      throw UsageError(message("--head ", head_, " predicts ", tokens ? "frames" : "tokens",
                               ", but ", data.file, " holds ", tokens ? "tokens" : "frames",
                               " (tokenizer ", data.set.tokenizer_name, "); expected ",
                               tokens ? "softmax" : "bernoulli or nade"));
    }
  }

  void condition(const NamedData& data) {
    for (const ConditionKind kind : conditions_) {
      if (kind == ConditionKind::label) require_labels(data, "--condition label");
      config_.conditions.push_back(make_condition(kind, data.set));
    }
  }

  LanguageModelConfig config_;
  std::vector<ConditionKind> conditions_;
  std::string dense_;
  std::string lookback_;
  int position_bits_ = 0;
  std::string head_ = "auto";
};

nlohmann::ordered_json describe_language_model(const ModelOptions& model) {
  const auto [tokenizer, settings] = split_tokenizer(model.tokenizer);
  const ModelFileInfo info = read_model_info(model.file, tokenizer, settings);
  nlohmann::ordered_json more = {{"dense", nlohmann::ordered_json::array()}};
  for (const DenseConfig& layer : info.config.dense) {
    more["dense"].push_back(message(layer.units, ":", name_of(layer.activation)));
  }
  if (!info.labels.empty()) more["labels"] = info.labels;
  return describe_model(info, more);
}

}  // namespace

ModelKind language_model_kind() {
  return {.names = {"lm"},
          .summary = "lm predicts the next step",
          .make_maker = make_maker<LanguageModelMaker>,
          .describe = describe_language_model,
          .evaluate = evaluate_language_model,
          .generate = generate_step_by_step,
          .infill = infill_by_resampling};
}

}  // namespace cadenza::tools
