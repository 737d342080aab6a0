// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cadenza/score.h"

namespace cadenza::midi {

// Channel messages, without the channel in the low four bits.
inline constexpr std::uint8_t kNoteOff = 0x80;
inline constexpr std::uint8_t kNoteOn = 0x90;
inline constexpr std::uint8_t kController = 0xB0;
inline constexpr std::uint8_t kProgram = 0xC0;
inline constexpr std::uint8_t kChannelPressure = 0xD0;
inline constexpr std::uint8_t kSystem = 0xF0;
inline constexpr std::uint8_t kSysexContinued = 0xF7;
inline constexpr std::uint8_t kMeta = 0xFF;

inline constexpr std::uint8_t kSustainPedal = 64;

// Types of meta event.
inline constexpr std::uint8_t kTrackName = 0x03;
inline constexpr std::uint8_t kEndOfTrack = 0x2F;
inline constexpr std::uint8_t kTempo = 0x51;
inline constexpr std::uint8_t kTimeSignature = 0x58;
inline constexpr std::uint8_t kKeySignature = 0x59;

inline constexpr int kChannels = 16;
inline constexpr int kKeys = 128;
inline constexpr std::uint32_t kMaxTempo = 0xFFFFFF;    // 24 bits in the file
inline constexpr int kMaxDenominatorPower = 6;          // 1/64 notes
inline constexpr std::size_t kMaxTrackChunks = 0xFFFF;  // 16 bits in the file
inline constexpr std::size_t kMaxNameLength = 255;

/// Sorts a list of tempo, metre or key changes; of several at one tick the last counts.
template <typename Change>
void settle_changes(std::vector<Change>& changes) {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.tick < b.tick; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i + 1 < changes.size() && changes[i + 1].tick == changes[i].tick) continue;
    changes[kept++] = changes[i];
  }
  changes.resize(kept);
}

/// Sorts the pedal events of one channel and drops those that change nothing.
inline void settle_pedal(std::vector<PedalEvent>& pedal) {
  std::stable_sort(pedal.begin(), pedal.end(),
                   [](const PedalEvent& a, const PedalEvent& b) { return a.tick < b.tick; });
  bool down = false;
  std::erase_if(pedal, [&down](const PedalEvent& event) {
    const bool repeats = event.down == down;
    down = event.down;
    return repeats;
  });
}

}  // namespace cadenza::midi
