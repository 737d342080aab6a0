// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/condition_options.h"

#include <algorithm>
#include <array>

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
                                 ConditionOption{ConditionKind::density, "--density"}};

std::int32_t find_density(const Condition& condition, double density, bool given) {
  constexpr int kDigits = 2;
  constexpr double kRounding = 0.005;  // what is printed can be asked for
  const double low = condition.bounds.front();
  const double high = condition.bounds.back();
  const auto expected = message("--density: the model knows ", fixed_text(low, kDigits), " to ",
                                fixed_text(high, kDigits), " notes a quarter");
  check(given, expected, ", none is given");
  check(density >= low - kRounding && density <= high + kRounding, expected, ", got ", density);
  return density_bin(condition, density);
}

}  // namespace

void add_condition_options(Arguments& arguments, ConditionOptions& options) {
  arguments.heading("Conditions, of a model of train --condition");
  arguments.add("--label", options.label, "the style, of one conditioned on label");
  arguments.add("--key-condition", options.key,
                "the key, as in \"F# minor\", of one conditioned on key");
  arguments.add("--density", options.density, "notes a quarter, of one conditioned on density");
}

void check_condition_options(const ConditionOptions& options) {
  if (!options.key.empty()) as_usage([&] { named_key(options.key); });
}

std::vector<std::int32_t> read_conditions(const Arguments& arguments,
                                          const ConditionOptions& options,
                                          const ModelFileInfo& model) {
  const std::vector<Condition>& conditions = model.config.conditions;
  for (const ConditionOption& option : kOptions) {
    const bool known = std::any_of(conditions.begin(), conditions.end(),
                                   [&](const Condition& c) { return c.kind == option.kind; });
    check(known || !arguments.given(option.name), option.name, ": the model is not conditioned on ",
          name_of(option.kind));
  }
  std::vector<std::int32_t> values;
  for (const Condition& condition : conditions) {
    switch (condition.kind) {
      case ConditionKind::label:
        values.push_back(choose_label("--label", options.label, model.labels));
        break;
      case ConditionKind::key:
        check(arguments.given("--key-condition"),
              "--key-condition: the model is conditioned on the key, none is given");
        values.push_back(named_key(options.key).number());
        break;
      case ConditionKind::density:
        values.push_back(find_density(condition, options.density, arguments.given("--density")));
        break;
    }
  }
  return values;
}

}  // namespace cadenza::tools
