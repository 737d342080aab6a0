// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cadenza/dataset.h"
#include "cadenza/shape.h"

namespace cadenza {

/// What a language model can be told of a piece beside its steps.
enum class ConditionKind : std::uint8_t {
  label,      ///< its style, as the data say
  key,        ///< estimate_key(), by its number
  density,    ///< note_density(), by the bin it lies in
  tempo,      ///< estimate_tempo(), by the bin it lies in
  histogram,  ///< pitch_class_time(), as it is
};
std::string_view name_of(ConditionKind kind);
/// ArgumentError lists the known names.
ConditionKind parse_condition(std::string_view name);

/// One thing that a model is told: a value below `values`, which it reads as an embedding, or the
/// shares of all values, which it reads through a linear map.
struct Condition {
  ConditionKind kind = ConditionKind::label;
  int values = 0;
  int embedding = 16;
  /// Of density and tempo: where bins end, ascending, `values` + 1 of them, in notes a quarter or
  /// quarters a minute.
  std::vector<double> bounds = {};

  bool has_bins() const { return kind == ConditionKind::density || kind == ConditionKind::tempo; }

  /// Name of the parameter with its embeddings, [values, embedding]: "label_embedding.weight"; of a
  /// histogram its map, [embedding, values].
  std::string parameter() const;
  Shape parameter_shape() const;
  friend bool operator==(const Condition&, const Condition&) = default;
};

/// The condition as the training pieces of `data` give it: density and tempo in bins that hold
/// about as many pieces each. ArgumentError if they have no labels, or all the same density or
/// tempo, and for the tempo of a tokenizer that keeps no time.
Condition make_condition(ConditionKind kind, const Dataset& data);
/// Gives every piece of `data` its value of each condition; an unknown one where it has none, as a
/// piece without a note has no key.
void tell_conditions(Dataset& data, std::span<const Condition> conditions);

/// The bin of a density or tempo, the outermost for one beyond the bounds.
std::int32_t bin_of(const Condition& condition, double measured);

}  // namespace cadenza
