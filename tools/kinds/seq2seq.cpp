// SPDX-License-Identifier: Apache-2.0
#include "cadenza/seq2seq.h"

#include "tools/generate/transform.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class Seq2SeqMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Model seq2seq");
    arguments.add_choice("--attention", attention_, "how the decoder looks back at the source",
                         {"none", "additive", "dot", "general"});
    arguments.add("--input-feeding", input_feeding_,
                  "the decoder also reads what attention gave at the step before");
  }

  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    config_.source_width = config_.width = 1;  // a stand-in until the data is known
    take_shared(shared, config_);
    take_encoder(shared, config_);
    config_.attention = parse_scoring(attention_);
    config_.input_feeding = input_feeding_ ? InputFeeding::yes : InputFeeding::no;
    config_.validate();
  }

  bool reads_pairs() const override { return true; }

  void complete(const NamedData& data) override {
    config_.source_width = data.set.pairs->vocabulary;
    config_.width = data.set.vocabulary;
  }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<Seq2Seq>(backend, config_);
  }

 private:
  Seq2SeqConfig config_;
  std::string attention_ = "general";
  bool input_feeding_ = false;
};

nlohmann::ordered_json describe_seq2seq(const ModelOptions& model) {
  const Seq2SeqFileInfo info = read_seq2seq_info(model.file);
  return describe_model(info, describe_pairs(info.pairs));
}

}  // namespace

ModelKind seq2seq_kind() {
  return {.names = {"seq2seq"},
          .summary = "seq2seq predicts a target from a source",
          .make_maker = make_maker<Seq2SeqMaker>,
          .describe = describe_seq2seq,
          .evaluate = evaluate_seq2seq,
          .generate = nullptr,
          .instead = "needs music to start from: see cadenza transform --help",
          .transform = transform_pairs};
}

}  // namespace cadenza::tools
