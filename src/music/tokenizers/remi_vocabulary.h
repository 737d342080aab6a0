// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "cadenza/score.h"

namespace cadenza {

// The ids of MidiTok's REMI: 284 without metre tokens (its use_time_signatures = false), 357 with
// them (its default in version 3.1.0). The token names are MidiTok's too.

struct RemiMetre {
  int numerator;
  int denominator;
};
inline constexpr std::array<RemiMetre, 9> kRemiMetres = {
    {{3, 8}, {12, 8}, {6, 8}, {5, 4}, {6, 4}, {3, 4}, {2, 4}, {1, 4}, {4, 4}}};
inline constexpr std::size_t kCommonTime = 8;  // 4/4
/// The row of `metre`, or of one with equally long bars (4/4 for 2/2), if there is any.
std::optional<std::size_t> remi_metre(const TimeSignature& metre);

/// Positions in a bar and durations count in eighths of a beat, the note of the denominator.
inline constexpr int kUnitsPerBeat = 8;
inline constexpr int kLongestDuration = 12 * kUnitsPerBeat;
/// The closest length that has a token, the longer one of two.
int nearest_duration(std::int64_t units);

inline constexpr int kRemiVelocities = 32;
/// Index 0..31 of the closest velocity that has a token, the louder one of two; and back.
int remi_velocity_index(int velocity);
std::uint8_t remi_velocity(int index);

class RemiVocabulary {
 public:
  static constexpr std::int32_t kEos = 2;
  static constexpr std::int32_t kBar = 4;
  static constexpr std::int32_t kPitch = 5;
  static constexpr std::int32_t kVelocity = 94;
  static constexpr std::int32_t kDuration = 126;
  static constexpr std::int32_t kPosition = 190;
  static constexpr int kLowestPitch = 21;
  static constexpr int kHighestPitch = 109;
  static constexpr int kLowestDrum = 27;
  static constexpr int kHighestDrum = 88;

  explicit RemiVocabulary(bool metres)
      : metres_(metres), drum_(kPosition + (metres ? 96 : 32)), metre_(drum_ + 62) {}

  bool metres() const { return metres_; }
  int size() const { return metre_ + (metres_ ? static_cast<int>(kRemiMetres.size()) : 0); }
  std::int32_t drum() const { return drum_; }
  std::int32_t metre() const { return metre_; }

  bool is_pitch(std::int32_t id) const { return id >= kPitch && id < kVelocity; }
  bool is_velocity(std::int32_t id) const { return id >= kVelocity && id < kDuration; }
  bool is_duration(std::int32_t id) const { return id >= kDuration && id < kPosition; }
  bool is_position(std::int32_t id) const { return id >= kPosition && id < drum_; }
  bool is_drum(std::int32_t id) const { return id >= drum_ && id < metre_; }
  bool is_metre(std::int32_t id) const { return id >= metre_; }

  /// The token of the longest duration not above `units`, which is 1 to kLongestDuration.
  static std::int32_t duration_id(int units);
  static int duration_units(std::int32_t id);
  std::string name(std::int32_t id) const;

 private:
  bool metres_;
  std::int32_t drum_;
  std::int32_t metre_;
};

}  // namespace cadenza
