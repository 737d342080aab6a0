// SPDX-License-Identifier: Apache-2.0
#include "tools/generate/products.h"

#include <array>
#include <cstdio>
#include <iostream>

#include "cadenza/error.h"
#include "cadenza/midi.h"
#include "cadenza/render.h"

namespace cadenza::tools {
namespace fs = std::filesystem;

void add_format_options(Arguments& arguments, PieceFormats& formats) {
  arguments.add("--png", formats.png, "draw each piece as a piano roll too");
  arguments.add("--wav", formats.wav, "play each piece into a WAV file too");
}

void check_formats(const PieceFormats& formats) {
  std::string reason;
  if (formats.wav && !wav_available(&reason)) throw Error("--wav does not work here: " + reason);
}

void Products::write(const Score& score, const fs::path& base, const PieceFormats& formats) {
  notes += score.note_count();
  if (score.note_count() == 0) ++silent;
  files.push_back(base.string() + ".mid");
  write_midi_file(score, files.back());
  if (formats.png) {
    pictures.push_back(base.string() + ".png");
    render_piano_roll(score, pictures.back());
  }
  if (formats.wav) {
    audio.push_back(base.string() + ".wav");
    render_wav(files.back(), audio.back());
  }
}

void Products::report() const {
  if (silent > 0) std::cerr << "note     : " << silent << " of the pieces hold no note\n";
  std::cout << "wrote    : " << files.front() << (files.size() > 1 ? " ... " + files.back() : "")
            << '\n';
}

void check_qpm(double qpm) {
  if (!(qpm >= 5.0 && qpm <= 1000.0)) {
    throw UsageError(message("--qpm is ", qpm, ", expected 5 to 1000"));
  }
}

std::string numbered_name(std::int64_t number) {
  std::array<char, 32> name;
  std::snprintf(name.data(), name.size(), "%04lld", static_cast<long long>(number));
  return name.data();
}

void make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    throw FileError(message(folder.string(), ": cannot create the folder: ", failed.message()));
  }
}

}  // namespace cadenza::tools
