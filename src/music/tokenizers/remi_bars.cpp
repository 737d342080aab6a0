// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/remi_bars.h"

#include <algorithm>

namespace cadenza {

RemiBars::RemiBars(const Score& score, bool metres) : ticks_per_quarter_(score.ticks_per_quarter) {
  add({});
  if (!metres) return;
  const std::int64_t end = score.end();
  for (const TimeSignature& signature : score.time_signatures) {
    if (signature.tick < end) add(signature);
  }
}

void RemiBars::add(const TimeSignature& signature) {
  RemiSection section = {signature.tick, remi_metre(signature), signature, 0, 0};
  if (!sections_.empty() && signature.tick <= sections_.back().tick) {
    const RemiSection& replaced = sections_.back();
    section.tick = replaced.tick;
    section.first_bar = replaced.first_bar;
    section.decoded_tick = replaced.decoded_tick;
    sections_.back() = section;
    return;
  }
  if (!sections_.empty()) {
    const RemiSection& before = sections_.back();
    const std::size_t metre = before.metre.value_or(kCommonTime);
    // A bar cut short by the new metre counts as a bar. Both sides times the denominator.
    const std::int64_t bar = std::int64_t{4} * ticks_per_quarter_ * kRemiMetres[metre].numerator;
    const std::int64_t length = (signature.tick - before.tick) * kRemiMetres[metre].denominator;
    const std::int64_t bars = (length + bar - 1) / bar;
    section.first_bar = before.first_bar + bars;
    section.decoded_tick =
        before.decoded_tick + bars * units_per_bar(metre) * ticks_per_unit(metre);
  }
  sections_.push_back(section);
}

const RemiSection& RemiBars::section(std::int64_t tick) const {
  const auto next =
      std::upper_bound(sections_.begin(), sections_.end(), tick,
                       [](std::int64_t t, const RemiSection& s) { return t < s.tick; });
  return next == sections_.begin() ? *next : *std::prev(next);
}

std::int64_t RemiBars::units(std::size_t metre, std::int64_t ticks) const {
  const std::int64_t scaled = ticks * kRemiMetres[metre].denominator * kUnitsPerBeat;
  const std::int64_t whole = std::int64_t{4} * ticks_per_quarter_;
  return (2 * scaled + whole) / (2 * whole);
}

RemiPlace RemiBars::place(std::int64_t tick) const {
  const RemiSection* at = &section(tick);
  std::int64_t from_start = units(*at->metre, tick - at->tick);
  // What rounds up to where the next section begins is the first of that one.
  if (at != &sections_.back() && at[1].metre &&
      from_start >= units(*at->metre, at[1].tick - at->tick)) {
    ++at;
    from_start = 0;
  }
  const std::size_t metre = *at->metre;
  const int bar = units_per_bar(metre);
  return {at->first_bar + from_start / bar, static_cast<int>(from_start % bar), metre,
          at->decoded_tick + from_start * ticks_per_unit(metre)};
}

std::size_t RemiBars::metre_of_bar(std::int64_t bar) const {
  const auto next =
      std::upper_bound(sections_.begin(), sections_.end(), bar,
                       [](std::int64_t b, const RemiSection& s) { return b < s.first_bar; });
  return (next == sections_.begin() ? next : std::prev(next))->metre.value_or(kCommonTime);
}

}  // namespace cadenza
