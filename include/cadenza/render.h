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

/// One small chart of a sheet: lines with ascending x, or, with names for bars, a bar a value,
/// groups side by side.
struct Panel {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Curve> curves;
  std::vector<std::string> bars;  ///< one for each y of every curve, which then has no x
};
/// Draws panels row by row, `columns` in a row. Curves of one label have one colour everywhere,
/// which the legend at the top tells. PNG, written atomically. ArgumentError for a curve
/// without as many y as x, or as there are names for bars.
void render_panels(const std::string& title, const std::vector<Panel>& panels, int columns,
                   const std::filesystem::path& png);

/// Whether `render_wav` can work here; if not, `reason` says what to install.
bool wav_available(std::string* reason = nullptr);
/// Renders a MIDI file to audio with the `fluidsynth` program and the first General MIDI sound
/// font found. Error if either is missing or fails.
void render_wav(const std::filesystem::path& midi, const std::filesystem::path& wav);

}  // namespace cadenza
