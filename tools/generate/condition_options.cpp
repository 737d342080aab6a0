// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/condition_options.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cadenza/error.h"
#include "cadenza/key.h"
#include "tools/common/progress.h"
#include "tools/generate/label_choice.h"

namespace cadenza::tools {
namespace {

struct ConditionOption {
  ConditionKind kind;
  const char* name;
};
constexpr std::array kOptions = {ConditionOption{ConditionKind::label, "--label"},
                                 ConditionOption{ConditionKind::key, "--key-condition"},
                                 ConditionOption{ConditionKind::density, "--density"},
                                 ConditionOption{ConditionKind::tempo, "--tempo-condition"},
                                 ConditionOption{ConditionKind::histogram, "--pitch-classes"}};

/// `what` is measured; `digits` of it are printed.
struct Measured {
  std::string option;
  std::string what;
  int digits;
};

std::int32_t find_bin(const Condition& condition, const Measured& measured, double asked,
                      bool given) {
  const double rounding = 0.5 * std::pow(0.1, measured.digits);  // what is printed can be asked for
  const double low = condition.bounds.front();
  const double high = condition.bounds.back();
  const auto expected =
      message(measured.option, ": the model knows ", fixed_text(low, measured.digits), " to ",
              fixed_text(high, measured.digits), " ", measured.what);
  check(given, expected, ", none is given");
  check(asked >= low - rounding && asked <= high + rounding, expected, ", got ", asked);
  return bin_of(condition, asked);
}

/// Twelve numbers as shares of their sum.
ConditionValue read_pitch_classes(const std::string& text) {
  constexpr std::size_t kPitchClasses = 12;
  std::vector<float> shares;
  double sum = 0.0;
  bool sound = true;
  for (const std::string& item : split_list(text)) {
    const double number = parse_number(item, "--pitch-classes");
    sound = sound && number >= 0.0 && std::isfinite(number);
    sum += number;
    shares.push_back(static_cast<float>(number));
  }
  check(sound && shares.size() == kPitchClasses && sum > 0.0,
        "--pitch-classes: expected twelve numbers from 0 that are not all 0, how much of C, C#, D "
        "and so on, as in 2,0,1,0,2,1,0,2,0,1,0,1; got \"",
        text, "\"");
  for (float& share : shares) share = static_cast<float>(static_cast<double>(share) / sum);
  return ConditionValue(shares);
}

}  // namespace

void add_condition_options(Arguments& arguments, ConditionOptions& options) {
  arguments.heading("Conditions, of a model of train --condition");
  arguments.add("--label", options.label, "the style, of one conditioned on label");
  arguments.add("--key-condition", options.key,
                "the key, as in \"F# minor\", of one conditioned on key");
  arguments.add("--density", options.density, "notes a quarter, of one conditioned on density");
  arguments.add("--tempo-condition", options.tempo, "beats a minute, of one conditioned on tempo");
  arguments.add("--pitch-classes", options.pitch_classes,
                "how much of C, C#, D and so on, twelve numbers as in 2,0,1,0,2,1,0,2,0,1,0,1, of "
                "one conditioned on histogram");
}

void check_condition_options(const ConditionOptions& options) {
  if (!options.key.empty()) as_usage([&] { named_key(options.key); });
  if (!options.pitch_classes.empty()) {
    as_usage([&] { read_pitch_classes(options.pitch_classes); });
  }
}

std::vector<ConditionValue> read_conditions(const Arguments& arguments,
                                            const ConditionOptions& options,
                                            const ModelFileInfo& model) {
  const std::vector<Condition>& conditions = model.config.conditions;
  for (const ConditionOption& option : kOptions) {
    const bool known = std::any_of(conditions.begin(), conditions.end(),
                                   [&](const Condition& c) { return c.kind == option.kind; });
    check(known || !arguments.given(option.name), option.name, ": the model is not conditioned on ",
          name_of(option.kind));
  }
  std::vector<ConditionValue> values;
  for (const Condition& condition : conditions) {
    switch (condition.kind) {
      case ConditionKind::label:
        values.emplace_back(choose_label("--label", options.label, model.labels));
        break;
      case ConditionKind::key:
        check(arguments.given("--key-condition"),
              "--key-condition: the model is conditioned on the key, none is given");
        values.emplace_back(named_key(options.key).number());
        break;
      case ConditionKind::density:
        values.emplace_back(find_bin(condition, {"--density", "notes a quarter", 2},
                                     options.density, arguments.given("--density")));
        break;
      case ConditionKind::tempo:
        values.emplace_back(find_bin(condition, {"--tempo-condition", "beats a minute", 1},
                                     options.tempo, arguments.given("--tempo-condition")));
        break;
      case ConditionKind::histogram:
        check(arguments.given("--pitch-classes"),
              "--pitch-classes: the model is conditioned on the histogram, none is given");
        values.push_back(read_pitch_classes(options.pitch_classes));
        break;
    }
  }
  return values;
}

}  // namespace cadenza::tools
