// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "cadenza/error.h"
#include "cadenza/optimizer.h"
#include "cadenza/vae.h"
#include "models/vae_pass.h"
#include "train/batches.h"

namespace cadenza {
namespace {

constexpr int kUpdatesBetween = 10;  // two looks at what the codes bring back

Batch side_by_side(const VaeConfig& config, const std::vector<Piece>& pieces) {
  std::vector<std::int64_t> order(pieces.size());
  std::iota(order.begin(), order.end(), 0);
  const BatchSource source = {.pieces = &pieces,
                              .width = config.width,
                              .rows = static_cast<std::int64_t>(pieces.size()),
                              .sequence_length = config.steps,
                              .ends_below = config.steps};
  return *EpochBatches(source, order, false).next();
}

// Codes that an optimiser moves as if they were the model's parameters.
class MovingCodes {
 public:
  MovingCodes(Vae& model, const std::vector<Code>& codes, double learning_rate)
      : model_(model),
        latent_(model.config().latent),
        numbers_(model.backend(), DType::f32,
                 {{"codes", {static_cast<std::int64_t>(codes.size()), latent_}}}),
        optimizer_(numbers_, {.learning_rate = learning_rate}),
        arena_(model.backend()) {
    std::vector<double> values;
    for (const Code& code : codes) values.insert(values.end(), code.begin(), code.end());
    numbers_.upload("codes", values);
  }

  void update(const Batch& batch) {
    arena_.reset();
    Tape tape(model_.backend(), arena_, DType::f32, GradMode::record);
    VaePass pass(tape, model_.config(), model_.parameters(), {});
    pass.losses(pass.tell(parameter(tape, numbers_, "codes"), batch.labels), batch, 1.0);
    numbers_.zero_gradients();
    tape.backward();
    optimizer_.step(1.0);
  }

  std::vector<Code> codes() const {
    const std::vector<double> values = numbers_.download("codes");
    std::vector<Code> codes;
    for (auto at = values.begin(); at != values.end(); at += latent_) {
      codes.emplace_back(at, at + latent_);
    }
    return codes;
  }

 private:
  Vae& model_;
  std::int64_t latent_;
  Parameters numbers_;
  Optimizer optimizer_;
  Arena arena_;
};

}  // namespace

std::vector<Code> fit_codes(Vae& model, std::span<const Sequence> pieces,
                            const FitRequest& request) {
  check(request.updates >= 0, "fit_codes: updates is ", request.updates, ", expected 0 or more");
  std::vector<Code> codes = encode(model, pieces);
  const auto all_back = [&] {
    const std::vector<Sequence> back = decode(model, codes, {.labels = request.labels});
    return std::equal(back.begin(), back.end(), pieces.begin(), pieces.end());
  };
  if (all_back() || request.updates == 0) return codes;

  std::vector<Piece> rows;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    rows.push_back(
        {.sequence = pieces[i], .label = request.labels.empty() ? -1 : request.labels[i]});
  }
  const Batch batch = side_by_side(model.config(), rows);
  MovingCodes moving(model, codes, request.learning_rate);
  for (int done = 0; done < request.updates;) {
    const int until = std::min(done + kUpdatesBetween, request.updates);
    for (; done < until; ++done) moving.update(batch);
    codes = moving.codes();
    if (all_back()) break;
  }
  model.parameters().zero_gradients();
  return codes;
}

}  // namespace cadenza
