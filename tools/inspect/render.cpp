// SPDX-License-Identifier: Apache-2.0
#include "cadenza/render.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cadenza/midi.h"
#include "tools/common/arguments.h"
#include "tools/common/json_result.h"

namespace cadenza::tools {

int run_render(std::span<char*> arguments) {
  Arguments options("render", "Draw a MIDI file as a piano roll, or play it into a WAV file.");
  std::string midi;
  std::string png;
  std::string wav;
  bool json = false;
  options.add_operand("midi", midi, "the MIDI file");
  options.add("--png", png, "write a piano-roll picture here");
  options.add("--wav", wav, "write audio here (needs the fluidsynth program and a sound font)");
  options.add("--json", json, "print one JSON object on stdout");
  options.footer("Example: cadenza render song.mid --png song.png --wav song.wav");
  if (!options.parse(arguments)) return kDone;
  if (png.empty() && wav.empty()) throw UsageError("give --png FILE, --wav FILE or both");

  std::vector<std::string> written;
  if (!png.empty()) {
    render_piano_roll(read_midi_file(midi).score, png);
    written.push_back(png);
  }
  if (!wav.empty()) {
    render_wav(midi, wav);
    written.push_back(wav);
  }
  if (json) {
    print_json({{"input", midi}, {"files", written}});
  } else {
    for (const std::string& file : written) std::cout << "wrote " << file << '\n';
  }
  return kDone;
}

}  // namespace cadenza::tools
