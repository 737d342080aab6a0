// SPDX-License-Identifier: Apache-2.0
#include "cadenza/seq2seq.h"
#include "io/pair_info.h"
#include "models/description.h"

namespace cadenza {
namespace {

Seq2SeqConfig read_seq2seq(const nlohmann::json& json) {
  check_kind(json, "seq2seq");
  Seq2SeqConfig config;
  config.source_width = integer_at<int>(json, "source_width");
  read_shared(json, config);
  config.encoder_layers = integer_at<int>(json, "encoder_layers");
  config.attention = parse_scoring(json.at("attention").get<std::string>());
  config.input_feeding =
      json.at("input_feeding").get<bool>() ? InputFeeding::yes : InputFeeding::no;
  config.own_tokens = json.at("own_tokens").get<double>();
  config.own_tokens_slope = json.at("own_tokens_slope").get<double>();
  config.validate();
  return config;
}

Seq2SeqFileInfo describe_seq2seq(const SafetensorsReader& file) {
  auto info = describe_ours<Seq2SeqFileInfo>(file, "seq2seq model", read_seq2seq);
  info.pairs = pair_info_from_json(metadata(file, "pairs"), file.origin());
  const auto tokenizer = make_tokenizer(info.tokenizer_name, info.tokenizer_settings);
  check(tokenizer->step_kind() == StepKind::token &&
            tokenizer->vocabulary_size() == info.config.width &&
            info.pairs.vocabulary == info.config.source_width,
        file.origin(), ": the model reads ", info.config.source_width, " and writes ",
        info.config.width, " tokens, its tokenizers have ", info.pairs.vocabulary, " and ",
        tokenizer->vocabulary_size());
  check_shapes(file, parameter_specs(info.config));
  return info;
}

}  // namespace

std::string to_json(const Seq2SeqConfig& config) {
  const nlohmann::ordered_json json = {{"kind", "seq2seq"},
                                       {"source_width", config.source_width},
                                       {"width", config.width},
                                       {"embedding", config.embedding},
                                       {"cell", info_of(config.cell).name},
                                       {"encoder_layers", config.encoder_layers},
                                       {"layers", config.layers},
                                       {"hidden", config.hidden},
                                       {"attention", name_of(config.attention)},
                                       {"input_feeding", config.input_feeding == InputFeeding::yes},
                                       {"dropout", config.dropout},
                                       {"input_dropout", config.input_dropout},
                                       {"forget_bias", config.forget_bias},
                                       {"own_tokens", config.own_tokens},
                                       {"own_tokens_slope", config.own_tokens_slope}};
  return to_text(json);
}

Seq2SeqFileInfo read_seq2seq_info(const std::filesystem::path& path) {
  return describe_seq2seq(SafetensorsReader(path));
}

LoadedSeq2Seq load_seq2seq(const std::filesystem::path& path, Backend& backend) {
  const SafetensorsReader file(path);
  auto loaded = load_described<LoadedSeq2Seq>(file, backend, describe_seq2seq(file));
  const PairInfo& pairs = loaded.info.pairs;
  loaded.source_tokenizer = make_tokenizer(pairs.tokenizer_name, pairs.tokenizer_settings);
  return loaded;
}

}  // namespace cadenza
