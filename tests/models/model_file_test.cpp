// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "cadenza/error.h"
#include "cadenza/language_model.h"
#include "cadenza/safetensors.h"
#include "support/expect_error.h"
#include "support/tmp_dir.h"

namespace cadenza {
namespace {

LanguageModelConfig small(Head head) {
  LanguageModelConfig config = {.head = head,
                                .width = head == Head::softmax ? 12 : 88,
                                .embedding = head == Head::softmax ? 4 : 0,
                                .cell = CellKind::gru,
                                .layers = 2,
                                .hidden = 6,
                                .dense = {{.units = 5, .activation = Activation::relu}},
                                .nade_hidden = 3,
                                .dropout = 0.25,
                                .input_dropout = 0.125};
  return config;
}

std::unique_ptr<Tokenizer> tokenizer_for(Head head) {
  return head == Head::softmax ? make_tokenizer("ids", "vocabulary=12")
                               : make_tokenizer("pianoroll");
}

class ModelFile : public testing::Test {
 protected:
  // The message of the error that loading `path` gives.
  std::string refusal(const std::filesystem::path& path) {
    try {
      load_model(path, *backend_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  std::unique_ptr<Backend> backend_ = make_backend("reference");
  test::TmpDir folder_;
};

TEST_F(ModelFile, LoadsWhatWasSaved) {
  for (const Head head : {Head::softmax, Head::bernoulli, Head::nade}) {
    LanguageModel model(*backend_, small(head));
    model.initialize(7);
    save_model(model, *tokenizer_for(head), folder_ / "m.safetensors");
    const LoadedModel loaded = load_model(folder_ / "m.safetensors", *backend_);
    LanguageModelConfig expected = small(head);
    if (head != Head::nade) expected.nade_hidden = LanguageModelConfig().nade_hidden;
    EXPECT_EQ(loaded.model->config(), expected);
    EXPECT_EQ(loaded.tokenizer->name(), tokenizer_for(head)->name());
    EXPECT_EQ(loaded.info.parameter_count, model.parameters().count());
    for (const ParameterSpec& spec : model.parameters().specs()) {
      EXPECT_EQ(loaded.model->parameters().download(spec.name),
                model.parameters().download(spec.name))
          << spec.name;
    }
  }
}

TEST_F(ModelFile, KeepsConditions) {
  LanguageModelConfig config = small(Head::softmax);
  config.conditions = {{.kind = ConditionKind::key, .values = 24, .embedding = 3},
                       {.kind = ConditionKind::density, .values = 2, .bounds = {0.5, 1.25, 3.0}},
                       {.kind = ConditionKind::tempo, .values = 1, .bounds = {60.0, 140.5}},
                       {.kind = ConditionKind::histogram, .values = 12, .embedding = 5}};
  LanguageModel model(*backend_, config);
  save_model(model, *tokenizer_for(Head::softmax), folder_ / "m.safetensors");
  EXPECT_EQ(load_model(folder_ / "m.safetensors", *backend_).info.config.conditions,
            config.conditions);
  const auto refuse = [&](auto change, const char* mention) {
    LanguageModelConfig other = config;
    change(other.conditions);
    test::expect_error<ArgumentError>([&] { other.validate(); }, mention);
  };
  refuse([](auto& c) { c[0].values = 23; }, "condition key has 23 values, expected 24");
  refuse([](auto& c) { c[1].bounds = {0.5, 3.0, 1.25}; }, "condition density has 3 bounds");
  refuse([](auto& c) { c[1].bounds.pop_back(); }, "condition density has 2 bounds, expected 3");
  refuse([](auto& c) { c[1] = c[0]; }, "condition key is there twice");
  refuse([](auto& c) { c[2].bounds = {}; }, "condition tempo has 0 bounds, expected 2");
  refuse([](auto& c) { c[3].values = 11; }, "condition histogram has 11 values, expected 12");
}

TEST_F(ModelFile, KeepsWhatLooksBack) {
  LanguageModelConfig config = small(Head::softmax);
  config.attention_length = 40;
  config.lookback = {16, 32};
  config.position_bits = 7;
  LanguageModel model(*backend_, config);
  save_model(model, *tokenizer_for(Head::softmax), folder_ / "m.safetensors");
  LanguageModelConfig loaded = load_model(folder_ / "m.safetensors", *backend_).info.config;
  loaded.nade_hidden = config.nade_hidden;
  EXPECT_EQ(loaded, config);
}

// What `save_file(module.state_dict())` writes for a module with members of these names.
void write_state_dict(const std::filesystem::path& path, CellKind cell, bool embedding) {
  constexpr std::int64_t kHidden = 6;
  constexpr std::int64_t kVocabulary = 12;
  constexpr std::int64_t kEmbedding = 4;
  SafetensorsWriter file;
  float next = 0.0F;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (float& value : values) value = next += 0.125F;
    file.add<float>(name, shape, values);
  };
  const std::int64_t rows = info_of(cell).gates * kHidden;
  if (embedding) add("tokens.weight", {kVocabulary, kEmbedding});
  for (const char* layer : {"0", "1"}) {
    const std::int64_t input = layer[0] == '1' ? kHidden : embedding ? kEmbedding : kVocabulary;
    add(std::string("core.rnn.weight_ih_l") + layer, {rows, input});
    add(std::string("core.rnn.weight_hh_l") + layer, {rows, kHidden});
    add(std::string("core.rnn.bias_ih_l") + layer, {rows});
    add(std::string("core.rnn.bias_hh_l") + layer, {rows});
  }
  add("head.weight", {kVocabulary, kHidden});
  add("head.bias", {kVocabulary});
  file.write(path);
}

TEST_F(ModelFile, UnderstandsAPyTorchStateDict) {
  for (const CellKind cell : {CellKind::lstm, CellKind::gru, CellKind::rnn_tanh}) {
    for (const bool embedding : {false, true}) {
      write_state_dict(folder_ / "p.safetensors", cell, embedding);
      const LoadedModel loaded =
          load_model(folder_ / "p.safetensors", *backend_, "ids", "vocabulary=12");
      const LanguageModelConfig& config = loaded.model->config();
      EXPECT_EQ(config.cell, cell);
      EXPECT_EQ(config.layers, 2);
      EXPECT_EQ(config.hidden, 6);
      EXPECT_EQ(config.width, 12);
      EXPECT_EQ(config.embedding, embedding ? 4 : 0);
      const SafetensorsReader file(folder_ / "p.safetensors");
      EXPECT_EQ(loaded.model->parameters().download("output.weight"),
                file.at("head.weight").as<double>());
      EXPECT_EQ(
          loaded.model->parameters().download(std::string(info_of(cell).module) + ".weight_hh_l1"),
          file.at("core.rnn.weight_hh_l1").as<double>());
    }
  }
}

TEST_F(ModelFile, AsksForTheTokenizerOfAForeignFile) {
  write_state_dict(folder_ / "p.safetensors", CellKind::lstm, true);
  EXPECT_NE(refusal(folder_ / "p.safetensors").find("tokenizer"), std::string::npos);
  EXPECT_THROW(load_model(folder_ / "p.safetensors", *backend_, "ids", "vocabulary=13"),
               ArgumentError);
}

TEST_F(ModelFile, NamesWhatIsMissingOrMisshapen) {
  LanguageModel model(*backend_, small(Head::softmax));
  save_model(model, *tokenizer_for(Head::softmax), folder_ / "m.safetensors");
  const SafetensorsReader good(folder_ / "m.safetensors");
  const auto rewrite = [&](const std::string& name, bool drop) {
    SafetensorsWriter file;
    for (const auto& [key, value] : good.metadata()) file.set_metadata(key, value);
    for (const auto& [key, array] : good.arrays()) {
      if (key == name && drop) continue;
      std::vector<std::int64_t> shape = array.shape;
      if (key == name) shape = {array.count(), 1};
      file.add(key, array.dtype, shape, array.bytes);
    }
    file.write(folder_ / "bad.safetensors");
    return refusal(folder_ / "bad.safetensors");
  };
  EXPECT_NE(rewrite("gru.weight_hh_l1", true).find("gru.weight_hh_l1"), std::string::npos);
  EXPECT_NE(rewrite("gru.weight_hh_l1", false).find("gru.weight_hh_l1"), std::string::npos);
}

TEST_F(ModelFile, RefusesAHostileDescriptionBeforeAllocating) {
  LanguageModel model(*backend_, small(Head::softmax));
  save_model(model, *tokenizer_for(Head::softmax), folder_ / "m.safetensors");
  const SafetensorsReader good(folder_ / "m.safetensors");
  const std::string description = good.metadata().at("model");
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = description;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    SafetensorsWriter file;
    for (const auto& [key, value] : good.metadata()) file.set_metadata(key, value);
    file.set_metadata("model", changed);
    for (const auto& [key, array] : good.arrays()) {
      file.add(key, array.dtype, array.shape, array.bytes);
    }
    file.write(folder_ / "bad.safetensors");
    return refusal(folder_ / "bad.safetensors");
  };
  EXPECT_NE(with("\"hidden\":6", "\"hidden\":65536"), "");
  EXPECT_NE(with("\"layers\":2", "\"layers\":0"), "");
  EXPECT_NE(with("\"layers\":2", "\"layers\":1e99"), "");
  EXPECT_NE(with("\"hidden\":6", "\"hidden\":\"six\""), "");
  EXPECT_NE(with("\"gru\"", "\"mgu\"").find("mgu"), std::string::npos);
  EXPECT_NE(with("{", "["), "");
}

TEST_F(ModelFile, RefusesWeightsThatAreNotNumbers) {
  LanguageModel model(*backend_, small(Head::softmax));
  std::vector<double> bias = model.parameters().download("output.bias");
  bias[1] = std::numeric_limits<double>::quiet_NaN();
  model.parameters().upload("output.bias", bias);
  save_model(model, *tokenizer_for(Head::softmax), folder_ / "m.safetensors");
  EXPECT_NE(refusal(folder_ / "m.safetensors").find("output.bias"), std::string::npos);
}

TEST(LanguageModelConfig, NamesTheSettingOutOfRange) {
  const auto refusal = [](auto change) {
    LanguageModelConfig config = small(Head::softmax);
    change(config);
    try {
      config.validate();
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using Config = LanguageModelConfig;
  EXPECT_NE(refusal([](Config& c) { c.layers = 0; }).find("layers"), std::string::npos);
  EXPECT_NE(refusal([](Config& c) { c.hidden = -3; }).find("hidden"), std::string::npos);
  EXPECT_NE(refusal([](Config& c) { c.dropout = 1.0; }).find("dropout"), std::string::npos);
  EXPECT_NE(refusal([](Config& c) { c.head = Head::nade; }).find("width"), std::string::npos);
  EXPECT_EQ(refusal([](Config&) {}), "");
}

}  // namespace
}  // namespace cadenza
