// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cadenza/score.h"
#include "music/tokenizers/remi_vocabulary.h"

namespace cadenza {

inline constexpr int kRemiTicksPerQuarter = 480;

inline int units_per_bar(std::size_t metre) { return kRemiMetres[metre].numerator * kUnitsPerBeat; }
/// Ticks of a unit in decoded scores; whole for the denominators there are, 4 and 8.
inline int ticks_per_unit(std::size_t metre) {
  return 4 * kRemiTicksPerQuarter / (kRemiMetres[metre].denominator * kUnitsPerBeat);
}

/// A stretch of a score in one metre.
struct RemiSection {
  std::int64_t tick = 0;             ///< where it starts in the source
  std::optional<std::size_t> metre;  ///< row of kRemiMetres, if the signature has one
  TimeSignature signature;
  std::int64_t first_bar = 0;
  std::int64_t decoded_tick = 0;  ///< where decoding puts it; all its bars are full there
};

struct RemiPlace {
  std::int64_t bar;
  int position;
  std::size_t metre;
  std::int64_t decoded_tick;
};

/// The bars of a score. Without metre tokens everything is cut into bars of 4/4.
class RemiBars {
 public:
  RemiBars(const Score& score, bool metres);

  /// The section in which `tick` lies.
  const RemiSection& section(std::int64_t tick) const;
  /// Where a note of `section(tick)` goes after rounding; that section must have a metre.
  RemiPlace place(std::int64_t tick) const;
  /// `ticks` of the source in units of `metre`, rounded.
  std::int64_t units(std::size_t metre, std::int64_t ticks) const;
  std::size_t metre_of_bar(std::int64_t bar) const;

 private:
  void add(const TimeSignature& signature);

  std::int64_t ticks_per_quarter_;
  std::vector<RemiSection> sections_;  // never empty, ticks ascend from 0
};

}  // namespace cadenza
