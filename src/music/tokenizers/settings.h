// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cadenza {

/// The "key=value;key=value" settings of a tokenizer, parsed strictly: ArgumentError names the
/// tokenizer, the faulty item and the known keys.
class TokenizerSettings {
 public:
  TokenizerSettings(std::string_view tokenizer, std::string_view text,
                    std::initializer_list<std::string_view> known);
  /// The value of `key`, or `fallback` if it was not given; ArgumentError outside
  /// [lowest, highest].
  int integer(std::string_view key, int fallback, int lowest, int highest) const;
  /// The text of `key`, or `fallback` if it was not given.
  std::string text(std::string_view key, std::string_view fallback) const;

 private:
  std::string tokenizer_;
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace cadenza
