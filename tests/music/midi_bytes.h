// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "cadenza/midi.h"

namespace cadenza::test {

/// Hand-made MIDI files: strings of bytes.
inline std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

inline std::string big(std::size_t value, int count) {
  std::string out;
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
  return out;
}

inline std::string header(int format, std::size_t tracks, std::size_t division = 96) {
  return "MThd" + big(6, 4) + big(static_cast<std::size_t>(format), 2) + big(tracks, 2) +
         big(division, 2);
}

inline std::string chunk(const std::string& tag, const std::string& body) {
  return tag + big(body.size(), 4) + body;
}

inline const std::string kEnd = bytes({0, 0xFF, 0x2F, 0});
/// Middle C for 96 ticks on channel 0.
inline const std::string kNote = bytes({0, 0x90, 60, 64, 96, 0x80, 60, 0});

/// A track chunk that ends as it should.
inline std::string track(const std::string& events) { return chunk("MTrk", events + kEnd); }
inline std::string file(const std::string& events) { return header(0, 1) + track(events); }

inline MidiFile read(const std::string& data) { return read_midi(std::as_bytes(std::span(data))); }

/// The notes of the only Track.
inline std::vector<Note> only_notes(const MidiFile& midi) {
  return midi.score.tracks.size() == 1 ? midi.score.tracks[0].notes : std::vector<Note>();
}

inline bool mentions(const std::vector<std::string>& warnings, const std::string& text) {
  for (const std::string& warning : warnings) {
    if (warning.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace cadenza::test
