// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cadenza/condition.h"
#include "cadenza/score.h"

namespace cadenza::tools {

/// How far pieces have what was asked of a model that is conditioned on it. Styles are left to a
/// classifier.
struct Obedience {
  /// Pieces that were asked for with a density or tempo in the same bin.
  struct Bin {
    double low = 0.0;  ///< its bounds
    double high = 0.0;
    double measured = 0.0;  ///< mean of the pieces
    std::int64_t pieces = 0;
  };
  /// Shares of pieces.
  struct InKey {
    double same = 0.0;   ///< in the key asked for, as estimate_key() finds it
    double scale = 0.0;  ///< in it or the other key with the same notes
  };
  /// Means over pieces of the share of their time that lies in the pitch classes of a histogram,
  /// each up to its share.
  struct Overlap {
    double own = 0.0;     ///< with the one asked for
    double others = 0.0;  ///< with all that were asked for: what disobedience would come to
  };
  std::int64_t pieces = 0;  ///< with notes
  std::optional<InKey> key;
  std::vector<Bin> density;  ///< none if it was not asked for; bins without pieces left out
  std::vector<Bin> tempo;    ///< the same
  std::optional<Overlap> histogram;

  bool empty() const { return !key && density.empty() && tempo.empty() && !histogram; }
};

/// `asked[i]` holds a value for each condition, for `scores[i]`.
Obedience measure_obedience(const std::vector<Condition>& conditions,
                            const std::vector<std::vector<ConditionValue>>& asked,
                            const std::vector<Score>& scores);
/// "obedience", added to `out`; nothing if none of this was asked for.
void add_obedience(nlohmann::ordered_json& out, const Obedience& obedience);
/// The same as lines on stdout.
void print_obedience(const Obedience& obedience);

}  // namespace cadenza::tools
