// SPDX-License-Identifier: Apache-2.0
#include "tools/train/train_options.h"

#include "cadenza/error.h"
#include "tools/kinds/model_kind.h"

namespace cadenza::tools {

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
  std::string help = "kind of model";
  std::vector<std::string> names;
  for (const ModelKind& kind : model_kinds()) {
    help += message("; ", kind.summary);
    names.insert(names.end(), kind.names.begin(), kind.names.end());
    makers_.push_back(kind.make_maker());
  }
  arguments.add_choice("--model", kind_, help, names);
  arguments.add_choice("--cell", shared_.cell, "recurrent cell", cell_names());
  arguments.add("--layers", shared_.layers, "recurrent layers");
  arguments.add("--hidden", shared_.hidden, "units of each recurrent layer");
  arguments.add("--embedding", shared_.embedding,
                "size of token embeddings; 0: one-hot input, 64 for all models but lm");
  arguments.add("--dropout", shared_.dropout, "share of recurrent outputs dropped in training");
  arguments.add("--input-dropout", shared_.input_dropout, "the same for frames and embeddings");
  arguments.add("--forget-bias", shared_.forget_bias, "initial bias of the LSTM forget gate");
  arguments.add("--word-dropout", shared_.word_dropout,
                "of vae and autoencoder: share of tokens that the decoder may not read in "
                "training; of infiller: the largest share of a piece that is hidden");
  arguments.add("--condition", shared_.condition,
                "of lm and vae: what they are told besides, as in key,density; label: the style "
                "that prepare --labels gave the piece; of lm also key: the key in which it seems "
                "to be; density: its notes a quarter; histogram: how much of each pitch class it "
                "has; tempo: how fast its beat goes, of tokens that keep time");

  arguments.heading("Models with an encoder");
  arguments.add("--encoder-layers", shared_.encoder_layers,
                "layers that read the source, or the piece, in both directions");
  arguments.add("--own-tokens", shared_.own_tokens,
                "scheduled sampling: share of true tokens replaced by drawn ones in the end");
  arguments.add("--own-tokens-slope", shared_.own_tokens_slope,
                "updates k: the share rises as 1 - k / (k + exp(update / k))");
  add_play_options(arguments, shared_.play);
  for (const auto& maker : makers_) maker->add_to(arguments);
}

void TrainOptions::check_values() {
  check_compute_options(compute);
  as_usage([this] {
    training.optimizer.kind = parse_optimizer(optimizer_);
    training.schedule.kind = parse_schedule(schedule_);
    training.validate();
    maker_ = makers_[static_cast<std::size_t>(&model_kind(kind_) - model_kinds().data())].get();
    for (const auto& maker : makers_) {
      if (maker.get() != maker_) maker->check_unused(kind_);
    }
    check(shared_.condition == "none" || maker_->can_be_conditioned(),
          "--condition is for --model lm and vae, got ", kind_);
    maker_->take(kind_, shared_);
  });
}

void TrainOptions::complete(Dataset& data_set) {
  if (data_set.pairs.has_value() != maker_->reads_pairs()) {
    throw UsageError(message(
        "--model ", kind_, ": ", data, " holds ",
        data_set.pairs ? "pairs, expected seq2seq" : "single sequences, expected another model"));
  }
  maker_->complete({.set = data_set, .file = data});
}

std::unique_ptr<Model> TrainOptions::make_model(Backend& backend) const {
  return maker_->make(backend);
}

}  // namespace cadenza::tools
