// SPDX-License-Identifier: Apache-2.0
#include "tools/common/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <type_traits>

#include "cadenza/error.h"
#include "io/settings.h"
#include "tools/common/presets.h"

namespace cadenza::tools {
namespace {

constexpr char kListSeparator = ',';

/// The form that io/settings.h reads and writes.
template <typename T>
std::string setting_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    std::string out;
    for (const std::string& item : value) {
      if (&item != &value.front()) out += kListSeparator;
      out += item;
    }
    return out;
  } else {
    std::array<char, 40> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return std::string(digits.data(), end);
  }
}

/// "--batch-size" -> "CADENZA_BATCH_SIZE".
std::string environment_name(std::string_view option) {
  std::string out = "CADENZA_";
  for (const char c : option.substr(2)) {
    out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace

struct Arguments::Implementation {
  struct Entry {
    std::string name;
    CLI::Option* option;
    std::function<std::string()> value;
    bool is_list;
  };

  CLI::App app;
  std::string heading = "Options";
  std::vector<Entry> entries;
  std::string config;
  std::string preset;

  CLI::Option* find(const std::string& name) { return app.get_option(name); }

  void set(const Entry& entry, const std::string& value, const std::string& origin) {
    try {
      if (entry.is_list) {
        for (const std::string& item : split_list(value, kListSeparator)) {
          entry.option->add_result(item);
        }
      } else {
        entry.option->add_result(value);
      }
      entry.option->run_callback();
    } catch (const CLI::ParseError& error) {
      throw UsageError(message(origin, ": ", error.what()));
    }
  }

  void apply_environment() {
    for (const Entry& entry : entries) {
      const std::string variable = environment_name(entry.name);
      const char* value = std::getenv(variable.c_str());
      if (value == nullptr || *value == '\0' || entry.option->count() > 0) continue;
      set(entry, value, variable);
    }
  }

  void apply_file(const std::filesystem::path& path) {
    for (const auto& [key, value] : load_settings(path)) {
      const std::string option = "--" + key;
      const auto entry = std::find_if(entries.begin(), entries.end(),
                                      [&](const Entry& e) { return e.name == option; });
      if (entry == entries.end()) {
        throw UsageError(message(path.string(), ": this command has no setting '", key, "'"));
      }
      if (entry->option->count() == 0) set(*entry, value, path.string());
    }
  }
};

Arguments::Arguments(std::string_view command, std::string_view summary)
    : self_(std::make_unique<Implementation>()) {
  self_->app.name("cadenza " + std::string(command));
  self_->app.description(std::string(summary));
  self_->app.set_help_flag("-h,--help", "print this help and exit");
}

Arguments::~Arguments() = default;

void Arguments::heading(std::string text) { self_->heading = std::move(text); }
void Arguments::footer(std::string text) { self_->app.footer(std::move(text)); }

template <typename T>
void Arguments::add(const std::string& name, T& value, const std::string& help) {
  CLI::Option* option = nullptr;
  if constexpr (std::is_same_v<T, bool>) {
    option = self_->app.add_flag(name, value, help);
  } else {
    option = self_->app.add_option(name, value, help);
    if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      option->expected(1, -1);
    } else {
      option->capture_default_str();
    }
  }
  option->group(self_->heading);
  self_->entries.push_back({name, option, [&value] { return setting_text(value); },
                            std::is_same_v<T, std::vector<std::string>>});
}

template void Arguments::add(const std::string&, bool&, const std::string&);
template void Arguments::add(const std::string&, int&, const std::string&);
template void Arguments::add(const std::string&, std::int64_t&, const std::string&);
template void Arguments::add(const std::string&, std::uint64_t&, const std::string&);
template void Arguments::add(const std::string&, double&, const std::string&);
template void Arguments::add(const std::string&, std::string&, const std::string&);
template void Arguments::add(const std::string&, std::vector<std::string>&, const std::string&);

void Arguments::add_choice(const std::string& name, std::string& value, const std::string& help,
                           const std::vector<std::string>& choices) {
  std::string known;
  for (const std::string& choice : choices) known += (known.empty() ? "" : ", ") + choice;
  add(name, value, help + ": " + known);
  self_->find(name)->check(CLI::Validator(
      [choices, known](std::string& given) {
        if (std::find(choices.begin(), choices.end(), given) != choices.end()) {
          return std::string();
        }
        return "'" + given + "' is not one of " + known;
      },
      ""));
}

void Arguments::add_operand(const std::string& name, std::string& value, const std::string& help) {
  self_->app.add_option(name, value, help)->required();
}

void Arguments::add_settings(Presets presets) {
  CLI::Option* config = self_->app.add_option(
      "--config", self_->config, "read settings from a TOML file with lines like 'layers = 2'");
  config->group(self_->heading);
  if (presets == Presets::no) return;
  std::string names;
  for (const std::string& name : preset_names()) names += (names.empty() ? "" : ", ") + name;
  CLI::Option* preset =
      self_->app.add_option("--preset", self_->preset, "start from ready settings: " + names);
  preset->group(self_->heading);
}

bool Arguments::parse(std::span<char*> arguments) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    self_->app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    std::cout << self_->app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  self_->apply_environment();
  if (!self_->config.empty()) self_->apply_file(self_->config);
  if (!self_->preset.empty()) self_->apply_file(preset_path(self_->preset));
  return true;
}

void Arguments::fill_from(const std::filesystem::path& settings) { self_->apply_file(settings); }

bool Arguments::given(const std::string& name) const { return self_->find(name)->count() > 0; }

void Arguments::refuse(std::initializer_list<const char*> options,
                       std::string_view does_not_apply) const {
  for (const char* option : options) {
    if (given(option)) throw UsageError(message(option, " ", does_not_apply));
  }
}

void Arguments::require(const std::string& name) const {
  if (!given(name)) throw UsageError(message(name, " is missing"));
}

std::string Arguments::effective(std::span<const std::string_view> without) const {
  Settings settings;
  for (const Implementation::Entry& entry : self_->entries) {
    if (std::find(without.begin(), without.end(), entry.name) != without.end()) continue;
    settings[entry.name.substr(2)] = entry.value();
  }
  return format_settings(settings);
}

void as_usage(const std::function<void()>& check) {
  try {
    check();
  } catch (const ArgumentError& error) {
    throw UsageError(error.what());
  }
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) out.emplace_back();
  }
  return out;
}

namespace {

template <typename T>
T parse_whole(std::string_view text, std::string_view what, std::string_view kind) {
  T value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) {
    throw UsageError(message(what, ": '", text, "' is not ", kind));
  }
  return value;
}

}  // namespace

double parse_number(std::string_view text, std::string_view what) {
  return parse_whole<double>(text, what, "a number");
}

int parse_integer(std::string_view text, std::string_view what) {
  return parse_whole<int>(text, what, "a whole number");
}

}  // namespace cadenza::tools
