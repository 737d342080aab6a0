// SPDX-License-Identifier: Apache-2.0
#include "music/tokenizers/remi_vocabulary.h"

#include <algorithm>

#include "cadenza/error.h"

namespace cadenza {
namespace {

// Up to four beats every eighth of a beat has a token, from there to twelve every quarter.
constexpr int kFine = 4 * kUnitsPerBeat;
constexpr int kCoarseStep = 2;

}  // namespace

std::optional<std::size_t> remi_metre(const TimeSignature& metre) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < kRemiMetres.size(); ++i) {
    const RemiMetre& row = kRemiMetres[i];
    if (row.numerator == metre.numerator && row.denominator == metre.denominator) return i;
    const std::int64_t left = std::int64_t{row.numerator} * metre.denominator;
    const std::int64_t right = std::int64_t{metre.numerator} * row.denominator;
    if (left == right) found = i;  // the last such row has quarters as beats
  }
  return found;
}

int nearest_duration(std::int64_t units) {
  const int length = static_cast<int>(std::clamp<std::int64_t>(units, 1, kLongestDuration));
  return length <= kFine ? length : (length + 1) / kCoarseStep * kCoarseStep;
}

std::uint8_t remi_velocity(int index) {
  return static_cast<std::uint8_t>(127 * (index + 1) / kRemiVelocities);
}

int remi_velocity_index(int velocity) {
  int index = 0;
  while (index + 1 < kRemiVelocities &&
         remi_velocity(index + 1) - velocity <= velocity - remi_velocity(index)) {
    ++index;
  }
  return index;
}

std::int32_t RemiVocabulary::duration_id(int units) {
  return kDuration + (units <= kFine ? units - 1 : kFine - 1 + (units - kFine) / kCoarseStep);
}

int RemiVocabulary::duration_units(std::int32_t id) {
  const int index = id - kDuration;
  return index < kFine ? index + 1 : kFine + (index - kFine + 1) * kCoarseStep;
}

std::string RemiVocabulary::name(std::int32_t id) const {
  constexpr std::array<const char*, 5> kFirst = {"PAD_None", "BOS_None", "EOS_None", "MASK_None",
                                                 "Bar_None"};
  if (id <= kBar) return kFirst[static_cast<std::size_t>(id)];
  if (is_pitch(id)) return message("Pitch_", id - kPitch + kLowestPitch);
  if (is_velocity(id)) return message("Velocity_", int{remi_velocity(id - kVelocity)});
  if (is_duration(id)) {
    const int units = duration_units(id);
    const int beats = units / kUnitsPerBeat;
    const int rest = units % kUnitsPerBeat;
    return units < kFine ? message("Duration_", beats, ".", rest, ".8")
                         : message("Duration_", beats, ".", rest / kCoarseStep, ".4");
  }
  if (is_position(id)) return message("Position_", id - kPosition);
  if (is_drum(id)) return message("PitchDrum_", id - drum_ + kLowestDrum);
  const RemiMetre& row = kRemiMetres[static_cast<std::size_t>(id - metre_)];
  return message("TimeSig_", row.numerator, "/", row.denominator);
}

}  // namespace cadenza
