// SPDX-License-Identifier: Apache-2.0
#include "io/pair_info.h"

#include "cadenza/error.h"
#include "io/json.h"

namespace cadenza {

std::string to_json(const PairInfo& pairs) {
  const nlohmann::ordered_json json = {{"tokenizer", pairs.tokenizer_name},
                                       {"tokenizer_settings", pairs.tokenizer_settings},
                                       {"vocabulary", pairs.vocabulary},
                                       {"track", pairs.track},
                                       {"bars", pairs.bars}};
  return to_text(json);
}

PairInfo pair_info_from_json(const std::string& text, const std::string& origin) {
  constexpr std::size_t kHeader = 8;
  try {
    const auto json = parse_json(text);
    PairInfo pairs = {.tokenizer_name = json.at("tokenizer").get<std::string>(),
                      .tokenizer_settings = json.at("tokenizer_settings").get<std::string>(),
                      .vocabulary = integer_at<int>(json, "vocabulary"),
                      .track = json.at("track").get<std::string>(),
                      .bars = integer_at<int>(json, "bars")};
    const auto tokenizer = make_tokenizer(pairs.tokenizer_name, pairs.tokenizer_settings);
    check(tokenizer->step_kind() == StepKind::token &&
              tokenizer->vocabulary_size() == pairs.vocabulary,
          "the tokenizer '", pairs.tokenizer_name, "' of the sources has a vocabulary of ",
          tokenizer->vocabulary_size(), ", expected ", pairs.vocabulary, " tokens");
    check(pairs.bars >= 0, "bars is ", pairs.bars, ", expected 0 or more");
    return pairs;
  } catch (const nlohmann::json::exception& error) {
    throw FormatError(message(origin, ": description of pairs: ", error.what()), kHeader);
  } catch (const ArgumentError& error) {
    throw FormatError(message(origin, ": description of pairs: ", error.what()), kHeader);
  }
}

}  // namespace cadenza
