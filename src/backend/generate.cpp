// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <vector>

#include "cadenza/backend.h"

// Generation composed of the other operations, one step at a time: what every backend can do.

namespace cadenza {
namespace {

using Head = GenerationNetwork::Head;

std::vector<std::int32_t> download_i32(Backend& backend, const TensorView& from) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(from.count()));
  backend.download(from, std::as_writable_bytes(std::span(values)));
  return values;
}

void upload_i32(Backend& backend, const std::vector<std::int32_t>& values, const TensorView& to) {
  backend.upload(std::as_bytes(std::span(values)), to);
}

/// Bytes of the activations that one row needs beside its state.
std::size_t row_bytes(const GenerationNetwork& network) {
  std::int64_t floats = network.embedding.empty() ? 0 : network.embedding.shape[1];
  for (const DenseWeights& dense : network.dense) floats += dense.weight.shape[0];
  if (network.head == Head::nade) floats += network.nade_hidden.weight.shape[0];
  return static_cast<std::size_t>(floats) * sizeof(float);
}

/// One dense layer applied to a batch.
class Dense {
 public:
  Dense(Backend& backend, const DenseWeights& weights, std::int64_t batch)
      : backend_(backend),
        weights_(weights),
        out_(backend, {batch, weights.weight.shape[0]}, DType::f32) {}

  TensorView apply(const TensorView& x) {
    backend_.matmul({.a = x,
                     .b = weights_.weight,
                     .c = out_,
                     .transpose_b = Transpose::yes,
                     .bias = weights_.bias,
                     .order = SumOrder::fixed});
    if (weights_.activation != Activation::identity) {
      backend_.activation({.kind = weights_.activation, .x = out_, .y = out_});
    }
    return out_;
  }

 private:
  Backend& backend_;
  const DenseWeights& weights_;
  Tensor out_;
};

/// The network without its draw.
class Network {
 public:
  Network(Backend& backend, const GenerateArgs& args, std::int64_t batch)
      : backend_(backend), network_(*args.network), states_(args.states) {
    if (!network_.embedding.empty()) {
      embedded_ = Tensor(backend, {batch, network_.embedding.shape[1]}, DType::f32);
    }
    for (const DenseWeights& dense : network_.dense) dense_.emplace_back(backend, dense, batch);
    if (network_.head == Head::nade) nade_hidden_.emplace(backend, network_.nade_hidden, batch);
  }

  struct Output {
    TensorView logits;       // [B, V]; NADE: visible bias
    TensorView hidden_bias;  // [B, K], NADE only
  };

  /// Reads `input`, moves the states one step on.
  Output step(const TensorView& input) {
    TensorView x = input;
    if (!network_.embedding.empty()) {
      backend_.embedding({.ids = x, .table = network_.embedding, .y = embedded_});
      x = embedded_;
    }
    std::int64_t width = network_.embedding.empty() ? network_.width : network_.embedding.shape[1];
    for (std::size_t l = 0; l < states_.size(); ++l) {
      const std::int64_t hidden = states_[l].shape[2];
      backend_.recurrent_step({network_.cell, width, hidden},
                              {.x = x, .state = states_[l], .weights = network_.layers[l]});
      x = states_[l].at(0);
      width = hidden;
    }
    for (std::size_t l = 0; l + 1 < dense_.size(); ++l) x = dense_[l].apply(x);
    Output output{dense_.back().apply(x), {}};
    if (nade_hidden_) output.hidden_bias = nade_hidden_->apply(x);
    return output;
  }

 private:
  Backend& backend_;
  const GenerationNetwork& network_;
  const std::vector<TensorView>& states_;
  Tensor embedded_;
  std::vector<Dense> dense_;
  std::optional<Dense> nade_hidden_;
};

/// What a token does to the rows: ends them, and enters the windows of the penalties.
class TokenHistory {
 public:
  TokenHistory(Backend& backend, const GenerateArgs& args)
      : backend_(backend), args_(args), finished_(static_cast<std::size_t>(args.tokens.shape[1])) {
    if (!args.finished.empty()) finished_ = download_i32(backend, args.finished);
    if (!args.window.empty()) window_ = download_i32(backend, args.window);
  }

  /// Blanks the rows that had ended before step `t`, and takes in the tokens of the others.
  void advance(std::int64_t t) {
    if (args_.end_token < 0 && args_.finished.empty() && args_.window.empty()) return;
    std::vector<std::int32_t> tokens = download_i32(backend_, args_.tokens.at(t));
    bool blanked = false;
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      if (finished_[b] != 0) {
        tokens[b] = -1;
        blanked = true;
        continue;
      }
      remember(b, tokens[b]);
      if (args_.end_token >= 0 && tokens[b] == args_.end_token) ended_now_.push_back(b);
    }
    if (blanked) blank(t, tokens);
    for (const std::size_t b : ended_now_) finished_[b] = 1;
    ended_now_.clear();
    if (!window_.empty()) upload_i32(backend_, window_, args_.window);
  }

  void store() {
    if (!args_.finished.empty()) upload_i32(backend_, finished_, args_.finished);
  }

 private:
  void remember(std::size_t b, std::int32_t token) {
    const auto slots = static_cast<std::ptrdiff_t>(args_.window.shape[1]);
    if (slots == 0) return;
    const auto begin = window_.begin() + static_cast<std::ptrdiff_t>(b) * slots;
    std::copy(begin + 1, begin + slots, begin);
    begin[slots - 1] = token;
  }

  void blank(std::int64_t t, const std::vector<std::int32_t>& tokens) {
    upload_i32(backend_, tokens, args_.tokens.at(t));
    if (args_.log_probability.empty()) return;
    std::vector<float> values(tokens.size());
    const TensorView row = args_.log_probability.at(t);
    backend_.download(row, std::as_writable_bytes(std::span(values)));
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      if (finished_[b] != 0) values[b] = 0.0F;
    }
    backend_.upload(std::as_bytes(std::span(values)), row);
  }

  Backend& backend_;
  const GenerateArgs& args_;
  std::vector<std::int32_t> finished_;  // [B]
  std::vector<std::int32_t> window_;    // [B, W]
  std::vector<std::size_t> ended_now_;
};

void draw(Backend& backend, const GenerateArgs& args, const Network::Output& output,
          std::int64_t t) {
  const GenerationNetwork& network = *args.network;
  const TensorView log_probability =
      args.log_probability.empty() ? TensorView{} : args.log_probability.at(t);
  switch (network.head) {
    case Head::softmax:
      backend.sample_tokens({.logits = output.logits,
                             .bias = args.bias,
                             .allowed = args.allowed,
                             .window = args.window,
                             .rows = args.rows,
                             .tokens = args.tokens.at(t),
                             .log_probability = log_probability});
      break;
    case Head::bernoulli:
      backend.sample_keys({.logits = output.logits,
                           .rows = args.rows,
                           .keys = args.frames.at(t),
                           .log_probability = log_probability});
      break;
    case Head::nade:
      backend.sample_nade({.visible_bias = output.logits,
                           .hidden_bias = output.hidden_bias,
                           .w = network.nade_w,
                           .u = network.nade_u,
                           .rows = args.rows,
                           .keys = args.frames.at(t),
                           .log_probability = log_probability});
      break;
  }
}

}  // namespace

GenerationPlan Backend::do_plan_generation(const GenerationNetwork& network,
                                           std::int64_t batch) const {
  return {.kernel = "step by step",
          .reason = message("backend '", name(), "' has no whole-sequence kernel"),
          .refused = {},
          .workspace_bytes = row_bytes(network) * static_cast<std::size_t>(batch)};
}

void Backend::do_generate(const GenerateArgs& args) {
  const bool draws_tokens = args.network->head == Head::softmax;
  const TensorView& drawn = draws_tokens ? args.tokens : args.frames;
  Network network(*this, args, drawn.shape[1]);
  std::optional<TokenHistory> history;
  if (draws_tokens) history.emplace(*this, args);
  std::vector<std::int32_t> steps = download_i32(*this, args.rows.steps);

  TensorView input = args.input;
  for (std::int64_t t = 0; t < drawn.shape[0]; ++t) {
    draw(*this, args, network.step(input), t);
    if (history) history->advance(t);
    for (std::int32_t& step : steps) ++step;
    upload_i32(*this, steps, args.rows.steps);
    input = drawn.at(t);
  }
  copy(input, args.input);
  if (history) history->store();
}

}  // namespace cadenza
