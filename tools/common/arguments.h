// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/command.h"

namespace cadenza::tools {

/// The options of one sub-command. A value comes from the first of: the command line, the
/// environment (CADENZA_BATCH_SIZE for --batch-size), the file of --config, the preset of
/// --preset, the default.
class Arguments {
 public:
  Arguments(std::string_view command, std::string_view summary);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  /// Options added from here on appear under this heading.
  void heading(std::string text);
  /// An option such as "--layers"; `value` holds the default. T: bool (a flag), int, std::int64_t,
  /// std::uint64_t, double, std::string, std::vector<std::string>.
  template <typename T>
  void add(const std::string& name, T& value, const std::string& help);
  /// The same, restricted to `choices`.
  void add_choice(const std::string& name, std::string& value, const std::string& help,
                  const std::vector<std::string>& choices);
  /// A value without a dash, for example a file; required.
  void add_operand(const std::string& name, std::string& value, const std::string& help);
  /// --config, and --preset if there are presets for this command.
  enum class Presets { no, yes };
  void add_settings(Presets presets);
  /// Examples, printed after the options.
  void footer(std::string text);

  /// UsageError if the arguments or settings make no sense. False if help was asked for and
  /// printed.
  bool parse(std::span<char*> arguments);
  /// Takes what is still at its default from a settings file.
  void fill_from(const std::filesystem::path& settings);
  /// Whether the option has a value that is not the default, wherever it came from.
  bool given(const std::string& name) const;
  /// UsageError if one of the options was given: it `does_not_apply`.
  void refuse(std::initializer_list<const char*> options, std::string_view does_not_apply) const;
  /// UsageError if no value was given.
  void require(const std::string& name) const;
  /// Every option with its value as a TOML file that --config accepts, without those named.
  std::string effective(std::span<const std::string_view> without) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> self_;
};

/// Runs `check` and reports what it throws as wrong usage: for values that came from options.
void as_usage(const std::function<void()>& check);

/// "a,b,c" -> {"a", "b", "c"}; an empty text gives an empty list.
std::vector<std::string> split_list(std::string_view text, char separator = ',');
/// The whole text as a number; UsageError names `what`.
double parse_number(std::string_view text, std::string_view what);
/// The same for whole numbers.
int parse_integer(std::string_view text, std::string_view what);

}  // namespace cadenza::tools
