// SPDX-License-Identifier: Apache-2.0
#include "cadenza/infiller.h"

#include "cadenza/error.h"
#include "tools/generate/infill.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class InfillerMaker final : public ModelMaker {
 public:
  void take(const std::string& /*kind*/, const SharedModelOptions& shared) override {
    config_.width = 1;  // a stand-in until the data is known
    take_shared(shared, config_);
    config_.word_dropout = shared.word_dropout;
    config_.validate();
  }

  void complete(const NamedData& data) override {
    require_tokens(data, "infiller");
    const auto tokenizer = make_tokenizer(data.set.tokenizer_name, data.set.tokenizer_settings);
    const std::optional<TokenGrid> grid = tokenizer->grid();
    if (!grid) {
      throw UsageError(message("--model infiller fills in steps of a grid, but ", data.file,
                               " holds ", data.set.tokenizer_name,
                               " tokens, which stand on none; expected melody or chorale"));
    }
    config_.width = data.set.vocabulary;
    config_.voices = static_cast<int>(grid->voices.size());
    config_.period = grid->steps_per_quarter;
  }

  void add_to(Arguments& /*arguments*/) override {}

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<Infiller>(backend, config_);
  }

 private:
  InfillerConfig config_;
};

nlohmann::ordered_json describe_infiller(const ModelOptions& model) {
  return describe_model(read_infiller_info(model.file));
}

}  // namespace

ModelKind infiller_kind() {
  return {.names = {"infiller"},
          .summary = "infiller tells each token on a grid from all the others",
          .make_maker = make_maker<InfillerMaker>,
          .describe = describe_infiller,
          .evaluate = evaluate_infiller,
          .generate = nullptr,
          .instead = "fills in music, all of it if asked: see cadenza infill --help",
          .infill = infill_grid};
}

}  // namespace cadenza::tools
