// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/dataset.h"

namespace cadenza {

/// What a language model can be told of a piece beside its steps.
enum class ConditionKind : std::uint8_t {
  label,    ///< its style, as the data say
  key,      ///< estimate_key(), by its number
  density,  ///< note_density(), by the bin it lies in
};
std::string_view name_of(ConditionKind kind);
/// ArgumentError lists the known names.
ConditionKind parse_condition(std::string_view name);

/// One thing that a model is told: a value below `values`, which it reads as an embedding.
struct Condition {
  ConditionKind kind = ConditionKind::label;
  int values = 0;
  int embedding = 16;
  /// Of density: where bins end, ascending, `values` + 1 of them in notes a quarter.
  std::vector<double> bounds = {};

  /// Name of the parameter with its embeddings, [values, embedding]: "label_embedding.weight".
  std::string parameter() const;
  friend bool operator==(const Condition&, const Condition&) = default;
};

/// The condition as the training pieces of `data` give it: density in bins that hold about as many
/// pieces each. ArgumentError if they have no labels, or all the same density.
Condition make_condition(ConditionKind kind, const Dataset& data);
/// Gives every piece of `data` its value of each condition; -1 where it has none, as a piece
/// without a note has no key.
void tell_conditions(Dataset& data, std::span<const Condition> conditions);

/// The bin of a density, the outermost for one beyond the bounds.
std::int32_t density_bin(const Condition& condition, double notes_per_quarter);

}  // namespace cadenza
