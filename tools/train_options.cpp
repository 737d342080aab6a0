// SPDX-License-Identifier: Apache-2.0
#include "train_options.h"

#include <algorithm>

#include "cadenza/error.h"

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

std::vector<std::string> cell_names() {
  std::vector<std::string> names;
  for (const CellInfo& cell : cells()) names.emplace_back(cell.name);
  return names;
}

}  // namespace

void TrainOptions::add_to(Arguments& arguments) {
  arguments.heading("Files");
  arguments.add("--data", data, "what 'cadenza prepare' wrote, or a .json frame set or .npy array");
  arguments.add("--output", output, "the folder to write the model and its records to");
  arguments.add("--resume", resume, "go on from last.safetensors in the output folder");
  arguments.add("--json", json, "print one JSON object on stdout");
  arguments.add_settings(Arguments::Presets::yes);

  add_model_options(arguments);
  arguments.heading("Training");
  arguments.add("--batch-size", training.batch_size, "pieces side by side");
  arguments.add("--sequence-length", training.sequence_length,
                "steps of back-propagation; the state is carried on");
  arguments.add("--epochs", training.epochs, "passes over the data at most; 0: no limit");
  arguments.add("--steps", training.steps, "updates at most; 0: no limit");
  arguments.add("--validate-every", training.validate_every, "updates; 0: once an epoch");
  arguments.add("--patience", training.patience,
                "validations without improvement before stopping; 0: never");
  arguments.add("--checkpoint-seconds", training.checkpoint_seconds,
                "how often last.safetensors is refreshed at most");
  arguments.add_choice("--optimizer", optimizer_, "update rule",
                       {"adam", "adamw", "sgd", "momentum", "rmsprop"});
  arguments.add("--learning-rate", training.optimizer.learning_rate, "step size");
  arguments.add("--beta1", training.optimizer.beta1, "decay of the first moment; the momentum");
  arguments.add("--beta2", training.optimizer.beta2, "decay of the second moment");
  arguments.add("--epsilon", training.optimizer.epsilon, "added to the root of the second moment");
  arguments.add("--weight-decay", training.optimizer.weight_decay, "pull of weights towards 0");
  arguments.add("--clip-norm", training.optimizer.clip_norm, "largest gradient norm; 0: no limit");
  arguments.add_choice("--schedule", schedule_, "course of the learning rate",
                       {"constant", "exponential", "cosine", "plateau"});
  arguments.add("--warmup-steps", training.schedule.warmup_steps, "updates from rate 0 to full");
  arguments.add("--decay", training.schedule.decay,
                "exponential: factor an epoch; plateau: factor at each plateau");
  arguments.add("--final-factor", training.schedule.final_factor,
                "cosine: factor at the end; others: lower bound");
  arguments.add("--plateau-patience", training.schedule.plateau_patience,
                "plateau: validations without improvement before a decay");
  arguments.add("--seed", training.seed, "of weights, order and dropout");
  add_compute_options(arguments, compute);
}

void TrainOptions::add_model_options(Arguments& arguments) {
  arguments.heading("Model");
  arguments.add_choice("--model", kind_,
                       "kind of model; lm predicts the next step, seq2seq a target from a source; "
                       "vae and autoencoder write a whole piece into a code and back; "
                       "classifier tells the label of a piece",
                       {"lm", "seq2seq", "vae", "autoencoder", "classifier"});
  arguments.add_choice("--cell", cell_, "recurrent cell", cell_names());
  arguments.add("--layers", model_.layers, "recurrent layers");
  arguments.add("--hidden", model_.hidden, "units of each recurrent layer");
  arguments.add("--embedding", model_.embedding,
                "size of token embeddings; 0: one-hot input, 64 for all models but lm");
  arguments.add("--dense", dense_, "dense layers before the output, as in 200:relu,100:tanh");
  arguments.add_choice("--head", head_, "what predicts a step; auto: softmax or bernoulli by data",
                       {"auto", "softmax", "bernoulli", "nade"});
  arguments.add("--nade-hidden", model_.nade_hidden, "hidden units of the nade head");
  arguments.add("--dropout", model_.dropout, "share of recurrent outputs dropped in training");
  arguments.add("--input-dropout", model_.input_dropout, "the same for frames and embeddings");
  arguments.add_choice("--condition", condition_,
                       "of lm: what each step is told besides; label: the style that prepare "
                       "--labels gave the piece",
                       {"none", "label"});
  arguments.add("--forget-bias", model_.forget_bias, "initial bias of the LSTM forget gate");

  arguments.heading("Models with an encoder");
  arguments.add("--encoder-layers", seq2seq_.encoder_layers,
                "layers that read the source, or the piece, in both directions");
  arguments.add("--own-tokens", seq2seq_.own_tokens,
                "scheduled sampling: share of true tokens replaced by drawn ones in the end");
  arguments.add("--own-tokens-slope", seq2seq_.own_tokens_slope,
                "updates k: the share rises as 1 - k / (k + exp(update / k))");

  arguments.heading("Model seq2seq");
  arguments.add_choice("--attention", attention_, "how the decoder looks back at the source",
                       {"none", "additive", "dot", "general"});
  arguments.add("--input-feeding", input_feeding_,
                "the decoder also reads what attention gave at the step before");

  arguments.heading("Models vae and autoencoder");
  arguments.add("--latent", vae_.latent, "numbers of a code");
  arguments.add("--segments", vae_.segments,
                "equal parts of the longest piece, in each of which the decoder starts anew from "
                "what a conductor says; 1: no conductor");
  arguments.add("--kl-weight", vae_.kl_weight, "of a code's divergence from the prior, in the end");
  arguments.add("--kl-warmup", vae_.kl_warmup, "updates in which it rises from 0");
  arguments.add("--free-bits", vae_.free_bits, "divergence of a code that costs nothing");
  arguments.add("--word-dropout", vae_.word_dropout,
                "share of tokens that the decoder may not read in training");

  arguments.heading("Model classifier");
  arguments.add_choice("--reading", reading_, "from the start, or in both directions",
                       {"forward", "both"});
  arguments.add_choice("--pooling", pooling_,
                       "what tells the label: the last step in each direction, or the mean of all",
                       {"last", "mean"});
}

void TrainOptions::check_values() {
  check_compute_options(compute);
  as_usage([this] {
    model_.cell = parse_cell(cell_);
    model_.dense = parse_dense(dense_);
    model_.head = head_ == "auto" ? Head::softmax : parse_head(head_);
    model_.width = static_cast<int>(Frame().size());  // a stand-in until the data is known
    training.optimizer.kind = parse_optimizer(optimizer_);
    training.schedule.kind = parse_schedule(schedule_);
    training.validate();
    check(kind_ == "lm" || condition_ == "none", "--condition is for --model lm, got ", kind_);
    if (kind_ == "lm") {
      model_.validate();
      return;
    }
    check(dense_.empty() && head_ == "auto", "--model ", kind_, " has no --dense and no --head");
    if (encodes()) {
      check_vae();
    } else if (kind_ == "classifier") {
      check_classifier();
    } else {
      check_seq2seq();
    }
  });
}

void TrainOptions::check_seq2seq() {
  seq2seq_.source_width = seq2seq_.width = 1;  // a stand-in, too
  if (model_.embedding > 0) seq2seq_.embedding = model_.embedding;
  seq2seq_.cell = model_.cell;
  seq2seq_.layers = model_.layers;
  seq2seq_.hidden = model_.hidden;
  seq2seq_.attention = parse_scoring(attention_);
  seq2seq_.input_feeding = input_feeding_ ? InputFeeding::yes : InputFeeding::no;
  seq2seq_.dropout = model_.dropout;
  seq2seq_.input_dropout = model_.input_dropout;
  seq2seq_.forget_bias = model_.forget_bias;
  seq2seq_.validate();
}

void TrainOptions::check_vae() {
  vae_.width = 1;  // a stand-in, too
  check(vae_.segments >= 1, "model: segments is ", vae_.segments, ", expected at least 1");
  vae_.steps = vae_.segments;
  if (model_.embedding > 0) vae_.embedding = model_.embedding;
  vae_.cell = model_.cell;
  vae_.encoder_layers = seq2seq_.encoder_layers;
  vae_.layers = model_.layers;
  vae_.hidden = model_.hidden;
  vae_.variational = kind_ == "vae" ? Variational::yes : Variational::no;
  vae_.dropout = model_.dropout;
  vae_.input_dropout = model_.input_dropout;
  vae_.forget_bias = model_.forget_bias;
  vae_.own_tokens = seq2seq_.own_tokens;
  vae_.own_tokens_slope = seq2seq_.own_tokens_slope;
  vae_.validate();
}

void TrainOptions::check_classifier() {
  classifier_.width = 1;  // stand-ins, too
  classifier_.classes = 2;
  if (model_.embedding > 0) classifier_.embedding = model_.embedding;
  classifier_.cell = model_.cell;
  classifier_.layers = model_.layers;
  classifier_.hidden = model_.hidden;
  classifier_.reading = parse_reading(reading_);
  classifier_.pooling = parse_pooling(pooling_);
  classifier_.dropout = model_.dropout;
  classifier_.input_dropout = model_.input_dropout;
  classifier_.forget_bias = model_.forget_bias;
  classifier_.validate();
}

void TrainOptions::complete_classifier(const Dataset& data_set) {
  if (data_set.labels.empty()) {
    throw UsageError(message("--model classifier: ", data,
                             " has no labels; 'cadenza prepare --labels' gives them"));
  }
  if (data_set.step_kind != StepKind::token) {
    throw UsageError(message("--model classifier reads tokens, but ", data,
                             " holds frames (tokenizer ", data_set.tokenizer_name, ")"));
  }
  classifier_.width = data_set.vocabulary;
  classifier_.classes = static_cast<int>(data_set.labels.size());
}

void TrainOptions::complete(const Dataset& data_set) {
  if (data_set.pairs.has_value() != (kind_ == "seq2seq")) {
    throw UsageError(message(
        "--model ", kind_, ": ", data, " holds ",
        data_set.pairs ? "pairs, expected seq2seq" : "single sequences, expected another model"));
  }
  if (data_set.pairs) {
    seq2seq_.source_width = data_set.pairs->vocabulary;
    seq2seq_.width = data_set.vocabulary;
    return;
  }
  if (kind_ == "classifier") return complete_classifier(data_set);
  const bool tokens = data_set.step_kind == StepKind::token;
  if (encodes()) {
    if (!tokens) {
      throw UsageError(message("--model ", kind_, " reads tokens, but ", data,
                               " holds frames (tokenizer ", data_set.tokenizer_name, ")"));
    }
    std::size_t longest = 1;
    for (const auto& pieces : data_set.splits) {
      for (const Piece& piece : pieces) longest = std::max(longest, piece.sequence.size());
    }
    const auto segments = static_cast<std::size_t>(vae_.segments);
    vae_.width = data_set.vocabulary;
    vae_.steps = static_cast<int>((longest + segments - 1) / segments * segments);
    as_usage([this] { vae_.validate(); });
    return;
  }
  if (head_ == "auto") {
    model_.head = tokens ? Head::softmax : Head::bernoulli;
  } else if (tokens != (model_.head == Head::softmax)) {
    throw UsageError(message("--head ", head_, " predicts ", tokens ? "frames" : "tokens", ", but ",
                             data, " holds ", tokens ? "tokens" : "frames", " (tokenizer ",
                             data_set.tokenizer_name, "); expected ",
                             tokens ? "softmax" : "bernoulli or nade"));
  }
  model_.width = data_set.vocabulary;
  if (condition_ == "label") condition_on_labels(data_set);
  as_usage([this] { model_.validate(); });
}

void TrainOptions::condition_on_labels(const Dataset& data_set) {
  if (data_set.labels.empty()) {
    throw UsageError(message("--condition label: ", data,
                             " has no labels; 'cadenza prepare --labels' gives them"));
  }
  model_.labels = static_cast<int>(data_set.labels.size());
  constexpr int kEmbedding = 64;  // one-hot tokens cannot stand beside a label
  if (data_set.step_kind == StepKind::token && model_.embedding == 0) {
    model_.embedding = kEmbedding;
  }
}

std::unique_ptr<Model> TrainOptions::make_model(Backend& backend) const {
  if (kind_ == "seq2seq") return std::make_unique<Seq2Seq>(backend, seq2seq_);
  if (encodes()) return std::make_unique<Vae>(backend, vae_);
  if (kind_ == "classifier") return std::make_unique<Classifier>(backend, classifier_);
  return std::make_unique<LanguageModel>(backend, model_);
}

}  // namespace cadenza::tools
