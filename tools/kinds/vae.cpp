// SPDX-License-Identifier: Apache-2.0
#include "cadenza/vae.h"

#include <algorithm>

#include "cadenza/error.h"
#include "tools/generate/generate.h"
#include "tools/generate/transform.h"
#include "tools/judge/evaluate.h"
#include "tools/kinds/describe.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {
namespace {

class VaeMaker final : public ModelMaker {
 public:
  void add_to(Arguments& arguments) override {
    arguments.heading("Models vae and autoencoder");
    arguments.add("--latent", config_.latent, "numbers of a code");
    arguments.add("--segments", config_.segments,
                  "equal parts of the longest piece, in each of which the decoder starts anew from "
                  "what a conductor says; 1: no conductor");
    arguments.add("--kl-weight", config_.kl_weight,
                  "of a code's divergence from the prior, in the end");
    arguments.add("--kl-warmup", config_.kl_warmup, "updates in which it rises from 0");
    arguments.add("--free-bits", config_.free_bits, "divergence of a code that costs nothing");
  }

  void take(const std::string& kind, const SharedModelOptions& shared) override {
    kind_ = kind;
    config_.width = 1;  // a stand-in until the data is known
    condition_ = shared.condition;
    check(condition_ == "none" || condition_ == "label", "--condition: --model ", kind,
          " can be told the label alone, got ", condition_);
    check(config_.segments >= 1, "model: segments is ", config_.segments, ", expected at least 1");
    config_.steps = config_.segments;
    take_shared(shared, config_);
    take_encoder(shared, config_);
    config_.word_dropout = shared.word_dropout;
    config_.variational = kind == "vae" ? Variational::yes : Variational::no;
    config_.validate();
  }

  void complete(const NamedData& data) override {
    require_tokens(data, kind_);
    std::size_t longest = 1;
    for (const auto& pieces : data.set.splits) {
      for (const Piece& piece : pieces) longest = std::max(longest, piece.sequence.size());
    }
    const auto segments = static_cast<std::size_t>(config_.segments);
    config_.width = data.set.vocabulary;
    if (condition_ == "label") {
      require_labels(data, "--condition label");
      config_.labels = static_cast<int>(data.set.labels.size());
    }
    config_.steps = static_cast<int>((longest + segments - 1) / segments * segments);
    as_usage([this] { config_.validate(); });
  }

  bool can_be_conditioned() const override { return true; }

  std::unique_ptr<Model> make(Backend& backend) const override {
    return std::make_unique<Vae>(backend, config_);
  }

 private:
  std::string kind_;
  std::string condition_;
  VaeConfig config_;
};

nlohmann::ordered_json describe_vae(const ModelOptions& model) {
  const VaeFileInfo info = read_vae_info(model.file);
  nlohmann::ordered_json more;
  if (info.music.bars > 0) more["bars"] = info.music.bars;
  if (!info.labels.empty()) more["labels"] = info.labels;
  return describe_model(info, more);
}

}  // namespace

ModelKind vae_kind() {
  return {.names = {"vae", "autoencoder"},
          .summary = "vae and autoencoder write a whole piece into a code and back",
          .make_maker = make_maker<VaeMaker>,
          .describe = describe_vae,
          .evaluate = evaluate_vae,
          .generate = generate_from_codes,
          .transform = transform_style};
}

}  // namespace cadenza::tools
