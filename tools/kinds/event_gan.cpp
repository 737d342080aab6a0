// SPDX-License-Identifier: Apache-2.0
#include "cadenza/event_gan.h"

#include "cadenza/error.h"
#include "tools/generate/generate.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class EventGanMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Model event_gan");
    arguments.add("--events", config_.events, "notes of a piece at most");
    arguments.add("--noise", config_.noise, "random numbers that it reads at every step");
    arguments.add("--no-feedback", no_feedback_, "it does not read the note that it made before");
    arguments.add("--kernels", config_.kernels,
                  "measures by which the discriminator sees how close pieces of a batch are; 0: "
                  "it sees each alone");
    arguments.add_choice("--word-loss", word_loss_,
                         "how the discriminator's words are compared with what they should be",
                         {"sigmoid", "squared"});
    arguments.add_choice("--aim", aim_,
                         "the generator wants to be taken for real, or to have the features that "
                         "the discriminator finds in real pieces",
                         {"words", "features"});
  }

  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    check(shared.embedding == 0 && shared.dropout == 0.0 && shared.input_dropout == 0.0,
          "--model event_gan has no --embedding, --dropout and --input-dropout");
    config_.cell = parse_cell(shared.cell);
    config_.layers = shared.layers;
    config_.hidden = shared.hidden;
    config_.forget_bias = shared.forget_bias;
    take_play(shared.play, config_);
    config_.discriminator_cell = parse_cell(shared.play.discriminator_cell);
    config_.discriminator_layers = shared.play.discriminator_layers;
    config_.discriminator_hidden = shared.play.discriminator_hidden;
    config_.feedback = no_feedback_ ? Feedback::no : Feedback::yes;
    config_.word_loss = parse_word_loss(word_loss_);
    config_.aim = parse_aim(aim_);
    config_.validate();
  }

  void complete(const NamedData& data) override {
    require_tokens(data, "event_gan");
    config_.tokenizer_name = data.set.tokenizer_name;
    config_.tokenizer_settings = data.set.tokenizer_settings;
  }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<EventGan>(backend, config_);
  }

 private:
  EventGanConfig config_;
  bool no_feedback_ = false;
  std::string word_loss_ = "sigmoid";
  std::string aim_ = "words";
};

nlohmann::ordered_json describe_event_gan(const ModelOptions& model) {
  return describe_model(read_event_gan_info(model.file));
}

}  // namespace

ModelKind event_gan_kind() {
  return {.names = {"event_gan"},
          .summary = "event_gan turns noise into notes as numbers, and learns as gan does",
          .make_maker = make_maker<EventGanMaker>,
          .describe = describe_event_gan,
          .evaluate = evaluate_event_gan,
          .generate = generate_events};
}

}  // namespace cadenza::tools
