// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cadenza/condition.h"
#include "cadenza/score.h"

namespace cadenza::tools {

/// How far pieces have what was asked of a model that is conditioned on it. Styles are left to a
/// classifier.
struct Obedience {
  /// Pieces that were asked for with a density in the same bin.
  struct Bin {
    double low = 0.0;  ///< its bounds, notes a quarter
    double high = 0.0;
    double measured = 0.0;  ///< mean of the pieces
    std::int64_t pieces = 0;
  };
  std::int64_t pieces = 0;  ///< with notes
  bool has_key = false;
  double in_key = 0.0;       ///< share of them in the key asked for, as estimate_key() finds it
  double in_scale = 0.0;     ///< share in it or the other key with the same notes
  std::vector<Bin> density;  ///< none if density was not asked for; bins without pieces left out
};

/// `asked[i]` holds a value for each condition, for `scores[i]`.
Obedience measure_obedience(const std::vector<Condition>& conditions,
                            const std::vector<std::vector<std::int32_t>>& asked,
                            const std::vector<Score>& scores);
/// "obedience", added to `out`; nothing if neither key nor density was asked for.
void add_obedience(nlohmann::ordered_json& out, const Obedience& obedience);
/// The same as lines on stdout.
void print_obedience(const Obedience& obedience);

}  // namespace cadenza::tools
