// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cadenza/score.h"

namespace cadenza {

/// Draws a piano roll: time to the right, pitch upwards, a colour per track, velocity as
/// brightness, bar and octave lines, pitch names and a time axis. PNG, written atomically.
void render_piano_roll(const Score& score, const std::filesystem::path& png);

/// One named line of a chart.
struct Curve {
  std::string label;
  std::vector<double> x;
  std::vector<double> y;  ///< points that are not finite are left out
};
/// Writes a stand-alone SVG line chart with axes, ticks and a legend.
void render_curves(const std::string& title, const std::string& x_label,
                   const std::string& y_label, const std::vector<Curve>& curves,
                   const std::filesystem::path& svg);

/// Whether `render_wav` can work here; if not, `reason` says what to install.
bool wav_available(std::string* reason = nullptr);
/// Renders a MIDI file to audio with the `fluidsynth` program and the first General MIDI sound
/// font found. Error if either is missing or fails.
void render_wav(const std::filesystem::path& midi, const std::filesystem::path& wav);

}  // namespace cadenza
