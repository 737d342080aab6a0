// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cadenza::micro {

/// One result as a line of JSON on stdout: {"bench", "case", "value", "unit", "expected",
/// "status"}. `expected` is what the performance model assumes, not a pass mark.
class Row {
 public:
  explicit Row(std::string_view bench) : bench_(bench) {}
  Row& add(std::string_view key, std::string_view text);
  Row& add(std::string_view key, double number);
  /// A value that is not finite is printed as null.
  void value(double value, std::string_view unit, std::string_view expected) const;
  /// What this device or build cannot do.
  void skipped(std::string_view reason) const;
  void failed(std::string_view reason) const;

 private:
  void print(const std::string& rest) const;

  std::string bench_;
  std::string case_;  ///< inside of the JSON object
};

}  // namespace cadenza::micro
