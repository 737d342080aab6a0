// SPDX-License-Identifier: Apache-2.0
#include "cadenza/gan.h"

#include "tools/generate/generate.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class GanMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Model gan");
    arguments.add("--discriminator-pretraining", config_.discriminator_pretraining,
                  "steps after --pretraining in which the discriminator alone learns");
    arguments.add("--likelihood-every", config_.likelihood_every,
                  "of the steps after these: how often the generator learns by likelihood too; "
                  "0: never");
    arguments.add("--discount", config_.discount,
                  "with --discriminator-pooling step: what the next step's word counts against "
                  "this one's");
    ClassifierConfig& discriminator = config_.discriminator;
    arguments.add("--discriminator-embedding", discriminator.embedding, "size of its embeddings");
    arguments.add("--discriminator-dropout", discriminator.dropout,
                  "share of its recurrent outputs dropped in training");
    arguments.add_choice("--discriminator-reading", reading_,
                         "from the start, or in both directions", {"forward", "both"});
    arguments.add_choice("--discriminator-pooling", pooling_,
                         "what its word is about: the piece, by the last step in each direction "
                         "or the mean of all, or each step",
                         {"last", "mean", "step"});
  }

  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    config_.generator.width = config_.discriminator.width = 1;  // until the data is known
    config_.discriminator.classes = 2;
    take_shared(shared, config_.generator);
    take_play(shared.play, config_);
    config_.discriminator.cell = parse_cell(shared.play.discriminator_cell);
    config_.discriminator.layers = shared.play.discriminator_layers;
    config_.discriminator.hidden = shared.play.discriminator_hidden;
    config_.discriminator.reading = parse_reading(reading_);
    config_.discriminator.pooling = parse_pooling(pooling_);
    config_.validate();
  }

  void complete(const NamedData& data) override {
    require_tokens(data, "gan");
    config_.generator.width = config_.discriminator.width = data.set.vocabulary;
  }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<Gan>(backend, config_);
  }

 private:
  GanConfig config_;
  std::string reading_ = "both";
  std::string pooling_ = "mean";
};

nlohmann::ordered_json describe_gan(const ModelOptions& model) {
  return describe_model(read_gan_info(model.file));
}

}  // namespace

ModelKind gan_kind() {
  return {.names = {"gan"},
          .summary =
              "gan predicts the next step, and learns to write what another network takes "
              "for real",
          .make_maker = make_maker<GanMaker>,
          .describe = describe_gan,
          .evaluate = evaluate_gan,
          .generate = generate_step_by_step};
}

}  // namespace cadenza::tools
