// SPDX-License-Identifier: Apache-2.0
#include "cadenza/classifier.h"

#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class ClassifierMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Model classifier");
    arguments.add_choice("--reading", reading_, "from the start, or in both directions",
                         {"forward", "both"});
    arguments.add_choice("--pooling", pooling_,
                         "what tells the label: the last step in each direction, the mean of all, "
                         "or each step for itself",
                         {"last", "mean", "step"});
    arguments.add("--balance-labels", balance_,
                  "rare labels weigh as much in the loss as frequent ones");
  }

  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    config_.width = 1;  // stand-ins until the data is known
    config_.classes = 2;
    take_shared(shared, config_);
    config_.reading = parse_reading(reading_);
    config_.pooling = parse_pooling(pooling_);
    config_.validate();
  }

  void complete(const NamedData& data) override {
    require_labels(data, "--model classifier");
    require_tokens(data, "classifier");
    config_.width = data.set.vocabulary;
    config_.classes = static_cast<int>(data.set.labels.size());
    if (balance_) config_.label_weights = balanced_label_weights(data.set);
  }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<Classifier>(backend, config_);
  }

 private:
  ClassifierConfig config_;
  std::string reading_ = "both";
  std::string pooling_ = "mean";
  bool balance_ = false;
};

nlohmann::ordered_json describe_classifier(const ModelOptions& model) {
  const ClassifierFileInfo info = read_classifier_info(model.file);
  return describe_model(info, {{"labels", info.labels}});
}

}  // namespace

ModelKind classifier_kind() {
  return {.names = {"classifier"},
          .summary = "classifier tells the label of a piece",
          .make_maker = make_maker<ClassifierMaker>,
          .describe = describe_classifier,
          .evaluate = evaluate_classifier,
          .generate = nullptr,
          .instead = "tells styles and writes no music: see cadenza classify --help"};
}

}  // namespace cadenza::tools
